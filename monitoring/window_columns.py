"""Finds the columns of a window of the prediction log, in the reference's terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.table_columns import SCORE_PREFIX
from ..data.class_labels import class_text, match_classes
from ..data.schema import FeatureType, conform
from .reference import LABEL

READ_AS: dict[str, str] = {
    "number": "a number",
    "boolean": "true or false",
    "category": "text",
    "datetime": "a moment",
}


@dataclass(frozen=True)
class FoundColumn:
    """A column of a window as it was found.

    Attributes:
        feature_type: What it is read as.
        values: Conformed values; None when the column cannot be used.
        problem: Why it cannot be used, or what was lost in reading it, or empty.
    """

    feature_type: FeatureType
    values: pd.Series | None = None
    problem: str = ""


def find_column(frame: pd.DataFrame, name: str, feature_type: FeatureType) -> FoundColumn:
    """Find a column of a window and read it as its feature type.

    Args:
        frame: Rows of the prediction log.
        name: Name of the column.
        feature_type: What to read it as.

    Returns:
        The column. One that is missing, there twice or unreadable has no values and says why.
    """
    same = np.asarray(frame.columns == name)
    if same.sum() != 1:
        times = int(same.sum())
        problem = f"there {times} times, expected once" if times else "missing from the window"
        return FoundColumn(feature_type, problem=problem)
    try:
        clean, coerced = conform(frame.loc[:, same], {name: feature_type})
    except (DataRejected, TypeError, ValueError, ArithmeticError) as error:
        return FoundColumn(
            feature_type, problem=f"its values cannot be read as {READ_AS[feature_type]}: {error}"
        )
    lost = coerced.unreadable.get(name, 0) + coerced.infinite.get(name, 0)
    note = (
        f"{lost} values cannot be read as {READ_AS[feature_type]}: counted as missing"
        if lost
        else ""
    )
    return FoundColumn(feature_type, clean[name], note)


def score_columns(window: pd.DataFrame, classes: list[str]) -> dict[str, str]:
    """Return the window's score column of each class that has one."""
    found = [name for name in window.columns if str(name).startswith(SCORE_PREFIX)]
    matched = match_classes([name.removeprefix(SCORE_PREFIX) for name in found], classes)
    return {name: column for name, column in zip(matched, found, strict=True) if name is not None}


def known_labels(window: pd.DataFrame, classes: list[str] | None) -> pd.Series:
    """Return the labels that are known, in the reference's terms.

    Args:
        window: Rows of the prediction log.
        classes: The model's classes as text; None for regression.

    Returns:
        Class names as text (a label that is no class keeps its own text), or floats; indexed by the
        position of the row in the window.
    """
    if LABEL not in window:
        return pd.Series([], dtype=object)
    labels = window[LABEL].reset_index(drop=True).dropna()
    if classes is None:
        numbers = pd.to_numeric(labels, errors="coerce").astype(float)
        return numbers[np.isfinite(numbers)]
    matched = match_classes(labels, classes)
    texts = [
        class_text(label) if name is None else name
        for name, label in zip(matched, labels, strict=True)
    ]
    return pd.Series(texts, index=labels.index, dtype=object)
