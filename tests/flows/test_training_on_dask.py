"""A training whose trials run on a Dask cluster survives the death of workers, whenever they die."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import optuna
import prefect
import pytest
from prefect_mlops.blocks import MLProject
from prefect_mlops.core import tags
from prefect_mlops.core.results import Study, TrainingOutcome
from prefect_mlops.core.settings import SearchSettings
from prefect_mlops.flows import train
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version
from prefect_mlops.tasks import extract, split, tune
from prefect_mlops.tasks.tuning import study_url
from prefect_mlops.training.study import PersistentStudy
from support.candidates import crown, log_candidate, split_at
from support.own_code import write_module

dask = pytest.importorskip("dask")
distributed = pytest.importorskip("distributed")
prefect_dask = pytest.importorskip("prefect_dask")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here"),
]
ROWS, OLD_ROWS, TRIALS, FOLDS = 900, 300, 40, 2
# Tasks of the training, at the beginning of which a worker is killed.
STEPS = [
    "extract",
    "validate_data",
    "split",
    "tune",
    "fit",
    "check_model",
    "check_baseline",
    "check_calibration",
    "check_robustness",
    "compare",
    "refit",
    "check_package",
    "check_freshness",
    "register",
    "promote",
    "finalise",
]
# A worker kills itself in the fit of one fold, when there were so many.
FATAL_FITS = [1, 12, 13, 34, 59]
# A worker is killed from outside when so many trials are in the database.
FATAL_TRIALS = [6, 19, 20, 37]

OWN = """
import multiprocessing
import os
import signal
import time
from pathlib import Path

from prefect_mlops.training.preprocessing import default_preprocessor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

HERE = Path({folder!r})


class Watched(LogisticRegression):
    def fit(self, X, y):
        if multiprocessing.parent_process() is not None:
            (HERE / "fits" / f"{{self.C!r}}={{time.time()!r}}={{os.getpid()}}").touch()
            time.sleep(0.1)
            count = len(list(HERE.glob("fits/*")))
            for fatal in HERE.glob("fatal/*"):
                if count >= int(fatal.name):
                    # One process alone can rename it.
                    fatal.rename(HERE / "died" / fatal.name)
                    os.kill(os.getpid(), signal.SIGKILL)
        return super().fit(X, y)


def recipe(trial, task_type, feature_types, seed):
    model = Watched(C=trial.suggest_float("C", 1e-3, 1e2, log=True))
    return make_pipeline(default_preprocessor(feature_types, "linear"), model)
"""


class Cluster:
    """Two workers of one thread, processes whose nannies replace them when they die."""

    def __init__(self) -> None:
        # Without it a local cluster gives up a worker that is dead again 15 seconds after it died.
        self._patience = dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"})
        self._cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        )
        self.address: str = self._cluster.scheduler_address
        self._last = 0
        self.killed = 0

    def kill(self, *, busy: bool = False) -> None:
        """Kill a worker that is up: another one than the last time, or one that runs a trial, if there is one."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < 60:
            # For a moment none of them may run one.
            busy = busy and waited < 2
            known = dict(self._cluster.scheduler.workers)
            up = [
                nanny.pid
                for nanny in self._cluster.workers.values()
                if nanny.pid is not None
                and nanny.worker_address in known
                and (known[nanny.worker_address].processing or not busy)
            ]
            if up:
                chosen = next((pid for pid in up if pid != self._last), up[0])
                try:
                    os.kill(chosen, signal.SIGKILL)
                except ProcessLookupError:
                    # It died by itself just now, and its nanny has not noticed.
                    continue
                self._last = chosen
                self.killed += 1
                return
            time.sleep(0.02)
        raise AssertionError("no worker came up within a minute")

    def close(self) -> None:
        self._cluster.close(timeout=30)
        self._patience.__exit__(None, None, None)


@pytest.fixture
def watched(tmp_path, monkeypatch) -> Path:
    """An estimator that notes its fits on workers, and dies in those that a file names."""
    folder = tmp_path / "own"
    for name in ("fits", "fatal", "died"):
        (folder / name).mkdir(parents=True)
    write_module(monkeypatch, folder, "watched_models", OWN.format(folder=str(folder)))
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    return folder


@pytest.fixture
def cluster(watched):
    found = Cluster()
    yield found
    found.close()


@pytest.fixture
def make_watched_project(calls, tmp_path, make_flow_project):
    """A function that makes a project with a poor champion, fitted on its oldest rows."""
    frame = calls(ROWS)

    def make(**training: Any) -> MLProject:
        frame.to_parquet(tmp_path / "rows.parquet")
        project = make_flow_project(
            training={
                "estimators": ["watched_models:recipe"],
                "trusted_types": ["watched_models.Watched"],
                "trials": TRIALS,
                "folds": FOLDS,
                "refit": "all_rows",
                **training,
            },
            gates={"deepchecks": [], "resamples": 300, "slice_tolerance": None},
        )
        parts = split_at(project, frame[:OLD_ROWS], OLD_ROWS - 50)
        crown(project, log_candidate(project, parts, noise=0.9, name="old"))
        return project

    return make


