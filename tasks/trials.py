"""Scores one trial of a study, in this process or on a worker, and logs it to MLflow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..core.results import Split
from ..runs.step import step

if TYPE_CHECKING:
    from ..core.settings import Columns, TaskType, TrainingSettings
    from ..data.training_rows import TrainingRows
    from ..training.cross_validation import Fold, TrialScore


def rows_and_folds(
    split: Split, *, columns: Columns, task_type: TaskType, settings: TrainingSettings
) -> tuple[TrainingRows, list[Fold]]:
    """Return the rows that trials may use, and their folds; read once a process.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
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
    from ..core.settings import Columns, TrainingSettings
    from ..data.snapshots import load_frame
    from ..data.training_rows import training_rows
    from ..training.cross_validation import make_folds, tuning_rows

    split = Split.model_validate_json(split_json)
    columns = Columns.model_validate_json(columns_json)
    training = TrainingSettings.model_validate_json(training_json)
    data = training_rows(load_frame(split.train), columns, task_type)
    data = tuning_rows(data, split.method, training.maximum_tuning_rows, training.seed)
    return data, make_folds(data, split.method, training.folds, training.seed)


def forget_rows() -> None:
    """Free the rows that `rows_and_folds` keeps."""
    _rows_and_folds.cache_clear()


@step("trial {number}: {estimator}")
def run_trial(
    split: Split,
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    cutoffs: list[float],
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: TrainingSettings,
) -> TrialScore:
    """Score one recipe by cross-validation on the training rows.

    Args:
        split: Rows; the holdout is not read.
        number: Number of the trial, for its name.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        cutoffs: See `training.cross_validation.score_trial`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        settings: Estimators, study and fitting.

    Returns:
        The score; what the estimator raised is its `error`.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    from ..training.cross_validation import score_trial

    data, folds = rows_and_folds(split, columns=columns, task_type=task_type, settings=settings)
    return score_trial(
        data,
        folds,
        estimator=estimator,
        parameters=parameters,
        task=task_type,
        metric=metric,
        seed=settings.seed,
        cutoffs=cutoffs,
    )
