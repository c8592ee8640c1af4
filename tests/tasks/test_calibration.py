"""A candidate's probabilities are held against what came true, as advice unless a project lets them decide."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.tasks import check_calibration
from support.candidates import log_candidate, split_at


def run(make_project, frame, first=600, *, iterations=15, **overrides):
    project = make_project(frame, **overrides)
    split = split_at(project, frame, first)
    candidate = log_candidate(project, split, iterations=iterations)
    check = check_calibration.fn(split, candidate, **project.arguments(check_calibration))
    return project, candidate, check


def test_the_error_is_logged_and_the_diagram_is_kept(make_project, calls):
    project, candidate, check = run(make_project, calls(1_000))
    (gate,) = check.gates
    assert (gate.name, gate.verdict, gate.blocking) == ("calibration", "passed", False)
    assert gate.threshold == pytest.approx(0.1 + check.measured["calibration.error_by_chance"])
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["calibration.error"] == pytest.approx(gate.value)
    kept = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/calibration.json",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    curve = json.loads(Path(kept).read_text())["curve"]
    assert sum(point["rows"] for point in curve) == 400
    assert [point["said"] for point in curve] == sorted(point["said"] for point in curve)


@pytest.mark.parametrize("decides", [True, False])
def test_probabilities_that_are_too_sure_are_noted_and_refused_where_a_project_says_so(
    make_project, calls, decides
):
    gates = {"calibration": {"decides": decides, "maximum_error": 0.03}}
    *_, check = run(make_project, calls(1_400), 400, iterations=120, gates=gates)
    (gate,) = check.gates
    assert (gate.verdict, gate.blocks) == ("failed", decides)
    assert "of chance" in gate.reason


def test_of_several_classes_the_most_probable_one_counts(make_project, calls):
    frame = calls(1_000)
    frame["y"] = frame["job"].where(frame["strong"] > 0, "none")
    *_, check = run(make_project, frame, task_type="multiclass")
    assert check.gates[0].verdict == "passed"
    assert 0 < check.measured["calibration.error"] < 0.2


def test_a_regression_has_no_probabilities(make_project, calls):
    frame = calls(400).assign(y=lambda rows: rows["strong"])
    *_, check = run(make_project, frame, 300, task_type="regression")
    (gate,) = check.gates
    assert (gate.verdict, gate.blocks, check.verdict) == ("not_run", False, "not_run")
    assert "not applicable" in gate.reason


def test_it_is_skipped_as_the_others_are(make_project, calls):
    project = make_project(calls(10), gates={"skip": {"calibration": "only ranks are used"}})
    check = check_calibration.fn(None, None, **project.arguments(check_calibration))
    assert [gate.reason for gate in check.gates] == ["skipped: only ranks are used"]
