"""Finds the best recipe for the training rows with Optuna.

The study lives in a database in the workspace and is named by the training key: a study that was
killed goes on with the trials that are left, and one that is finished is returned at once.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture, as_completed

from ..core.results import Split, Study, digest_of
from ..core.settings import TrainingSettings, default_metric
from ..registry.tracking import experiment_id, registry_errors
from ..registry.trial_runs import log_trial
from ..runs.artifacts import artifact_key
from ..runs.run_logger import run_logger
from ..runs.step import step
from .trials import forget_rows, rows_and_folds, run_trial

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows
    from ..training.cross_validation import TrialScore
    from ..training.study import PersistentStudy


@step("tune {stores.name}")
def tune(
    split: Split | tuple[Rows, Rows],
    run_id: str | None = None,
    key: str | None = None,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: TrainingSettings | None = None,
    stores: Stores,
) -> Study:
    """Find the best recipe by cross-validation on the training rows.

    The first trials are scikit-learn's defaults for each estimator; another recipe must beat them by
    more than one standard error over the folds. Every trial is a run below `run_id` in MLflow. With
    `training.parallel_trials` above 1, trials are task runs on the flow's task runner: call this task there,
    as one that is submitted takes a place that its trials may wait for.

    Args:
        split: Rows, of which those held out are not read: a split, or two of pandas frames, Arrow tables or
            snapshots, in time order when they have one.
        run_id: MLflow run of the training. None: nothing is logged, and no registry is needed.
        key: Training key; the study's name. None: made of the rows and all that is asked for, so that the
            same call goes on with its study.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: that of `settings`, else `log_loss` for classes
            and `rmse` for numbers.
        settings: Estimators, study and fitting. None: the defaults.
        stores: Where the model's things are kept; the workspace is needed.

    Returns:
        The best recipe. The same seed gives the same one, killed in between or not, unless trials run
        in parallel or time runs out.

    Raises:
        ConfigurationError: If an estimator cannot be found, every trial failed, or a store is missing.
        DataRejected: If the training rows cannot be cross-validated, or the rows held out are earlier.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read, or the study cannot be written.
    """
    from optuna.trial import TrialState

    from ..data.snapshots import as_split
    from ..training.study import PersistentStudy

    training = settings = settings or TrainingSettings()
    metric = metric or training.metric or default_metric(task_type)
    split = as_split(split, stores.open_workspace(), columns)
    if key is None:
        asked = {"rows": split.train.digest, "columns": columns.model_dump(mode="json")}
        asked |= {"task": task_type, "metric": metric, "settings": settings.model_dump(mode="json")}
        key = digest_of(asked)
    url = study_url(stores.open_workspace(), key)
    try:
        data, _ = rows_and_folds(split, columns=columns, task_type=task_type, settings=settings)
        study = PersistentStudy(
            url,
            key,
            estimators=training.estimators,
            task=task_type,
            feature_types=data.model_types,
            seed=training.seed,
            trials=training.trials,
        )
        if not study.ended:
            _run_trials(
                split,
                study,
                run_id,
                stores=stores,
                columns=columns,
                task_type=task_type,
                metric=metric,
                settings=settings,
            )
    finally:
        forget_rows()
    estimator, parameters, score = study.best()
    result = Study(
        name=key,
        storage=url,
        estimator=estimator,
        parameters=parameters,
        metric=metric,
        score=score,
        trials=len(study.begun),
        pruned=study.count(TrialState.PRUNED),
        failed=study.count(TrialState.FAIL),
        seed=training.seed,
    )
    run_logger().info(
        "%s: %s %.4f in cross-validation, best of %d trials (%d pruned, %d failed)",
        estimator,
        metric,
        score,
        result.trials,
        result.pruned,
        result.failed,
    )
    return result


def study_url(workspace: Workspace, key: str) -> str:
    """Return the URL of a study's database: in the workspace when that is a local folder.

    A remote workspace cannot hold a database: the study is then kept in this machine's folder for
    temporary files, and goes on only there.

    Raises:
        WorkspaceUnavailable: If the folder cannot be made.
    """
    name = key if re.fullmatch(r"[\w.-]{1,100}", key) else hashlib.sha256(key.encode()).hexdigest()
    return f"sqlite:///{workspace.local_folder('studies') / name}.db"


def _run_trials(
    split: Split,
    study: PersistentStudy,
    run_id: str | None,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: TrainingSettings,
    stores: Stores,
) -> None:
    training = settings
    experiment = None
    if run_id is not None:
        with registry_errors(stores.registry):
            experiment = experiment_id(stores, stores.registry.get_client())
    show = _progress(stores.name)
    deadline = None
    if training.timeout_seconds is not None:
        # What an interrupted process spent counts too.
        spent = study.seconds / training.parallel_trials
        deadline = time.monotonic() + training.timeout_seconds - spent

    def more() -> bool:
        if deadline is not None and time.monotonic() > deadline and study.begun:
            study.end()
        return not study.ended

    def begin() -> tuple[Any, dict[str, Any]]:
        cutoffs = study.cutoffs()
        trial, estimator, parameters = study.ask()
        recipe = {"number": trial.number, "estimator": estimator, "parameters": parameters}
        return trial, {**recipe, "cutoffs": cutoffs}

    def end(trial: Any, recipe: dict[str, Any], score: TrialScore) -> None:
        study.tell(trial, score)
        described = {name: value for name, value in recipe.items() if name != "cutoffs"}
        if run_id is not None and experiment is not None:
            log_trial(run_id, experiment, score=score, **described, stores=stores, metric=metric)
        show(100.0 * len(study.begun) / training.trials)

    if training.parallel_trials == 1:
        while more():
            trial, recipe = begin()
            end(
                trial,
                recipe,
                run_trial.fn(
                    split,
                    **recipe,
                    columns=columns,
                    task_type=task_type,
                    metric=metric,
                    settings=settings,
                ),
            )
        return
    running: dict[PrefectFuture[TrialScore], tuple[Any, dict[str, Any]]] = {}
    while True:
        while len(running) < training.parallel_trials and more():
            trial, recipe = begin()
            running[
                run_trial.submit(
                    split,
                    **recipe,
                    columns=columns,
                    task_type=task_type,
                    metric=metric,
                    settings=settings,
                )
            ] = (trial, recipe)
        if not running:
            return
        future = next(as_completed(list(running)))
        trial, recipe = running.pop(future)
        end(trial, recipe, future.result())


def _progress(project_name: str) -> Callable[[float], None]:
    """Return a function that shows progress, in percent, where a person can see it."""
    if FlowRunContext.get() is None and TaskRunContext.get() is None:
        return lambda percent: None
    artifact = create_progress_artifact(
        0.0,
        key=artifact_key("tuning", project_name),
        description=f"Trials of the study of {project_name}",
    )
    assert isinstance(artifact, UUID)

    def show(percent: float) -> None:
        update_progress_artifact(artifact, min(percent, 100.0))

    return show
