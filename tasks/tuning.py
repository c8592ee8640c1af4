"""Finds the best recipe for the training rows with Optuna.

The study lives in a database in the workspace and is named by the training key: a study that was
killed goes on with the trials that are left, and one that is finished is returned at once.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext, TaskRunContext

from ..core.import_paths import source_digests
from ..core.results import Split, Study, digest_of
from ..core.settings import TrainingSettings, default_metric
from ..registry.trial_runs import TrialRuns
from ..runs.artifacts import artifact_key
from ..runs.run_logger import run_logger
from ..runs.step import step
from .study_lock import only_process
from .trial_runner import TrialRunner
from .trials import run_trial
from .warm_starts import warm_starts

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows
    from ..training.cross_validation import TrialScore
    from ..training.study import PersistentStudy

# A person looks no more often.
_SECONDS_BETWEEN_UPDATES = 2.0


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
    more than one standard error over the folds. A study is run by one process at a time: another one waits for
    it, a day at most, and goes on with what is left. Every trial is a run below `run_id` in MLflow. With
    `settings.parallel_trials` above 1, or a `settings.search.runner`, trials are task runs on a task runner of
    their own: the one that is named, or one like the flow's.

    Args:
        split: Rows, of which those held out are not read: a split, or two of pandas frames, Arrow tables or
            snapshots, in time order when they have one.
        run_id: MLflow run of the training. None: nothing is logged, and no registry is needed.
        key: Training key; the study's name. None: made of the rows, all that is asked for and the source of
            own code, so that the same call goes on with its study.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: that of `settings`, else `log_loss` for classes
            and `rmse` for numbers.
        settings: Estimators, study and fitting. None: the defaults.
        stores: Where the model's things are kept; the workspace is needed.

    Returns:
        The best recipe. The same seed gives the same one, killed in between or not, one trial at a time or
        many, unless time runs out.

    Raises:
        ConfigurationError: If an estimator, a declared parameter or a package cannot be found, every trial
            failed, or a store is missing.
        DataRejected: If the training rows cannot be cross-validated, or the rows held out are earlier.
        OrchestratorUnavailable: If a Dask cluster has had no worker for the time that it allows.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read, the study cannot be read or written,
            or another process runs it for more than a day.
    """
    from optuna.trial import TrialState

    from ..data.snapshots import as_split
    from ..training.pruning import rungs
    from ..training.study import PersistentStudy
    from ..training.thread_limits import threads_per_trial
    from ..training.trial_process import end_processes
    from ..training.trial_rows import forget_rows, rows_and_folds

    settings = settings or TrainingSettings()
    metric = metric or settings.metric or default_metric(task_type)
    split = as_split(split, stores.open_workspace(), columns)
    if key is None:
        asked = {"rows": split.train.digest, "columns": columns.model_dump(mode="json")}
        asked |= {
            "task": task_type,
            "metric": metric,
            "settings": settings.without_place().model_dump(mode="json"),
        }
        if code := source_digests(settings.own_code):
            # Edited, it is another study: the scores of the old one say nothing about it.
            asked["code"] = code
        key = digest_of(asked)
    url = study_url(stores.open_workspace(), key)
    with ExitStack() as inside:
        inside.enter_context(only_process(url))
        inside.callback(end_processes)
        inside.callback(forget_rows)
        given = {"columns": columns, "task_type": task_type, "settings": settings}
        data, folds = rows_and_folds(split, **given)
        study = PersistentStudy(
            url,
            key,
            settings=settings,
            task=task_type,
            metric=metric,
            feature_types=data.model_types,
            steps=len(rungs(settings.search, len(data.rows)) or folds),
            starts=lambda: warm_starts(
                stores, url, task_type=task_type, metric=metric, settings=settings
            ),
        )
        inside.callback(study.close)
        given |= {"metric": metric, "threads": threads_per_trial(settings.search)}
        if run_id is not None or not study.ended:
            with TrialRuns(run_id, metric, stores) as runs:
                runs.catch_up(study.finished)
                if not study.ended:
                    _run_trials(study, runs, {"split": split, **given}, settings, stores.name)
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
            seed=settings.seed,
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
    study: PersistentStudy,
    runs: TrialRuns,
    common: dict[str, Any],
    settings: TrainingSettings,
    project_name: str,
) -> None:
    at_once = min(settings.parallel_trials, settings.search.ahead)
    if at_once < settings.parallel_trials:
        run_logger().warning(
            "%d trials run at once, not training.parallel_trials=%d: training.search.ahead is the most",
            at_once,
            settings.parallel_trials,
        )
    deadline = None
    if settings.timeout_seconds is not None:
        # What an interrupted process spent counts too.
        deadline = time.monotonic() + settings.timeout_seconds - study.seconds / at_once

    def begin() -> tuple[Any, dict[str, Any]] | None:
        """Begin the next trial, if there is one and what it is chosen by is there."""
        if deadline is not None and time.monotonic() > deadline and study.begun:
            study.end()
        if not study.ready or study.ended or (begun := study.ask()) is None:
            return None
        trial, estimator, parameters = begun
        recipe = {"number": trial.number, "estimator": estimator, "parameters": parameters}
        return trial, {**recipe, "cutoffs": study.cutoffs(trial.number)}

    with _progress(project_name, settings.trials) as show:

        def end(trial: Any, recipe: dict[str, Any], score: TrialScore) -> None:
            study.tell(trial, score)
            runs.log(trial.number, recipe["estimator"], recipe["parameters"], score)
            show(len(study.begun))

        if at_once == 1 and settings.search.runner is None:
            while (begun := begin()) is not None:
                end(*begun, run_trial.fn(**begun[1], **common))
            return
        with TrialRunner(settings.search, at_once, **common) as runner:
            trials: dict[int, Any] = {}
            while True:
                while not runner.full and (begun := begin()) is not None:
                    trials[begun[0].number] = begun[0]
                    runner.submit(begun[1])
                if not runner.running:
                    return
                recipe, score = runner.next()
                end(trials.pop(recipe["number"]), recipe, score)


@contextmanager
def _progress(project_name: str, trials: int) -> Iterator[Callable[[int], None]]:
    """Give a function that shows how many trials there were where a person can see it."""
    if FlowRunContext.get() is None and TaskRunContext.get() is None:
        yield lambda count: None
        return
    artifact = create_progress_artifact(
        0.0,
        key=artifact_key("tuning", project_name),
        description=f"Trials of the study of {project_name}",
    )
    assert isinstance(artifact, UUID)
    shown, known = time.monotonic(), 0

    def show(count: int) -> None:
        nonlocal shown, known
        known = count
        if time.monotonic() - shown > _SECONDS_BETWEEN_UPDATES:
            update_progress_artifact(artifact, min(100.0 * count / trials, 100.0))
            shown = time.monotonic()

    yield show
    update_progress_artifact(artifact, min(100.0 * known / trials, 100.0))
