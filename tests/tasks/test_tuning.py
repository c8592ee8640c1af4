import logging
import sys
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterName,
)
from prefect_mlops.blocks import Dataset, ModelRegistry
from prefect_mlops.core.errors import ConfigurationError, RegistryUnavailable
from prefect_mlops.core.settings import SearchSettings
from prefect_mlops.registry.tracking import open_run
from prefect_mlops.tasks.tuning import study_url, tune
from prefect_mlops.training.search_spaces import default_parameters
from prefect_mlops.training.trial_rows import rows_and_folds
from prefect_mlops.training.trial_scoring import score_trial
from sklearn.linear_model import Ridge
from support.candidates import split_at
from support.own_code import write_module


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def make(make_project, database, calls, request):
    """A function that makes a project with settings for its training, and a split of its rows."""

    def build(rows=240, **training):
        settings = {"estimators": ["linear"], "trials": 3, "folds": 2, **training}
        registry = ModelRegistry(tracking_uri=database, model_name=request.node.name[:60])
        project = make_project(registry=registry, training=settings)
        return project, split_at(project, calls(rows), rows * 3 // 4)

    return build


@pytest.fixture
def make_numbers(make_project, database, request):
    """The same for a regression without a time order."""

    def build(**training):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"x": rng.normal(size=200), "z": rng.normal(size=200)})
        frame["y"] = 2 * frame["x"] + rng.normal(size=200)
        project = make_project(
            task_type="regression",
            dataset=Dataset(source={"type": "parquet", "path": "none"}, columns={"target": "y"}),
            registry=ModelRegistry(tracking_uri=database, model_name=request.node.name[:60]),
            training={"estimators": ["linear"], "trials": 3, "folds": 2, **training},
        )
        return project, split_at(project, frame, 150)

    return build


@pytest.fixture
def own_module(monkeypatch, tmp_path):
    """A function that writes a module of the user's."""
    return lambda name, text: write_module(monkeypatch, tmp_path, name, dedent(text))


@pytest.fixture
def recipe(monkeypatch):
    """A recipe of the user; `fits` counts, `on_fit` may raise."""
    module = types.ModuleType("shop_models")
    module.fits, module.on_fit = 0, lambda alpha: None

    class Watched(Ridge):
        def fit(self, X, y):
            module.fits += 1
            module.on_fit(self.alpha)
            return super().fit(X, y)

    module.recipe = lambda trial, task_type, feature_types, seed: Watched(
        alpha=trial.suggest_float("alpha", 0.1, 1000.0, log=True)
    )
    monkeypatch.setitem(sys.modules, "shop_models", module)
    return module


def trial_runs(project, run_id):
    client = project.registry.get_client()
    experiment = client.get_run(run_id).info.experiment_id
    found = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{run_id}'")
    return sorted(found, key=lambda run: int(run.info.run_name.split()[1]))


def plain(study):
    return study.model_dump(exclude={"name", "storage"})


def test_the_same_seed_gives_the_same_study_and_another_seed_another(make):
    names = ["hist_gradient_boosting", "linear"]
    project, split = make(estimators=names, trials=4)
    run_id, other_id = (open_run(project.stores, key, None) for key in ("one", "other"))
    first, again = (
        tune.fn(split, run_id, key, **project.arguments(tune)) for key in ("first", "again")
    )
    assert plain(first) == plain(again)
    assert (first.name, first.trials, first.failed, first.metric) == ("first", 4, 0, "log_loss")
    other, split = make(estimators=names, trials=4, seed=1)
    tune.fn(split, other_id, "other", **other.arguments(tune))
    drawn = [trial_runs(project, run)[-1].data.params for run in (run_id, other_id)]
    assert drawn[0] != drawn[1]


def test_it_begins_with_the_defaults_of_each_estimator_and_never_ends_worse(make):
    names = ["linear", "hist_gradient_boosting"]
    project, split = make(estimators=names, trials=3)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    data, folds = rows_and_folds(split, **project.arguments(rows_and_folds))
    for number, name in enumerate(names):
        defaults = default_parameters(name, "binary")
        logged = trial_runs(project, run_id)[number].data
        assert logged.params == {
            "estimator": name,
            **{key: str(value) for key, value in defaults.items()},
        }
        score = score_trial(
            data,
            folds,
            estimator=name,
            parameters=defaults,
            task="binary",
            metric="log_loss",
            seed=0,
            cutoffs=[],
        )
        assert logged.metrics["log_loss"] == pytest.approx(score.means[-1])
        assert study.score <= score.means[-1]


