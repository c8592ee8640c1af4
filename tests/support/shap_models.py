"""Fitted pipelines on a small table of a number, a category and a moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from prefect_mlops.data.schema import conform
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.training.preprocessing import default_preprocessor
from sklearn.pipeline import make_pipeline

TYPES: dict[str, Any] = {"job": "category", "age": "number", "noise": "number", "at": "datetime"}


def table(rows: int = 400) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "job": rng.choice(list("abcdef"), rows),
            "age": rng.normal(size=rows),
            "noise": rng.normal(size=rows),
            "at": pd.date_range("2026-01-01", periods=rows, freq="h"),
        }
    )
    return frame, np.asarray(2 * frame["age"] + frame["job"].isin(["b", "e"]))


def fitted(
    estimator: Any, *, style: Any = "trees", task: Any = "binary"
) -> tuple[Predictor, pd.DataFrame]:
    """A model of the table, and its rows."""
    frame, numbers = table()
    cuts = {"binary": [0.5], "multiclass": [-1.0, 1.0]}
    target = numbers if task == "regression" else np.digitize(numbers, cuts[task])
    rows, _ = conform(frame, TYPES)
    model = make_pipeline(default_preprocessor(TYPES, style), estimator).fit(rows, target)
    return Predictor(model, task, TYPES), frame
