"""A table of loan applications with everything a table has, to be broken and to drift."""

from __future__ import annotations

import numpy as np
import pandas as pd

KNOWN, NEW = 4_000, 1_000
JOBS = ["admin.", "blue-collar", "technician", "retired", "student", "services"]


def loans(rows: int = KNOWN + NEW, seed: int = 0) -> pd.DataFrame:
    """Rows in time order, without any drift.

    Numbers that are positive, centred on 0, skewed, whole, narrow far from 0 (`rate`) and seasonal, a
    date that only rises, categories and classes.
    """
    rng = np.random.default_rng(seed)
    at = np.arange(rows)
    wealth = rng.normal(size=rows)
    age = np.clip(rng.normal(40, 10, rows) + 2 * wealth, 18, 95)
    frame = pd.DataFrame(
        {
            "loan_id": [f"loan {seed}-{i}" for i in at],
            "asked_at": pd.date_range("2025-01-01", periods=rows, freq="h", tz="UTC"),
            "day": at // 24 / 1000,
            "age": age.round(1),
            "income": rng.lognormal(10, 0.4, rows) * np.exp(0.2 * wealth),
            "balance": wealth + rng.normal(0, 0.5, rows),
            "debt": -wealth + rng.normal(0, 0.7, rows),
            "rate": 4.9 + rng.normal(0, 0.05, rows),
            "height": rng.normal(172, 9, rows),
            "children": rng.poisson(1.4, rows),
            "warmth": 12 + 9 * np.sin(2 * np.pi * at / 1_000) + rng.normal(0, 3, rows),
            "job": rng.choice(JOBS, rows, p=[0.3, 0.25, 0.2, 0.1, 0.05, 0.1]),
            "region": rng.choice(["north", "south", "east", "west"], rows),
        }
    )
    odds = 1.2 * wealth + 0.02 * (age - 40) + 0.5 * (frame["job"] == "retired") - 0.5
    frame["y"] = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return frame