@pytest.mark.parametrize("moment", [1, 4])
def test_a_killed_study_goes_on_as_if_nothing_had_happened(make_numbers, recipe, moment):
    project, split = make_numbers(estimators=["shop_models:recipe", "linear"], trials=6)
    run_id = open_run(project.stores, "key", None)
    whole = tune.fn(split, run_id, "whole", **project.arguments(tune))

    def kill(alpha):
        if recipe.fits == moment:
            raise KeyboardInterrupt

    recipe.fits, recipe.on_fit = 0, kill
    with pytest.raises(KeyboardInterrupt):
        tune.fn(split, run_id, "killed", **project.arguments(tune))
    resumed = tune.fn(split, run_id, "killed", **project.arguments(tune))
    assert plain(resumed) == plain(whole)


def test_a_finished_study_is_returned_without_a_fit(make_numbers, recipe):
    project, split = make_numbers(estimators=["shop_models:recipe"])
    run_id = open_run(project.stores, "key", None)
    first = tune.fn(split, run_id, "key", **project.arguments(tune))
    assert recipe.fits == 6
    assert tune.fn(split, run_id, "key", **project.arguments(tune)) == first
    assert recipe.fits == 6
    assert len(trial_runs(project, run_id)) == 3


def test_every_trial_is_a_finished_run_below_the_training(make):
    project, split = make(trials=3)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    runs = trial_runs(project, run_id)
    assert [run.info.status for run in runs] == ["FINISHED"] * 3
    assert min(run.data.metrics["log_loss"] for run in runs) == pytest.approx(study.score)
    assert {run.data.params["estimator"] for run in runs} == {"linear"}
    client = project.registry.get_client()
    assert not client.search_logged_models([runs[0].info.experiment_id])
    assert client.get_run(run_id).info.status == "RUNNING"


def test_the_holdout_is_never_read(make):
    project, split = make(trials=1)
    Path(split.holdout.uri).unlink()
    run_id = open_run(project.stores, "key", None)
    assert tune.fn(split, run_id, "key", **project.arguments(tune)).trials == 1


def test_trials_that_fall_behind_are_stopped(make_numbers):
    project, split = make_numbers(trials=12, folds=3)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    stopped = [run for run in trial_runs(project, run_id) if run.info.status == "KILLED"]
    assert study.pruned == len(stopped) > 0
    assert all(run.data.metrics["folds"] < 3 for run in stopped)
    assert study.trials == 12


def test_one_failing_trial_does_not_end_the_study(make_numbers, recipe):
    def fail_once(alpha):
        if recipe.fits == 1:
            raise ValueError("singular matrix")

    recipe.on_fit = fail_once
    project, split = make_numbers(estimators=["shop_models:recipe"])
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    assert (study.trials, study.failed) == (3, 1)
    assert trial_runs(project, run_id)[0].info.status == "FAILED"


def test_when_every_trial_fails_the_first_error_is_told(make_numbers, recipe):
    def fail(alpha):
        raise ValueError(f"singular matrix {recipe.fits}")

    recipe.on_fit = fail
    project, split = make_numbers(estimators=["shop_models:recipe"], trials=2)
    run_id = open_run(project.stores, "key", None)
    with pytest.raises(ConfigurationError, match=r"all 2 trials failed.*singular matrix 1"):
        tune.fn(split, run_id, "key", **project.arguments(tune))


