"""Training rows as estimators take them: conformed features, checked labels, known classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.settings import Columns, TaskType
from .schema import FeatureType, conform, infer_feature_types


@dataclass(frozen=True)
class TrainingRows:
    """Rows to fit on.

    Attributes:
        rows: Conformed features, n rows.
        target: True labels, shape (n,).
        feature_types: Input column to feature type, in the model's order.
        classes: All classes, sorted; None for regression.
        weights: What each row counts, shape (n,); None: all the same.
    """

    rows: pd.DataFrame
    target: np.ndarray
    feature_types: dict[str, FeatureType]
    classes: np.ndarray | None
    weights: np.ndarray | None = None

    def take(self, positions: np.ndarray) -> TrainingRows:
        """Return some of the rows; the classes stay all classes."""
        return replace(
            self,
            rows=self.rows.iloc[positions].reset_index(drop=True),
            target=self.target[positions],
            weights=self.counted(positions),
        )

    def counted(self, positions: np.ndarray) -> np.ndarray | None:
        """Return what some of the rows count; None: all the same."""
        return None if self.weights is None else self.weights[positions]


def training_rows(
    frame: pd.DataFrame,
    columns: Columns,
    task: TaskType,
    feature_types: dict[str, FeatureType] | None = None,
) -> TrainingRows:
    """Prepare a frame for fitting.

    Args:
        frame: Rows with features and target.
        columns: What each column is for.
        task: Task type.
        feature_types: Input column to feature type. None: inferred from the rows.

    Returns:
        The rows.

    Raises:
        DataRejected: If the target is missing, has missing values, is no number for regression, or
            has a number of classes that does not fit the task; or a feature is missing.
    """
    if feature_types is None:
        features = columns.feature_names(list(frame.columns))
        feature_types = infer_feature_types(frame, features, columns.categorical)
    rows, _ = conform(frame, feature_types)
    target = labels_of(frame, columns.target, task)
    classes = None if task == "regression" else _classes(target, columns.target, task)
    return TrainingRows(rows, target, feature_types, classes)


def labels_of(frame: pd.DataFrame, column: str, task: TaskType) -> np.ndarray:
    """Return the true labels of a frame.

    Args:
        frame: Rows.
        column: Target column.
        task: Task type.

    Returns:
        Shape (n,): floats for regression, else the labels as they are.

    Raises:
        DataRejected: If the column is missing, has missing values, or holds something else than
            finite numbers for regression.
    """
    if column not in frame:
        raise DataRejected(
            f"target {column!r} is missing; columns found: {list(frame.columns)}", column=column
        )
    values = frame[column]
    missing = int(values.isna().sum())
    if missing:
        raise DataRejected(
            f"target {column!r} is missing in {missing} of {len(values)} rows: leave such rows out at "
            "the source",
            column=column,
        )
    if task != "regression":
        return np.asarray(values.to_numpy())
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        raise DataRejected(
            f"target {column!r} is no finite number in {int(wrong.sum())} rows, for example "
            f"{str(values[wrong].iloc[0])!r}: a regression needs numbers",
            column=column,
        )
    return numbers


def _classes(target: np.ndarray, column: str, task: TaskType) -> np.ndarray:
    try:
        classes = np.unique(target)
    except TypeError as error:
        feature_types = sorted({type(value).__name__ for value in target})
        raise DataRejected(
            f"target {column!r} mixes {', '.join(feature_types)}: give it one type at its source",
            column=column,
        ) from error
    if len(classes) < 2 or (task == "binary" and len(classes) > 2):
        shown = ", ".join(repr(value) for value in classes[:6].tolist())
        expected = "exactly 2" if task == "binary" else "at least 2"
        raise DataRejected(
            f"target {column!r} has {len(classes)} classes ({shown}); a {task} model needs {expected}",
            column=column,
        )
    return classes
