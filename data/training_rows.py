"""Training rows as estimators take them: conformed features, checked labels, known classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from ..core.settings import ClassWeights, Columns, TaskType
from .class_labels import class_text, match_classes
from .row_weights import counting_rows, groups_of, weights_of
from .schema import FeatureType, conform, infer_feature_types


@dataclass(frozen=True)
class TrainingRows:
    """Rows to fit on.

    Attributes:
        rows: Conformed features, n rows.
        target: True labels, shape (n,).
        feature_types: Input column to feature type, in the model's order.
        classes: All classes, sorted; None for regression.
        steps: Feature steps that every model of these rows begins with, see `training.feature_steps`; None
            without any.
        weights: What each row counts, shape (n,); None: all the same.
        groups: Group of each row, shape (n,); None: every row stands for itself.
        moments: Number of each row's moment, shape (n,): equal timestamps have the same; None without them.
        class_weights: What fitting multiplies rows of each class with, shape (classes,), or `balanced`;
            None: nothing. Judging knows nothing of it.
    """

    rows: pd.DataFrame
    target: np.ndarray
    feature_types: dict[str, FeatureType]
    classes: np.ndarray | None
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    moments: np.ndarray | None = None
    class_weights: np.ndarray | Literal["balanced"] | None = None
    steps: Any = None

    @property
    def model_types(self) -> dict[str, FeatureType]:
        """Column to feature type of what an estimator gets: what the steps make, or the inputs."""
        return self.feature_types if self.steps is None else self.steps.output_types

    @cached_property
    def most_categories(self) -> int:
        """Most values that one category column has, missing included; 0 without any."""
        names = [name for name, found in self.feature_types.items() if found == "category"]
        return max((self.rows[name].nunique(dropna=False) for name in names), default=0)

    def take(self, positions: np.ndarray) -> TrainingRows:
        """Return some of the rows; the classes stay all classes."""
        return replace(
            self,
            rows=self.rows.iloc[positions].reset_index(drop=True),
            target=self.target[positions],
            weights=self.counted(positions),
            groups=None if self.groups is None else self.groups[positions],
            moments=None if self.moments is None else self.moments[positions],
        )

    def counted(self, positions: np.ndarray) -> np.ndarray | None:
        """Return what some of the rows count; None: all the same."""
        return None if self.weights is None else self.weights[positions]

    def fit_weights(self) -> np.ndarray | None:
        """Return what each row counts in fitting, shape (n,); None: all the same.

        `balanced` gives every class of these rows the same sum (King and Zeng, *Political Analysis* 9,
        2001; scikit-learn's `class_weight="balanced"`).
        """
        if self.class_weights is None or self.classes is None:
            return self.weights
        counted = np.ones(len(self.target)) if self.weights is None else self.weights
        codes = np.searchsorted(self.classes, self.target)
        if not isinstance(self.class_weights, str):
            return counted * self.class_weights[codes]
        sums = np.bincount(codes, weights=counted, minlength=len(self.classes))
        present = sums > 0
        factors = np.divide(
            counted.sum(), present.sum() * sums, out=np.zeros(len(sums)), where=present
        )
        return counted * factors[codes]


def training_rows(
    frame: pd.DataFrame,
    columns: Columns,
    task: TaskType,
    feature_types: dict[str, FeatureType] | None = None,
    class_weights: ClassWeights | None = None,
) -> TrainingRows:
    """Prepare a frame for fitting.

    Args:
        frame: Rows with features and target.
        columns: What each column is for.
        task: Task type.
        feature_types: Input column to feature type. None: inferred from the rows.
        class_weights: As in `training.class_weights`.

    Returns:
        The rows that count anything: one of weight 0 has no part in fitting or judging.

    Raises:
        ConfigurationError: If weights are of classes that the target has not, or it has none.
        DataRejected: If the target is missing, has missing values, is no number for regression, or
            has a number of classes that does not fit the task; or a feature is missing, a weight is no
            number from 0 on, or a group is missing.
    """
    # A fold of rows that count nothing could be neither fitted nor scored on.
    frame = counting_rows(frame, columns)
    if feature_types is None:
        features = columns.feature_names(list(frame.columns))
        feature_types = infer_feature_types(frame, features, columns.categorical)
    rows, _ = conform(frame, feature_types)
    target = labels_of(frame, columns.target, task)
    classes = None if task == "regression" else _classes(target, columns.target, task)
    return TrainingRows(
        rows,
        target,
        feature_types,
        classes,
        weights=weights_of(frame, columns),
        groups=groups_of(frame, columns),
        moments=_moments(frame, columns.timestamp),
        class_weights=_by_class(class_weights, classes),
    )


def _moments(frame: pd.DataFrame, timestamp: str | None) -> np.ndarray | None:
    if timestamp is None or timestamp not in frame:
        return None
    numbers = pd.factorize(frame[timestamp])[0]
    # A row whose moment is missing stands for itself.
    return np.where(numbers < 0, -1 - np.arange(len(numbers)), numbers)


def _by_class(
    weights: ClassWeights | None, classes: np.ndarray | None
) -> np.ndarray | Literal["balanced"] | None:
    if weights is None:
        return None
    if classes is None:
        raise ConfigurationError(
            "training.class_weights is for classes, and a regression has none: leave it out"
        )
    if weights == "balanced":
        return "balanced"
    names = [class_text(value) for value in classes]
    found = np.ones(len(names))
    for given, name in zip(weights, match_classes(weights, names), strict=True):
        if name is None:
            raise ConfigurationError(
                f"training.class_weights names the class {given!r}, and the target has {names}: name these"
            )
        found[names.index(name)] = weights[given]
    return found


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
