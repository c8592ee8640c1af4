"""Where trials run: the same study on every runner, and what happens when a worker dies."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import ClassVar

import cloudpickle
import pandas as pd
import pytest
from prefect import flow
from prefect.context import serialize_context
from prefect.task_runners import ProcessPoolTaskRunner, ThreadPoolTaskRunner
from prefect_mlops.blocks import Stores
from prefect_mlops.core.errors import ConfigurationError, OrchestratorUnavailable
from prefect_mlops.core.settings import Columns, SearchSettings, TrainingSettings
from prefect_mlops.tasks import tune
from prefect_mlops.tasks.trial_runner import make_runner

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.timeout(600)]
ROLES = Columns(target="y", timestamp="called_at", id="call_id")
GIVEN = {"columns": ROLES, "task_type": "binary"}


@pytest.fixture
def parts(calls):
    frame = calls(700)
    return frame[:500], frame[500:].reset_index(drop=True)


@pytest.fixture
def study_on(parts, tmp_path):
    """A function that tunes in a flow, with these settings of the search."""

    def run(name: str, task_runner=None, settings=None, **search):
        stores = Stores("calls", workspace=str(tmp_path / name))
        given = {"estimators": ["linear", "hist_gradient_boosting"], "trials": 9, "folds": 2}
        training = TrainingSettings(**{**given, **(settings or {})}, search=search)

        @flow(task_runner=task_runner or ThreadPoolTaskRunner(max_workers=2))
        def nightly():
            return tune(parts, key="study", **GIVEN, settings=training, stores=stores)

        return nightly()

    return run


def plain(study):
    return study.model_dump(exclude={"name", "storage"})


def trials_of(study):
    import optuna

    found = optuna.load_study(study_name=None, storage=study.storage).get_trials()
    return [(trial.params, trial.state, trial.values, trial.intermediate_values) for trial in found]


def test_trials_in_threads_make_the_study_that_trials_one_by_one_make(study_on):
    alone = study_on("alone")
    for count in (2, 4):
        beside = study_on(f"{count}", settings={"parallel_trials": count}, runner="threads")
        assert plain(beside) == plain(alone)
        assert trials_of(beside) == trials_of(alone)


def test_a_step_that_was_submitted_does_not_wait_for_its_own_pool(parts, tmp_path):
    stores = Stores("calls", workspace=str(tmp_path / "mine"))
    settings = TrainingSettings(estimators=["linear"], trials=3, folds=2, parallel_trials=2)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def nightly():
        return tune.submit(parts, **GIVEN, settings=settings, stores=stores).result()

    assert nightly().trials == 3


def test_more_at_once_than_the_search_looks_ahead_are_not_run(study_on):
    assert study_on("wide", settings={"parallel_trials": 3, "trials": 3}, ahead=1).trials == 3


def test_the_runner_is_the_one_that_is_named_or_like_the_flows():
    assert make_runner(SearchSettings(runner="threads"), 3)._max_workers == 3
    assert isinstance(make_runner(SearchSettings(runner="processes"), 3), ProcessPoolTaskRunner)
    assert isinstance(make_runner(SearchSettings(), 3), ThreadPoolTaskRunner)
    found = []

    @flow(task_runner=ProcessPoolTaskRunner(max_workers=2))
    def mine():
        found.append(make_runner(SearchSettings(), 3))

    mine()
    assert isinstance(found[0], ProcessPoolTaskRunner)
    assert found[0]._max_workers == 2


def test_a_runner_whose_package_is_missing_is_refused_by_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "prefect_ray", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'prefect-mlops\[ray\]'"):
        make_runner(SearchSettings(runner="ray"), 2)


@pytest.mark.slow
def test_a_cluster_without_workers_ends_the_study_that_goes_on_when_there_are_some(study_on):
    dask, distributed = pytest.importorskip("dask"), pytest.importorskip("distributed")
    given = {"settings": {"estimators": ["linear"], "trials": 3}, "runner": "dask"}
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with (
        dask.config.set({"distributed.scheduler.no-workers-timeout": "1 second"}),
        distributed.LocalCluster(n_workers=0, **options) as cluster,
    ):
        with pytest.raises(OrchestratorUnavailable, match="no worker for trial 0"):
            study_on("lost", runner_address=cluster.scheduler_address, **given)
        cluster.scale(1)
        cluster.wait_for_workers(1)
        found = study_on("lost", runner_address=cluster.scheduler_address, **given)
    assert found.trials == 3
    assert found.failed == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_step_that_was_submitted_to_a_cluster_leaves_its_place_to_its_trials(parts, tmp_path):
    distributed = pytest.importorskip("distributed")
    prefect_dask = pytest.importorskip("prefect_dask")
    stores = Stores("calls", workspace=str(tmp_path / "mine"))
    settings = TrainingSettings(estimators=["linear"], trials=3, folds=2, parallel_trials=2)
    options = {"threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(n_workers=1, **options) as cluster:

        @flow(task_runner=prefect_dask.DaskTaskRunner(address=cluster.scheduler_address))
        def nightly():
            return tune.submit(parts, **GIVEN, settings=settings, stores=stores).result()

        assert nightly().trials == 3


class Weighing(ThreadPoolTaskRunner):
    """Threads that are sent what processes would be, weighed."""

    sizes: ClassVar[list[int]] = []

    def submit(self, task, parameters, **keywords):
        self.sizes.append(len(cloudpickle.dumps((parameters, serialize_context()))))
        return super().submit(task, parameters, **keywords)


def test_workers_are_sent_no_rows_even_if_the_flow_was_called_with_some(calls, tmp_path):
    stores = Stores("calls", workspace=str(tmp_path))
    settings = TrainingSettings(estimators=["linear"], trials=3, folds=2, parallel_trials=2)
    few = calls(2_000)
    Weighing.sizes.clear()

    @flow(task_runner=Weighing(max_workers=2))
    def nightly(rows: pd.DataFrame):
        frame = calls(20_000)
        parts = (frame[:15_000], frame[15_000:])
        return tune(parts, **GIVEN, settings=settings, stores=stores)

    assert nightly(few).trials == 3
    assert len(Weighing.sizes) == 3
    # What Prefect sends beside: the flow's function, the task's, settings.
    assert max(Weighing.sizes) < 50_000 < len(cloudpickle.dumps(few))


OWN = """
import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from prefect_mlops.training.preprocessing import default_preprocessor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

