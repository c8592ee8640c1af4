"""The rows that trials use and their folds, read from the snapshot once a process."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Literal

import pandas as pd

from ..core.results import Split
from ..core.settings import Columns, TaskType, TrainingSettings
from ..data.snapshots import Rows, as_frame, load_frame, train_and_holdout
from ..data.training_rows import TrainingRows, training_rows
from ..models.decision import cost_matrix
from .cross_validation import Fold, make_folds, tuning_rows
from .feature_steps import with_features
from .weighting import refuse_unweighted

# Threads that begin at once wait for the first to read, instead of each reading the same.
_reading = threading.Lock()


def rows_and_folds(
    split: Split | tuple[Rows, Rows],
    *,
    columns: Columns,
    task_type: TaskType,
    settings: TrainingSettings,
) -> tuple[TrainingRows, list[Fold]]:
    """Return the rows that trials may use, and their folds; those of a split are read once a process.

    Raises:
        ConfigurationError: If a feature step cannot be used.
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    if not isinstance(split, Split):
        rows = as_frame(train_and_holdout(split)[0], "split[0]")
        method = "time" if columns.has_order else "hash"
        return _made(rows, method, columns, settings, task_type)
    with _reading:
        return _rows_and_folds(
            split.model_dump_json(),
            columns.model_dump_json(),
            settings.model_dump_json(),
            task_type,
        )


@lru_cache(maxsize=2)
def _rows_and_folds(
    split_json: str, columns_json: str, training_json: str, task_type: TaskType
) -> tuple[TrainingRows, list[Fold]]:
    split = Split.model_validate_json(split_json)
    columns = Columns.model_validate_json(columns_json)
    training = TrainingSettings.model_validate_json(training_json)
    return _made(load_frame(split.train), split.method, columns, training, task_type)


def _made(
    frame: pd.DataFrame,
    method: Literal["time", "hash"],
    columns: Columns,
    training: TrainingSettings,
    task_type: TaskType,
) -> tuple[TrainingRows, list[Fold]]:
    data = training_rows(frame, columns, task_type, class_weights=training.class_weights)
    data = with_features(data, training)
    spaces = training.search.spaces
    refuse_unweighted(training.estimators, data, task_type, training.seed, spaces)
    if training.decisions.costs is not None and data.classes is not None:
        # Better said now than after the study.
        cost_matrix(training.decisions.costs, data.classes)
    data = tuning_rows(data, method, training.maximum_tuning_rows, training.seed)
    return data, make_folds(data, method, training.folds, training.seed)


def forget_rows() -> None:
    """Free the rows that `rows_and_folds` keeps."""
    _rows_and_folds.cache_clear()