def test_the_database_is_closed_whatever_ends_the_study(make_numbers, recipe, monkeypatch):
    def kill(alpha):
        raise KeyboardInterrupt

    project, split = make_numbers(estimators=["shop_models:recipe"])
    given = project.arguments(tune)
    database = Path(study_url(project.open_workspace(), "key").removeprefix("sqlite:///"))
    recipe.on_fit = kill
    with pytest.raises(KeyboardInterrupt):
        tune.fn(split, None, "key", **given)
    # SQLite's log stands beside the database for as long as somebody has it open.
    assert [path.name for path in database.parent.iterdir()] == ["key.db"]

    def unreachable(*_, **__):
        raise RegistryUnavailable("no answer")

    monkeypatch.setattr("prefect_mlops.tasks.tuning.warm_starts", unreachable)
    with pytest.raises(RegistryUnavailable):
        tune.fn(split, None, "other", **given)
    assert sorted(path.name for path in database.parent.iterdir()) == ["key.db", "other.db"]


def test_a_study_without_a_key_is_the_same_wherever_its_trials_run(make):
    project, split = make()
    given = project.arguments(tune)
    names = []
    for training in ({}, {"parallel_trials": 2}, {"search": {"runner": "threads"}}, {"seed": 1}):
        settings = given["settings"].model_copy(
            update={**training, "search": SearchSettings(**training.get("search", {}))}
        )
        names.append(tune.fn(split, None, **{**given, "settings": settings}).name)
    assert names[0] == names[1] == names[2]
    assert names[3] != names[0]


@pytest.mark.parametrize("place", ["estimator", "feature", "space"])
def test_a_study_without_a_key_is_another_once_code_of_the_users_is_edited(
    place, make_numbers, own_module
):
    def texts(number):
        return {
            "estimator": f"""
                from sklearn.linear_model import Ridge
                def made(trial, task_type, feature_types, seed):
                    return Ridge(trial.suggest_float("alpha", {number}, {number}.5))
            """,
            "feature": f"""
                def made(rows):
                    return rows.assign(more=rows["x"] * {number})
            """,
            "space": f"""
                def made(trial):
                    return {{"alpha": trial.suggest_float("alpha", {number}, {number}.5)}}
            """,
        }[place]

    training = {
        "estimator": {"estimators": ["edited_code:made"]},
        "feature": {"features": ["edited_code:made"], "trusted_types": ["edited_code.made"]},
        "space": {"search": {"spaces": {"linear": "edited_code:made"}}},
    }[place]
    names = []
    for number in (1, 1, 2):
        own_module("edited_code", texts(number))
        project, split = make_numbers(trials=1, **training)
        study = tune.fn(split, None, **project.arguments(tune))
        assert study.failed == 0
        names.append(study.name)
        if place != "feature":
            assert number <= study.parameters["alpha"] <= number + 0.5
    assert names[0] == names[1] != names[2]


def test_an_estimator_that_is_not_there_is_refused_before_any_trial(make):
    project, split = make(estimators=["linear", "extra_trees"])
    run_id = open_run(project.stores, "key", None)
    with pytest.raises(ConfigurationError, match="'extra_trees' is unknown"):
        tune.fn(split, run_id, "key", **project.arguments(tune))
    assert not trial_runs(project, run_id)


def test_time_runs_out_after_one_trial_at_least_and_stays_out(make):
    project, split = make(trials=50, timeout_seconds=0)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    assert study.trials == 1
    assert tune.fn(split, run_id, "key", **project.arguments(tune)) == study


def test_only_the_latest_rows_are_used(make):
    project, split = make(maximum_tuning_rows=100)
    data, folds = rows_and_folds(split, **project.arguments(rows_and_folds))
    assert len(data.rows) == 100
    assert folds[-1].scored.max() == 99


def test_classes_that_appear_late_can_be_tuned_for(make_project, database, calls):
    frame = calls(200)
    frame.loc[frame.index > 120, "y"] = "later"
    project = make_project(
        task_type="multiclass",
        registry=ModelRegistry(tracking_uri=database, model_name="late-classes"),
        training={"estimators": ["hist_gradient_boosting", "linear"], "trials": 2, "folds": 3},
    )
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split_at(project, frame, 180), run_id, "key", **project.arguments(tune))
    assert (study.failed, study.trials) == (0, 2)


def test_a_study_of_a_remote_workspace_is_kept_on_this_machine(make_project):
    project = make_project(workspace="memory://bucket/calls")
    url = study_url(project.open_workspace(), "key")
    assert "bucket" not in url
    assert url == study_url(project.open_workspace(), "key")
    assert (
        study_url(project.open_workspace(), "a/../b")
        .rpartition("/")[2]
        .removesuffix(".db")
        .isalnum()
    )


