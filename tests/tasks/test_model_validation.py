"""Deepchecks conditions, floors and enough rows become gates, and the report is kept twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from mlflow.artifacts import download_artifacts
from prefect import flow
from prefect_mlops.blocks import Stores
from prefect_mlops.core.errors import ConfigurationError, DataRejected, ModelUnavailable
from prefect_mlops.core.settings import Columns, GateSettings
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.models.evaluation import losses_of
from prefect_mlops.tasks.model_validation import check_model
from support.candidates import crown, log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

MIX = {
    "check": "TrainTestSamplesMix",
    "conditions": {"duplicates_ratio_less_or_equal": {"max_ratio": 0.5}},
}


@pytest.fixture
def frame(calls):
    return calls(400)


def run(make_project, frame, first=300, **overrides):
    project = make_project(frame, **overrides)
    split = split_at(project, frame, first)
    candidate = log_candidate(project, split)
    return (
        project,
        split,
        candidate,
        check_model.fn(split, candidate, **project.arguments(check_model)),
    )


def by_name(result):
    return {gate.name: gate for gate in result.gates}


def test_a_good_model_passes_the_defaults_and_the_report_is_kept_twice(make_project, frame):
    project, split, candidate, result = run(make_project, frame)
    assert result.verdict == "passed"
    assert by_name(result)["holdout rows"].value == 100
    assert any(name.startswith("SimpleModelComparison") for name in by_name(result))
    expected = f"reports/{split.holdout.digest[:16]}/{candidate.run_id}/deepchecks.html"
    assert result.report_uri == project.open_workspace().uri(expected)
    logged = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/deepchecks.html",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    page = Path(result.report_uri).read_bytes()
    assert page == Path(logged).read_bytes()
    assert page.startswith(b"<!doctype html>")


def test_floors_hold_losses_from_above_and_scores_from_below(make_project, frame):
    floors = {"log_loss": 1e-3, "error_rate": 0.5, "roc_auc": 0.6, "accuracy": 0.999}
    gates = {"deepchecks": [], "floors": floors}
    project, split, candidate, result = run(make_project, frame, gates=gates)
    found = by_name(result)
    assert {name: gate.verdict for name, gate in found.items()} == {
        "holdout rows": "passed",
        "holdout classes": "passed",
        "log_loss floor": "failed",
        "error_rate floor": "passed",
        "roc_auc floor": "passed",
        "accuracy floor": "failed",
    }
    model = project.registry.load_model(candidate.evaluated_uri, "binary")
    losses = losses_of("log_loss", model, load_frame(split.holdout), "y")
    assert found["log_loss floor"].value == pytest.approx(metric_value("log_loss", losses))
    assert result.report_uri is None


def test_a_floor_on_a_metric_that_is_undefined_is_not_run_and_blocks(make_project, frame):
    frame.loc[300:, "y"] = "no"
    gates = {"deepchecks": [], "floors": {"roc_auc": 0.5}}
    *_, result = run(make_project, frame, gates=gates)
    assert by_name(result)["roc_auc floor"].verdict == "not_run"
    assert result.verdict == "not_run"


@pytest.mark.parametrize(("task", "metric"), [("binary", "r2"), ("regression", "f1")])
def test_a_floor_on_an_unknown_metric_is_refused(make_project, frame, task, metric):
    if task == "regression":
        frame["y"] = frame["strong"] * 2.0
    gates = {"deepchecks": [], "floors": {metric: 0.5}}
    with pytest.raises(ConfigurationError, match=rf"gates.floors names \['{metric}'\]"):
        run(make_project, frame, task_type=task, gates=gates)


def test_too_few_holdout_rows_fail(make_project, frame):
    *_, result = run(make_project, frame, first=370, gates={"deepchecks": []})
    assert by_name(result)["holdout rows"].verdict == "failed"
    assert "30 rows are held out, 50 are needed" in result.gates[0].reason


@pytest.mark.parametrize(
    ("task", "change", "said"),
    [
        ("binary", lambda y: "no", "100 of 'no'; 5 rows of at least two classes each are needed"),
        ("binary", lambda y: ["yes"] * 2 + ["no"] * 98, "2 of 'yes', 98 of 'no'"),
        ("multiclass", lambda y: ["a"] * 98 + ["b", "c"], "1 of 'b', 1 of 'c', 98 of 'a'"),
        ("regression", lambda y: 3.0, "100 of them with the target 3"),
    ],
)
def test_a_holdout_that_cannot_tell_good_from_bad_is_not_run(
    make_project, frame, task, change, said
):
    if task == "regression":
        frame["y"] = frame["strong"] * 2.0
    elif task == "multiclass":
        frame["y"] = frame["job"].map({"admin": "a", "student": "b", "retired": "c"})
    frame.loc[300:, "y"] = change(frame.loc[300:, "y"])
    *_, result = run(make_project, frame, task_type=task, gates={"deepchecks": []})
    gate = by_name(result)["holdout classes"]
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert said in gate.reason
    assert "Raise data.holdout_rows or data.holdout_share" in gate.reason


def test_a_check_that_does_not_exist_is_refused(make_project, frame):
    with pytest.raises(ConfigurationError, match="TrainTestSamplesMix"):
        run(make_project, frame, gates={"deepchecks": [{"check": "TrainTestSampleMix"}]})


def test_configured_checks_replace_the_default_set(make_project, frame):
    gates = {"deepchecks": [MIX, {**MIX, "blocking": False}]}
    *_, result = run(make_project, frame, gates=gates)
    assert [gate.name.partition(":")[0] for gate in result.gates] == [
        "holdout rows",
        "holdout classes",
        "TrainTestSamplesMix",
        "TrainTestSamplesMix",
    ]
    assert [gate.blocking for gate in result.gates] == [True, True, True, False]


def test_deepchecks_that_break_down_altogether_are_not_run(make_project, frame, monkeypatch):
    from prefect_mlops.gates import deepchecks_runner

    def stumble(*_, **__):
        raise KeyError("a column")

    monkeypatch.setattr(deepchecks_runner, "run_checks", stumble)
    *_, result = run(make_project, frame)
    assert by_name(result)["deepchecks"].verdict == "not_run"
    assert result.verdict == "not_run"
    assert result.report_uri is None


ROLES = Columns(target="y", timestamp="called_at", id="call_id")


@pytest.fixture
def theirs(make_project):
    """A registry that nothing of ours has written to."""
    return with_mlflow(make_project()).registry


def check(parts, model, stores, **more):
    return check_model.fn(
        parts, model, **{"columns": ROLES, "task_type": "binary", "stores": stores, **more}
    )


@pytest.mark.parametrize("as_given", [lambda frame: frame, pa.Table.from_pandas])
def test_a_model_that_plain_code_logged_is_checked_on_frames(theirs, calls, tmp_path, as_given):
    train, holdout = calls(500), calls(200, seed=5)
    version, run_id = log_plainly(train)
    stores = Stores("calls", theirs, workspace=str(tmp_path / "mine"))
    settings = GateSettings(floors={"roc_auc": 0.6})
    result = check(
        (as_given(train), as_given(holdout)),
        f"models:/calls/{version}",
        stores,
        settings=settings,
    )
    assert result.verdict == "passed"
    found = by_name(result)
    assert found["roc_auc floor"].value > 0.7
    assert any(name.startswith("SimpleModelComparison") for name in found)
    assert not [g for g in result.gates if "did not run" in g.reason]
    assert Path(result.report_uri).is_relative_to(tmp_path / "mine" / "reports")
    # The run is not ours to add to.
    assert theirs.get_client().list_artifacts(run_id, "reports") == []
    same = check((train, holdout), f"runs:/{run_id}/model", Stores("calls", theirs))
    assert (same.verdict, same.report_uri) == ("passed", None)


def test_a_flow_of_ones_own_checks_a_candidate_without_a_workspace(
    prefect_api, make_project, calls
):
    frame = calls(400)
    project = make_project(frame)
    split = split_at(project, frame, 300)
    candidate = log_candidate(project, split)

    @flow
    def mine(model):
        stores = Stores("calls", project.registry)
        return check_model(
            (frame[:300], frame[300:]), model, columns=ROLES, task_type="binary", stores=stores
        )

    result = mine(candidate)
    assert (result.verdict, result.report_uri) == ("passed", None)
    kept = project.registry.get_client().list_artifacts(candidate.run_id, "reports")
    assert [item.path for item in kept] == ["reports/deepchecks.html"]
    version = crown(project, candidate)
    assert mine(version).verdict == "passed"


def test_a_version_that_was_fitted_on_the_holdout_fails(make_project, calls):
    frame = calls(400)
    project = make_project(frame)
    version = crown(project, log_candidate(project, split_at(project, frame, 350)))
    parts = (frame[:300], frame[300:])
    stores = Stores("calls", project.registry)
    result = check(parts, version, stores, settings=GateSettings(deepchecks=[]))
    assert by_name(result)["unseen holdout"].verdict == "failed"
    assert "50 of 100 holdout rows are not later" in by_name(result)["unseen holdout"].reason
    assert result.verdict == "failed"


def test_what_cannot_be_checked_is_refused(theirs, calls):
    train, holdout = calls(300), calls(100, seed=5)
    uri = f"models:/calls/{log_plainly(train)[0]}"
    stores = Stores("calls", theirs)
    with pytest.raises(ConfigurationError, match="split is a DataFrame: give a Split, or a pair"):
        check(train, uri, stores)
    with pytest.raises(ConfigurationError, match="split is a tuple"):
        check((train, holdout, holdout), uri, stores)
    with pytest.raises(ConfigurationError, match=r"split\[1\] is a int"):
        check((train, 7), uri, stores)
    with pytest.raises(ConfigurationError, match="candidate is 'mine'"):
        check((train, holdout), "mine", stores)
    with pytest.raises(ModelUnavailable, match="calls has no version 9"):
        check((train, holdout), "models:/calls/9", stores)
    with pytest.raises(DataRejected, match="target 'y' is missing"):
        check((train, holdout.drop(columns="y")), uri, stores)
    with pytest.raises(DataRejected, match="takes columns"):
        check((train, holdout.drop(columns="job")), uri, stores)
    with pytest.raises(ConfigurationError, match=r"needs stores\.registry"):
        check((train, holdout), uri, Stores("calls"))
