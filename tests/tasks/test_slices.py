"""A candidate is judged on parts of its holdout, by itself, and what was found is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.blocks import Stores
from prefect_mlops.core.settings import Columns
from prefect_mlops.tasks import check_slices
from sklearn.linear_model import LogisticRegression
from support.candidates import log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

NAMES = [f"slice job={job} against all rows" for job in ("admin", "retired", "student")]


def guessed_for_students(frame):
    drawn = np.random.default_rng(3).choice(["yes", "no"], len(frame))
    sure = np.where(frame["strong"] > 0, "yes", "no")
    return frame.assign(y=np.where(frame["job"] == "student", drawn, sure))


def test_slices_and_segments_are_advice_and_are_kept(make_project, calls):
    frame = guessed_for_students(calls(2_000))
    project = make_project(frame)
    split = split_at(project, frame, 1_000)
    candidate = log_candidate(project, split)
    check = check_slices.fn(split, candidate, **project.arguments(check_slices))
    assert sorted(gate.name for gate in check.gates) == [*NAMES, "weak segments"]
    assert not any(gate.blocking for gate in check.gates)
    weak = {gate.name: gate for gate in check.gates if gate.verdict == "failed"}
    assert set(weak) == {NAMES[2], "weak segments"}
    assert "job = student" in weak["weak segments"].reason
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["slices.worst.log_loss"] == pytest.approx(weak[NAMES[2]].value)
    assert logged["slices.weak_segments"] >= 1
    kept = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/slices.json",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    evidence = json.loads(Path(kept).read_text())
    assert {row["slice"] for row in evidence["slices"]} == {
        "job=admin",
        "job=retired",
        "job=student",
    }
    assert all(row["outside"] > 0 for row in evidence["segments"])
    (student,) = [row for row in evidence["slices"] if row["slice"] == "job=student"]
    # Where nothing tells, the model says so: the slice is hard, and the model knows.
    assert student["expected"] == pytest.approx(student["value"], rel=0.3)


def test_a_regression_has_slices_too(make_project, calls):
    frame = calls(1_200)
    noise = np.random.default_rng(5).normal(0, 3, 1_200) * (frame["job"] == "student")
    frame["y"] = 2 * frame["strong"] + noise
    project = make_project(frame, task_type="regression", gates={"slices": {"decides": True}})
    split = split_at(project, frame, 600)
    candidate = log_candidate(project, split, iterations=50)
    check = check_slices.fn(split, candidate, **project.arguments(check_slices))
    assert [gate.name for gate in check.gates if gate.blocks] == [NAMES[2]]
    assert "expects" not in check.gates[0].reason


def test_a_model_of_somebody_is_judged_on_frames(make_project, calls):
    project, frame = with_mlflow(make_project()), calls(1_000)
    version, _ = log_plainly(frame[:500], model=LogisticRegression())
    check = check_slices.fn(
        (frame[:500], frame[500:]),
        f"models:/calls/{version}",
        columns=Columns(target="y", features=["strong", "weak", "job"], slices=["job"]),
        task_type="binary",
        stores=Stores("calls", project.registry),
    )
    assert sorted(gate.name for gate in check.gates) == [*NAMES, "weak segments"]


def test_it_is_skipped_as_the_others_are(make_project, calls):
    project = make_project(calls(10), gates={"skip": {"slices": "one kind of row only"}})
    check = check_slices.fn(None, None, **project.arguments(check_slices))
    assert [gate.reason for gate in check.gates] == ["skipped: one kind of row only"]
