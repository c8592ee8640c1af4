"""Scores one trial of a study, in this process or on a worker, and logs it to MLflow."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core import tags
from ..core.results import Split
from ..registry.tracking import log_batch, registry_errors

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..core.settings import TaskType
    from ..data.training_rows import TrainingRows
    from ..training.cross_validation import Fold, TrialScore

_PARENT_RUN = "mlflow.parentRunId"
_STATUS = {"failed": "FAILED", "pruned": "KILLED", "complete": "FINISHED"}


def rows_and_folds(project: MLProject, split: Split) -> tuple[TrainingRows, list[Fold]]:
    """Return the rows that trials may use, and their folds; read once a process.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    return _rows_and_folds(
        split.model_dump_json(),
        project.dataset.columns.model_dump_json(),
        project.training.model_dump_json(),
        project.task,
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


@task(
    name="run_trial",
    task_run_name="trial {number}: {estimator}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def run_trial(
    project: MLProject,
    split: Split,
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    cutoffs: list[float],
) -> TrialScore:
    """Score one recipe by cross-validation on the training rows.

    Args:
        project: The project.
        split: Rows; the holdout is not read.
        number: Number of the trial, for its name.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        cutoffs: See `training.cross_validation.score_trial`.

    Returns:
        The score; what the estimator raised is its `error`.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    from ..training.cross_validation import score_trial

    data, folds = rows_and_folds(project, split)
    return score_trial(
        data,
        folds,
        estimator=estimator,
        parameters=parameters,
        task=project.task,
        metric=project.metric,
        seed=project.training.seed,
        cutoffs=cutoffs,
    )


def log_trial(
    project: MLProject,
    run_id: str,
    experiment: str,
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    score: TrialScore,
) -> None:
    """Log a finished trial as a run below the training's run.

    Args:
        project: The project.
        run_id: The training's run.
        experiment: Id of the experiment.
        number: Number of the trial.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        score: What it achieved.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    state = "failed" if score.error else "pruned" if score.pruned else "complete"
    texts = {_PARENT_RUN: run_id, tags.PROJECT: project.name, tags.TRIAL_STATE: state}
    if score.error:
        texts[tags.REASONS] = score.error[:1_000]
    metrics = {project.metric: score.means[-1], "folds": len(score.means)} if score.means else {}
    client = project.registry.get_client()
    with registry_errors(project):
        run = client.create_run(
            experiment,
            start_time=int((time.time() - score.seconds) * 1_000),
            tags=texts,
            run_name=f"trial {number}",
        )
        log_batch(
            client,
            run.info.run_id,
            parameters={"estimator": estimator, **parameters},
            metrics=metrics,
        )
        client.set_terminated(run.info.run_id, _STATUS[state])
