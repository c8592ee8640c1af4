"""A user's own flow tunes and fits on frames at hand, with the settings of nobody's project."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns, TrainingSettings
from prefect_mlops.tasks import (
    attach_labels,
    check_model,
    compare,
    fit,
    measure_drift,
    measure_performance,
    promote,
    read_window,
    refit,
    register,
    run_trial,
    score_rows,
    tune,
)
from support.candidates import with_mlflow

ROLES = Columns(target="y", timestamp="called_at", id="call_id")
GIVEN = {"columns": ROLES, "task_type": "binary"}
FEW = TrainingSettings(estimators=["linear"], trials=3, folds=2, promise_periods=1)


@pytest.fixture
def registry(make_project) -> ModelRegistry:
    return with_mlflow(make_project()).registry


@pytest.fixture
def parts(calls):
    frame = calls(700)
    return frame[:500], frame[500:].reset_index(drop=True)


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_flow_of_ones_own_trains_on_its_task_runner(
    prefect_api, registry, parts, tmp_path, parallel
):
    stores = Stores("calls", registry, workspace=str(tmp_path / "mine"))
    settings = FEW.model_copy(update={"parallel_trials": parallel})

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
    def nightly(train: pd.DataFrame, holdout: pd.DataFrame):
        pair = (train, holdout)
        study = tune(pair, **GIVEN, settings=settings, stores=stores)
        candidate = fit(pair, study, **GIVEN, settings=settings, stores=stores)
        checked = check_model(pair, candidate, **GIVEN, stores=stores)
        compared = compare(holdout, candidate, **GIVEN, registry=registry)
        everything = pd.concat(pair, ignore_index=True)
        served = refit(pair, everything, candidate, **GIVEN, stores=stores)
        return study, candidate, checked, compared, served

    study, candidate, checked, compared, served = nightly(*parts)
    assert (study.trials, study.metric) == (3, "log_loss")
    model = registry.load_model(candidate.model_uri, "binary")
    assert model.predict(parts[1]).shape == (200, 2)
    assert candidate.cutoff == parts[0]["called_at"].iloc[-1]
    assert (candidate.fitted_rows, served.fitted_rows, served.cutoff_row) == (500, 700, 700)
    assert checked.verdict == "passed"
    assert compared.candidate_score == pytest.approx(candidate.metrics["log_loss"])
    assert registry.get_client().get_run(candidate.run_id).info.status == "FINISHED"
    version = register.fn(served, {tags.TRAINING_KEY: "mine"}, stores=stores)
    assert version.version == "1"


def test_what_was_fitted_on_frames_is_registered_served_and_monitored(
    registry, parts, calls, tmp_path
):
    log = PredictionLog(uri=f"sqlite:///{tmp_path}/log.db")
    stores = Stores("calls", registry, predictions=log, workspace=str(tmp_path / "mine"))
    given = {**GIVEN, "stores": stores}
    candidate = fit.fn(parts, tune.fn(parts, **given, settings=FEW), **given)
    version = register.fn(candidate, stores=stores)
    assert register.fn(candidate, stores=stores).version == version.version
    champion = promote.fn(version, expected=None, reason="the first", stores=stores)
    new = calls(300, seed=9, shift=2.0, start="2026-04-01")
    assert score_rows.fn(new, champion, **given).logged == 300
    assert attach_labels.fn(new, **given).attached == 300
    window = read_window.fn(window_rows=300, stores=stores)
    drift = measure_drift.fn(window, champion, stores=stores)
    assert (drift.verdict, drift.drifted_columns[0]) == ("failed", "strong")
    performance = measure_performance.fn(window, champion, metric="log_loss", registry=registry)
    assert performance.promised == pytest.approx(candidate.metrics["log_loss"], rel=0.5)


def test_a_study_needs_a_workspace_only_and_goes_on_when_called_again(parts, tmp_path):
    stores = Stores("calls", workspace=str(tmp_path))
    tables = tuple(pa.Table.from_pandas(part) for part in parts)
    study = tune.fn(parts, **GIVEN, settings=FEW, stores=stores)
    assert tune.fn(tables, **GIVEN, settings=FEW, stores=stores) == study
    other = tune.fn(parts, **GIVEN, settings=FEW.model_copy(update={"trials": 2}), stores=stores)
    assert (other.name != study.name, other.trials) == (True, 2)


def test_a_trial_is_run_on_frames_without_any_store(parts):
    score = run_trial.fn(parts, number=0, estimator="linear", parameters={"C": 1.0}, **GIVEN)
    assert not score.error
    assert len(score.means) == 3


def test_rows_without_an_order_are_folded_by_hash(registry, calls, tmp_path):
    frame = calls(600).drop(columns=["called_at", "call_id"])
    stores = Stores("calls", registry, workspace=str(tmp_path / "mine"))
    given = {"columns": Columns(target="y"), "task_type": "binary", "stores": stores}
    pair = (frame[:400], frame[400:])
    candidate = fit.fn(pair, tune.fn(pair, **given, settings=FEW), **given)
    assert (candidate.cutoff, candidate.cutoff_row) == (None, None)


def test_what_cannot_be_trained_on_says_why(registry, parts, tmp_path):
    train, holdout = parts
    stores = Stores("calls", workspace=str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"needs stores\.workspace"):
        tune.fn(parts, **GIVEN, settings=FEW, stores=Stores("calls", registry))
    with pytest.raises(ConfigurationError, match=r"needs stores\.registry, where runs, models"):
        tune.fn(parts, "a run", **GIVEN, settings=FEW, stores=stores)
    study = tune.fn(parts, **GIVEN, settings=FEW, stores=stores)
    with pytest.raises(ConfigurationError, match=r"needs stores\.registry"):
        fit.fn(parts, study, **GIVEN, stores=stores)
    with pytest.raises(ConfigurationError, match="split is a DataFrame"):
        tune.fn(train, **GIVEN, settings=FEW, stores=stores)
    with pytest.raises(DataRejected, match="before the rows to fit on end"):
        tune.fn((holdout, train), **GIVEN, settings=FEW, stores=stores)
    with pytest.raises(DataRejected, match=r"names 'called_at', not among .* of split\[1\]"):
        fit.fn((train, holdout.drop(columns="called_at")), study, **GIVEN, stores=stores)


def test_a_fit_that_fails_ends_its_run_as_failed(registry, parts, tmp_path):
    stores = Stores("calls", registry, workspace=str(tmp_path / "mine"))
    study = tune.fn(parts, **GIVEN, settings=FEW, stores=stores)
    lost = (parts[0], parts[1].drop(columns="weak"))
    with pytest.raises(DataRejected, match="'weak' is missing"):
        fit.fn(lost, study, **GIVEN, stores=stores)
    client = registry.get_client()
    experiment = client.get_experiment_by_name("calls").experiment_id
    assert [run.info.status for run in client.search_runs([experiment])] == ["FAILED"]
