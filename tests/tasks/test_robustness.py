"""A candidate is scored on disturbed rows, and what becomes of it is logged."""

from __future__ import annotations

import pytest
from prefect_mlops.blocks import Stores
from prefect_mlops.core.settings import Columns
from prefect_mlops.tasks import check_robustness
from sklearn.linear_model import LogisticRegression
from support.candidates import log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

NAMES = ["robust to noise", "robust to unknown categories", "robust to missing values"]


def test_what_becomes_of_the_metric_is_logged_and_is_advice(make_project, calls):
    frame = calls(1_000)
    project = make_project(frame)
    split = split_at(project, frame, 600)
    candidate = log_candidate(project, split)
    check = check_robustness.fn(split, candidate, **project.arguments(check_robustness))
    assert [gate.name for gate in check.gates] == NAMES
    assert not any(gate.blocking for gate in check.gates)
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    clean = logged["robustness.clean.log_loss"]
    # Without the strong number the model knows next to nothing.
    assert logged["robustness.missing.log_loss"] > 1.3 * clean
    assert logged["robustness.noise.log_loss"] == pytest.approx(clean, rel=0.1)
    assert 0 <= logged["robustness.noise.flips"] < 0.1


def test_a_regression_has_no_decisions_that_flip(make_project, calls):
    frame = calls(600).assign(y=lambda rows: 2 * rows["strong"])
    project = make_project(frame, task_type="regression")
    split = split_at(project, frame, 400)
    candidate = log_candidate(project, split, iterations=50)
    check = check_robustness.fn(split, candidate, **project.arguments(check_robustness))
    assert "robustness.noise.rmse" in check.measured
    assert "robustness.noise.flips" not in check.measured
    assert "decisions" not in check.gates[0].reason


def test_a_model_that_raises_on_a_missing_value_is_told_so(make_project, calls):
    project, frame = with_mlflow(make_project()), calls(800)
    version, _ = log_plainly(frame[:500], model=LogisticRegression())
    check = check_robustness.fn(
        (frame[:500], frame[500:]),
        f"models:/calls/{version}",
        columns=Columns(target="y", features=["strong", "weak", "job"]),
        task_type="binary",
        stores=Stores("calls", project.registry),
    )
    missing = {gate.name: gate for gate in check.gates}["robust to missing values"]
    assert missing.verdict == "failed"
    assert "it cannot score at all: " in missing.reason
    assert "NaN" in missing.reason


def test_it_is_skipped_as_the_others_are(make_project, calls):
    project = make_project(calls(10), gates={"skip": {"robustness": "inputs are checked upstream"}})
    check = check_robustness.fn(None, None, **project.arguments(check_robustness))
    assert [gate.reason for gate in check.gates] == ["skipped: inputs are checked upstream"]
