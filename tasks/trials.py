"""Scores one trial of a study, in this process or on a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.settings import TrainingSettings, default_metric
from ..runs.step import step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..core.results import Split
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..training.cross_validation import TrialScore


@step("trial {number}: {estimator}")
def run_trial(
    split: Split | tuple[Rows, Rows],
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    cutoffs: Sequence[float] = (),
    threads: int | None = None,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: TrainingSettings | None = None,
) -> TrialScore:
    """Score one recipe by cross-validation on the training rows.

    With `settings.search.trial_timeout_seconds`, in a process of its own, which is killed when it takes longer.

    Args:
        split: Rows, of which those held out are not read: a split, or two of pandas frames, Arrow tables or
            snapshots, in time order when they have one.
        number: Number of the trial, for its name.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        cutoffs: See `training.trial_scoring.score_trial`.
        threads: Threads that the numerical libraries may use. None: as `settings.search` says.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: that of `settings`, else `log_loss` for classes
            and `rmse` for numbers.
        settings: Estimators, study and fitting. None: the defaults.

    Returns:
        The score; what the estimator raised is its `error`.

    Raises:
        ConfigurationError: If a feature step cannot be used.
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    from ..training.trial_process import score_within
    from ..training.trial_scoring import score_on_rows

    settings = settings or TrainingSettings()
    given = {
        "estimator": estimator,
        "parameters": parameters,
        "cutoffs": list(cutoffs),
        "threads": threads,
        "columns": columns,
        "task_type": task_type,
        "metric": metric or settings.metric or default_metric(task_type),
        "settings": settings,
    }
    longest = settings.search.trial_timeout_seconds
    if longest is None:
        return score_on_rows(split, **given)
    return score_within(longest, score_on_rows, split, **given)
