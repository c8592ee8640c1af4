"""Deepchecks conditions, floors and enough rows become gates, and the report is kept twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.models.evaluation import losses_of
from prefect_mlops.tasks.model_validation import check_model
from support.candidates import log_candidate, split_at

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