HERE = Path(__file__).parent


class Watched(LogisticRegression):
    def fit(self, X, y):
        note = HERE / "fits" / f"{self.C!r}.{time.time_ns()}.{os.getpid()}"
        note.write_text("begun")
        time.sleep(0.1)
        fatal = HERE / "fatal"
        if fatal.exists() and len(list(HERE.glob("fits/*"))) > 8:
            fatal.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        fitted = super().fit(X, y)
        note.write_text("ended")
        return fitted


def recipe(trial, task_type, feature_types, seed):
    model = Watched(C=trial.suggest_float("C", 1e-3, 1e2, log=True))
    return make_pipeline(default_preprocessor(feature_types, "linear"), model)
"""


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """An estimator that notes its fits, and dies once where a file says so."""
    folder = tmp_path / "own"
    (folder / "fits").mkdir(parents=True)
    (folder / "watched_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    yield folder
    sys.modules.pop("watched_models", None)


def fits_of(folder: Path) -> Counter[str]:
    """Fits by the parameter of their trial; then forgotten."""
    found = Counter(path.name.rsplit(".", 2)[0] for path in folder.glob("fits/*"))
    for path in folder.glob("fits/*"):
        path.unlink()
    return found


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("runner", ["processes", "dask"])
def test_a_study_survives_a_killed_worker_and_repeats_no_finished_trial(study_on, watched, runner):
    settings = {"estimators": ["watched_models:recipe"], "trials": 12, "folds": 2}
    alone = study_on("alone", settings=settings)
    expected = fits_of(watched)
    (watched / "fatal").touch()
    settings["parallel_trials"] = 2
    beside = study_on("beside", settings=settings, runner=runner)
    assert not (watched / "fatal").exists()
    assert plain(beside) == plain(alone)
    assert trials_of(beside) == trials_of(alone)
    begun = fits_of(watched)
    assert set(begun) == set(expected)
    # A pool of processes ends whole when one of them does, a cluster loses the one.
    lost = 2 if runner == "processes" else 1
    assert sum(begun[name] > expected[name] for name in expected) <= lost


FATAL = """
import os
import signal
import time
from pathlib import Path

from prefect_mlops.training.preprocessing import default_preprocessor
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

FITS = Path(__file__).parent / "fits"


class Fatal(LogisticRegression):
    def fit(self, X, y):
        (FITS / f"{self.C!r}.{time.time_ns()}.{os.getpid()}").touch()
        if self.C == 2.0:
            # As one that needs more memory than there is.
            time.sleep(0.2)
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(1.0)
        return super().fit(X, y)


def recipe(trial, task_type, feature_types, seed):
    model = Fatal(C=trial.suggest_categorical("C", [1.0, 2.0, 3.0, 4.0, 5.0]))
    return make_pipeline(default_preprocessor(feature_types, "linear"), model)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_trial_that_always_kills_its_process_fails_alone(study_on, watched):
    (watched / "fatal_models.py").write_text(FATAL)
    settings = {"estimators": ["fatal_models:recipe"], "trials": 5, "folds": 2}
    search = {"runner": "processes", "sampler": "grid", "pruner": "none"}
    beside = study_on("beside", settings={**settings, "parallel_trials": 3}, **search)
    fits = fits_of(watched)
    alone = study_on("alone", settings=settings, **search)
    assert (beside.trials, beside.failed) == (5, 1)
    assert trials_of(beside) == trials_of(alone)
    assert plain(beside) == plain(alone)
    # Once among others, and three times while it had nobody to blame.
    assert fits["2.0"] == 4