@pytest.fixture
def begun_steps(cluster, monkeypatch) -> list[str]:
    """Steps that began, at each of which a worker was killed, as at some trials in between."""
    found: list[str] = []
    told: list[int] = []
    call, tell = prefect.Task.__call__, PersistentStudy.tell

    def kill_and_call(self: prefect.Task[Any, Any], *args: Any, **keywords: Any) -> Any:
        found.append(self.name)
        cluster.kill()
        return call(self, *args, **keywords)

    def tell_and_kill(self: PersistentStudy, trial: Any, score: Any) -> None:
        tell(self, trial, score)
        told.append(trial.number)
        if len(told) in FATAL_TRIALS:
            cluster.kill(busy=True)

    monkeypatch.setattr(prefect.Task, "__call__", kill_and_call)
    monkeypatch.setattr(PersistentStudy, "tell", tell_and_kill)
    return found


class Fit(NamedTuple):
    parameter: str
    begun: float


def fits_in(folder: Path) -> list[Fit]:
    return [
        Fit(name[0], float(name[1]))
        for name in (path.name.split("=") for path in folder.glob("fits/*"))
    ]


def trials_of(project: MLProject, key: str) -> list[optuna.trial.FrozenTrial]:
    url = study_url(project.open_workspace(), key)
    return optuna.load_study(study_name=key, storage=url).get_trials()


def tune_alone(project: MLProject) -> Study:
    """The study of the same rows without a cluster: one trial after the other, in this process."""
    alone = project.training.model_copy(update={"parallel_trials": 1, "search": SearchSettings()})
    parts = split.fn(extract.fn(**project.arguments(extract)), **project.arguments(split))
    return tune.fn(parts, None, "alone", **{**project.arguments(tune), "settings": alone})


def plain(trials: list[optuna.trial.FrozenTrial]) -> list[Any]:
    return [
        (trial.params, trial.state, trial.values, trial.intermediate_values) for trial in trials
    ]


def assert_trained_once(project: MLProject, outcome: TrainingOutcome) -> None:
    """One version, one champion, one of everything."""
    assert outcome.outcome == "promoted"
    assert outcome.version is not None
    assert outcome.version.version == "2"
    client = project.registry.get_client()
    versions = client.search_model_versions("name='calls'")
    assert sorted(int(found.version) for found in versions) == [1, 2]
    champion = find_version(project.registry, tags.CHAMPION)
    assert champion is not None
    assert champion.version == "2"
    assert find_version(project.registry, tags.CHALLENGER) is None
    log = promotion_log(project.stores)
    assert [(entry["previous"], entry["version"]) for entry in log] == [("1", "2")]
    experiment = client.get_experiment_by_name("calls")
    query = f"tags.`{tags.TRAINING_KEY}` = '{outcome.training_key}'"
    runs = client.search_runs([experiment.experiment_id], query)
    assert [run.info.status for run in runs] == ["FINISHED"]
    below = f"tags.`mlflow.parentRunId` = '{runs[0].info.run_id}'"
    named = [run.info.run_name for run in client.search_runs([experiment.experiment_id], below)]
    assert sorted(named) == sorted(f"trial {number}" for number in range(TRIALS))


def assert_no_finished_trial_repeated(
    trials: list[optuna.trial.FrozenTrial], fits: list[Fit], died: int
) -> None:
    assert [trial.number for trial in trials] == list(range(TRIALS))
    assert all(trial.state.is_finished() for trial in trials)
    begun = Counter(fit.parameter for fit in fits)
    surplus = 0
    for trial in trials:
        (parameter,) = [repr(value) for name, value in trial.params.items() if name.endswith("C")]
        expected = len(trial.intermediate_values)
        assert begun[parameter] >= expected
        surplus += begun[parameter] - expected
        ended: datetime | None = trial.datetime_complete
        assert ended is not None
        late = [fit for fit in fits if fit.parameter == parameter and fit.begun > ended.timestamp()]
        assert not late, f"trial {trial.number} ran again after it had ended"
    # A worker has one thread, and takes no more with it than the trial that it runs.
    assert surplus <= died * FOLDS


@pytest.mark.parametrize("named", ["search.runner", "the flow's task runner"])
def test_a_worker_is_killed_at_every_step_and_the_training_ends_as_if_none_was(
    cluster, watched, make_watched_project, begun_steps, named
):
    flow, search = train, {"runner": "dask", "runner_address": cluster.address}
    if named != "search.runner":
        flow = train.with_options(task_runner=prefect_dask.DaskTaskRunner(address=cluster.address))
        search = {}
    project = make_watched_project(parallel_trials=2, search=search)
    for count in FATAL_FITS:
        (watched / "fatal" / str(count)).touch()
    state = flow(project, return_state=True)
    assert state.name == "Promoted", state
    outcome = state.result()
    assert_trained_once(project, outcome)
    assert set(STEPS) <= set(begun_steps)
    assert len(set(begun_steps)) == len(begun_steps)
    assert sorted(int(path.name) for path in watched.glob("died/*")) == FATAL_FITS
    assert cluster.killed == len(begun_steps) + len(FATAL_TRIALS)
    trials = trials_of(project, outcome.training_key)
    died = len(FATAL_FITS) + len(FATAL_TRIALS) + 1
    assert_no_finished_trial_repeated(trials, fits_in(watched), died)
    alone = tune_alone(project)
    assert plain(trials) == plain(trials_of(project, "alone"))
    logged = project.registry.get_client().get_run(outcome.run_id).data.params
    assert alone.parameters
    assert {name: logged[name] for name in alone.parameters} == {
        name: str(value) for name, value in alone.parameters.items()
    }
