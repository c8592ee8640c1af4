"""Scores one trial of a study, in this process or on a worker, and logs it to MLflow."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from ..core.results import Split
from ..core.settings import TrainingSettings, default_metric
from ..runs.step import step

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..data.training_rows import TrainingRows
    from ..training.cross_validation import Fold, TrialScore


def rows_and_folds(
    split: Split | tuple[Rows, Rows],
    *,
    columns: Columns,
    task_type: TaskType,
    settings: TrainingSettings,
) -> tuple[TrainingRows, list[Fold]]:
    """Return the rows that trials may use, and their folds; those of a split are read once a process.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    if not isinstance(split, Split):
        from ..data.snapshots import as_frame, train_and_holdout

        rows = as_frame(train_and_holdout(split)[0], "split[0]")
        method = "time" if columns.has_order else "hash"
        return _made(rows, method, columns, settings, task_type)
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
    from ..core.settings import Columns
    from ..data.snapshots import load_frame

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
    from ..data.training_rows import training_rows
    from ..models.decision import cost_matrix
    from ..training.cross_validation import make_folds, tuning_rows
    from ..training.weighting import refuse_unweighted

    data = training_rows(frame, columns, task_type, class_weights=training.class_weights)
    refuse_unweighted(training.estimators, data, task_type, training.seed)
    if training.decisions.costs is not None and data.classes is not None:
        # Better said now than after the study.
        cost_matrix(training.decisions.costs, data.classes)
    data = tuning_rows(data, method, training.maximum_tuning_rows, training.seed)
    return data, make_folds(data, method, training.folds, training.seed)


def forget_rows() -> None:
    """Free the rows that `rows_and_folds` keeps."""
    _rows_and_folds.cache_clear()


@step("trial {number}: {estimator}")
def run_trial(
    split: Split | tuple[Rows, Rows],
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    cutoffs: Sequence[float] = (),
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: TrainingSettings | None = None,
) -> TrialScore:
    """Score one recipe by cross-validation on the training rows.

    Args:
        split: Rows, of which those held out are not read: a split, or two of pandas frames, Arrow tables or
            snapshots, in time order when they have one.
        number: Number of the trial, for its name.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        cutoffs: See `training.cross_validation.score_trial`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: that of `settings`, else `log_loss` for classes
            and `rmse` for numbers.
        settings: Estimators, study and fitting. None: the defaults.

    Returns:
        The score; what the estimator raised is its `error`.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    from ..training.cross_validation import score_trial

    settings = settings or TrainingSettings()
    data, folds = rows_and_folds(split, columns=columns, task_type=task_type, settings=settings)
    return score_trial(
        data,
        folds,
        estimator=estimator,
        parameters=parameters,
        task=task_type,
        metric=metric or settings.metric or default_metric(task_type),
        seed=settings.seed,
        cutoffs=list(cutoffs),
    )
