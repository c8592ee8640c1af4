"""Calibration and costs are held against the same model without them, where a model has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import turned_around
from mlflow.artifacts import download_artifacts
from prefect_mlops.tasks import adopt, check_decisions
from support.candidates import crown, log_candidate, split_at
from support.foreign import register

SHIFTS = (-1.2, 1.2, 0.0)
STEADY = (0.0, 0.0, 0.0)
BOTH = {"calibration": "sigmoid", "costs": {"false_positive": 1, "false_negative": 1}}
NAMES = ["better calibrated than not", "cheaper than the most probable class"]


def run(make_project, frame, decisions, **overrides):
    project = make_project(frame, **overrides)
    split = split_at(project, frame, 2_000)
    candidate = log_candidate(project, split, decisions=decisions)
    arguments = project.arguments(check_decisions)
    return project, split, candidate, check_decisions.fn(split, candidate, **arguments)


@pytest.mark.parametrize("decides", [True, False])
def test_a_calibration_of_shares_that_turned_around_is_noted_and_refused_where_a_project_says_so(
    make_project, decides
):
    gates = {"decisions": {"decides": decides}}
    frame = turned_around(3_000, SHIFTS)
    project, _, candidate, check = run(make_project, frame, {"calibration": "sigmoid"}, gates=gates)
    (gate,) = check.gates
    assert (gate.name, gate.verdict, gate.blocks) == (NAMES[0], "failed", decides)
    assert gate.value < gate.threshold == 0
    assert "surely worse than the same model without its calibration" in gate.reason
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["decisions.log_loss"] > logged["decisions.uncalibrated.log_loss"]
    kept = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/decisions.json",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    assert json.loads(Path(kept).read_text())["improvements"]["log_loss"]["high"] == gate.value


def test_where_nothing_moves_both_pass_for_candidate_and_version_alike(make_project):
    project, split, candidate, check = run(make_project, turned_around(3_000, STEADY), BOTH)
    assert [(gate.name, gate.verdict) for gate in check.gates] == [(n, "passed") for n in NAMES]
    arguments = project.arguments(check_decisions)
    version = crown(project, candidate)
    for model in (version, version.uri, candidate.model_uri):
        assert check_decisions.fn(split, model, **arguments).gates == check.gates


def test_costs_are_compared_by_weight(make_project):
    """Where calls that end badly count nothing, a rule that says yes too often is the cheaper one."""
    frame = turned_around(3_000, SHIFTS)
    costs = {"costs": BOTH["costs"]}
    _, _, _, plain = run(make_project, frame, costs)
    assert [(gate.name, gate.verdict) for gate in plain.gates] == [(NAMES[1], "failed")]
    counts = (np.arange(3_000) < 2_000) | (frame["y"] == "yes")
    weighted = frame.assign(amount=np.where(counts, 1.0, 0.0))
    project = make_project(weighted)
    project.dataset.columns.weight = "amount"
    split = split_at(project, weighted, 2_000)
    candidate = log_candidate(project, split, decisions=costs)
    check = check_decisions.fn(split, candidate, **project.arguments(check_decisions))
    assert check.gates[0].verdict == "passed"


def test_too_few_groups_to_tell_are_no_pass(make_project):
    frame = turned_around(3_000, STEADY)
    frame["customer"] = np.where(
        np.arange(3_000) < 2_000, np.arange(3_000), 3_000 + np.arange(3_000) % 5
    )
    project = make_project(frame, gates={"decisions": {"decides": True}})
    project.dataset.columns.group = "customer"
    split = split_at(project, frame, 2_000)
    candidate = log_candidate(project, split, decisions=BOTH)
    check = check_decisions.fn(split, candidate, **project.arguments(check_decisions))
    assert [(gate.name, gate.verdict, gate.blocks) for gate in check.gates] == [
        (name, "not_run", True) for name in NAMES
    ]
    assert "5 groups" in check.gates[0].reason


def test_a_model_with_neither_is_asked_nothing(make_project, calls):
    frame = calls(1_000)
    project = make_project(frame, gates={"decisions": {"decides": True}})
    split = split_at(project, frame, 600)
    candidate = log_candidate(project, split)
    check = check_decisions.fn(split, candidate, **project.arguments(check_decisions))
    assert (check.gates, check.measured, check.report_uri) == ([], {}, None)


def test_it_is_skipped_as_the_others_are(make_project, calls):
    project = make_project(calls(10), gates={"skip": {"decisions": "the bank's own cut-off"}})
    check = check_decisions.fn(None, None, **project.arguments(check_decisions))
    assert [gate.reason for gate in check.gates] == ["skipped: the bank's own cut-off"]


def test_an_adopted_models_own_threshold_comes_without_costs_to_compare(make_project, calls):
    frame = calls(400)
    project = make_project(frame)
    uri = register(project, "threshold", frame)
    columns = project.dataset.columns.model_copy(update={"ignored": ["job"]})
    given = {"columns": columns, "task_type": "binary", "stores": project.stores}
    version = adopt.fn(uri, frame, **given)
    assert check_decisions.fn(split_at(project, frame, 200), version, **given).gates == []