def test_parallel_trials_are_task_runs_and_progress_is_shown(make, prefect_api):
    project, split = make(trials=4, parallel_trials=2)

    @flow
    def training():
        run_id = open_run(project.stores, "key", None)
        return run_id, tune(split, run_id, "key", **project.arguments(tune))

    state = training(return_state=True)
    run_id, study = state.result()
    assert (study.trials, study.failed) == (4, 0)
    assert [run.info.run_name for run in trial_runs(project, run_id)] == [
        f"trial {number}" for number in range(4)
    ]
    # Other tests train on the same server.
    mine = [state.state_details.flow_run_id]
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=mine)),
            task_run_filter=TaskRunFilter(name=TaskRunFilterName(like_="trial ")),
        )
        names = [run.name for run in runs]
        shown = client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=["tuning-calls"]),
                flow_run_id=ArtifactFilterFlowRunId(any_=mine),
            )
        )
    assert sorted(names) == [f"trial {number}: linear" for number in range(4)]
    assert [artifact.data for artifact in shown] == [100.0]


def test_trials_that_were_not_logged_before_a_kill_are_logged_after_it(make):
    project, split = make(trials=3)
    tune.fn(split, None, "key", **project.arguments(tune))
    run_id = open_run(project.stores, "key", None)
    for _ in range(2):
        tune.fn(split, run_id, "key", **project.arguments(tune))
        names = [run.info.run_name for run in trial_runs(project, run_id)]
        assert names == ["trial 0", "trial 1", "trial 2"]


def test_a_second_run_of_a_study_waits_for_the_first_and_finds_it_finished(make_numbers, recipe):
    project, split = make_numbers(estimators=["shop_models:recipe"])
    begun, waits = threading.Event(), threading.Event()

    def hold(alpha):
        begun.set()
        assert waits.wait(20)

    class Waiting(logging.Handler):
        def emit(self, record):
            if "another run is at the study" in record.getMessage():
                waits.set()

    recipe.on_fit = hold
    run_id = open_run(project.stores, "key", None)
    given = project.arguments(tune)
    listener = Waiting()
    logger = logging.getLogger("prefect_mlops")
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    try:
        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(tune.fn, split, run_id, "key", **given)
            assert begun.wait(60)
            second = threads.submit(tune.fn, split, run_id, "key", **given)
            assert first.result() == second.result()
    finally:
        logger.removeHandler(listener)
        logger.setLevel(logging.NOTSET)
    assert recipe.fits == 6
    assert [run.info.status for run in trial_runs(project, run_id)] == ["FINISHED"] * 3


def test_halving_compares_most_trials_on_few_rows(make):
    search = {"pruner": "halving", "minimum_rows": 50}
    project, split = make(rows=720, trials=12, search=search)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    steps = [run.data.metrics["folds"] for run in trial_runs(project, run_id)]
    # The defaults are always scored on all rows: 60, 180, 540.
    assert steps[0] == 3
    assert study.pruned == sum(count < 3 for count in steps) > 5
    assert study.score <= trial_runs(project, run_id)[0].data.metrics["log_loss"]


@pytest.mark.slow
def test_a_trial_that_takes_too_long_is_pruned_and_the_study_goes_on(make_numbers, own_module):
    own_module(
        "slow_models",
        """
        import time
        from sklearn.linear_model import Ridge

        class Slow(Ridge):
            def fit(self, X, y):
                if self.alpha > 10:
                    time.sleep(60)
                return super().fit(X, y)

        def recipe(trial, task_type, feature_types, seed):
            return Slow(alpha=trial.suggest_categorical("alpha", [1.0, 100.0]))
        """,
    )
    search = {"trial_timeout_seconds": 2.0, "sampler": "grid"}
    project, split = make_numbers(estimators=["slow_models:recipe"], search=search)
    run_id = open_run(project.stores, "key", None)
    study = tune.fn(split, run_id, "key", **project.arguments(tune))
    assert (study.trials, study.pruned, study.parameters) == (2, 1, {"alpha": 1.0})
    states = {run.info.status for run in trial_runs(project, run_id)}
    assert states == {"FINISHED", "KILLED"}
