"""Rows as they come when something upstream is not as it was: noisy, emptied, with categories never seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..data.schema import FeatureType, conform

# No source says this, so no model has seen it.
NEVER_SEEN = "prefect-mlops: a category never seen"


def noisy(
    rows: pd.DataFrame,
    train: pd.DataFrame,
    feature_types: Mapping[str, FeatureType],
    *,
    share: float,
    seed: int,
) -> pd.DataFrame | None:
    """Return rows with noise on every number, None where there is no number.

    Args:
        rows: Conformed rows.
        train: Conformed training rows, whose standard deviations are the unit.
        feature_types: Input column to feature type.
        share: Standard deviation of the noise, in those of the training rows.
        seed: Seed of the noise.

    Example:
        >>> rows = pd.DataFrame({"age": [1.0, 2.0, 3.0]})
        >>> moved = noisy(rows, rows, {"age": "number"}, share=0.1, seed=0)
        >>> bool(((moved["age"] - rows["age"]).abs() < 0.5).all())
        True
    """
    numbers = [name for name, kind in feature_types.items() if kind == "number"]
    if not numbers:
        return None
    rng = np.random.default_rng(seed)
    moved = rows.copy()
    for name in numbers:
        values = train[name].astype(float)
        spread = float(values[np.isfinite(values)].std())
        if np.isfinite(spread):
            moved[name] = rows[name].astype(float) + rng.normal(0.0, share * spread, len(rows))
    return moved


def emptied(
    rows: pd.DataFrame, name: str, feature_types: Mapping[str, FeatureType]
) -> pd.DataFrame:
    """Return rows without any value in a column, missing as a model was trained on what is missing.

    Args:
        rows: Conformed rows.
        name: The column.
        feature_types: Input column to feature type.
    """
    bare = pd.DataFrame({name: [None] * len(rows)}, index=rows.index)
    return rows.assign(**{name: conform(bare, {name: feature_types[name]})[0][name].to_numpy()})


def with_categories_never_seen(
    rows: pd.DataFrame, feature_types: Mapping[str, FeatureType]
) -> pd.DataFrame | None:
    """Return rows with one category that no model has seen in every category, None where there is none."""
    names = [name for name, kind in feature_types.items() if kind == "category"]
    if not names:
        return None
    return rows.assign(**{name: pd.Series(NEVER_SEEN, rows.index, dtype=object) for name in names})
