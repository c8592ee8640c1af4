"""Groups of people are compared by columns that no model needs to see, and what was found is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.blocks import Dataset, Stores
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns, GateSettings
from prefect_mlops.evidence.card_facts import is_fairness
from prefect_mlops.tasks import check_fairness, extract, split, validate_data
from sklearn.linear_model import LogisticRegression
from support.candidates import log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

LIMITS = {"demographic_parity_difference": 0.1}


def with_people(frame):
    rng = np.random.default_rng(0)
    chosen = frame["strong"] + rng.normal(0, 1, len(frame)) > 0
    return frame.assign(sex=np.where(chosen, "m", "f"), age=rng.integers(18, 80, len(frame)))


def project_of(make_project, frame, tmp_path, **fairness):
    """A project whose models see neither sex nor age."""
    dataset = Dataset(
        source={"type": "parquet", "path": str(tmp_path / "calls.parquet")},
        columns={
            "target": "y",
            "timestamp": "called_at",
            "id": "call_id",
            "ignored": ["sex", "age"],
        },
    )
    return make_project(frame, dataset=dataset, gates={"fairness": fairness})


def test_what_no_model_sees_is_carried_to_the_gate(make_project, calls, tmp_path):
    frame = with_people(calls(1_500))
    project = project_of(make_project, frame, tmp_path, columns=["sex"], limits=LIMITS)
    with_mlflow(project)
    snapshot = extract.fn(**project.arguments(extract))
    assert "sex" in snapshot.columns
    assert "age" not in snapshot.columns
    rows = validate_data.fn(snapshot, **project.arguments(validate_data)).snapshot
    parts = split.fn(rows, **project.arguments(split))
    candidate = log_candidate(project, parts)
    assert set(candidate.importance) == {"strong", "weak", "job"}
    check = check_fairness.fn(parts, candidate, **project.arguments(check_fairness))
    (gate,) = check.gates
    assert (gate.name, gate.verdict) == ("fairness sex: demographic_parity_difference", "failed")
    assert is_fairness(gate)
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["fairness.sex.demographic_parity_difference"] == pytest.approx(gate.value)
    kept = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/fairness.json",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    groups = json.loads(Path(kept).read_text())["columns"]["sex"]["groups"]
    assert [group["group"] for group in groups] == ["f", "m"]
    assert sum(group["rows"] for group in groups) == parts.holdout.rows


def test_a_protected_column_that_is_not_there_is_named(make_project, calls, tmp_path):
    frame = with_people(calls(900))
    project = project_of(make_project, frame.drop(columns="sex"), tmp_path, columns=["sex"])
    with pytest.raises(DataRejected, match=r"gates.fairness.columns names \['sex'\]") as caught:
        extract.fn(**project.arguments(extract))
    assert caught.value.column == "sex"
    parts = split_at(project, frame.drop(columns="sex"), 600)
    candidate = log_candidate(project, parts)
    with pytest.raises(DataRejected, match="of the rows held out"):
        check_fairness.fn(parts, candidate, **project.arguments(check_fairness))


def test_without_protected_columns_nothing_is_asked_and_nothing_is_read(
    make_project, calls, tmp_path
):
    frame = with_people(calls(600))
    project = project_of(make_project, frame, tmp_path)
    check = check_fairness.fn(None, None, **project.arguments(check_fairness))
    assert (check.gates, check.verdict) == ([], "not_run")
    assert "sex" not in extract.fn(**project.arguments(extract)).columns


def test_numbers_are_groups_at_declared_edges(make_project, calls, tmp_path):
    frame = with_people(calls(1_500))
    project = project_of(
        make_project, frame, tmp_path, columns=["age"], bins={"age": [40]}, limits=LIMITS
    )
    parts = split_at(project, frame, 900)
    check = check_fairness.fn(
        parts, log_candidate(project, parts), **project.arguments(check_fairness)
    )
    assert "'<= 40'" in check.gates[0].reason
    assert "'> 40'" in check.gates[0].reason


def test_a_model_of_somebody_is_judged_on_frames(make_project, calls):
    project, frame = with_mlflow(make_project()), with_people(calls(1_000))
    version, _ = log_plainly(frame[:500], model=LogisticRegression())
    asked = {
        "columns": Columns(target="y", features=["strong", "weak", "job"]),
        "task_type": "binary",
        "stores": Stores("calls", project.registry),
    }
    rows, uri = (frame[:500], frame[500:]), f"models:/calls/{version}"
    settings = GateSettings(fairness={"columns": ["sex"], "limits": LIMITS})
    check = check_fairness.fn(rows, uri, settings=settings, **asked)
    assert check.verdict == "failed"
    wrong = GateSettings(fairness={"columns": ["sex"], "limits": {"mean_error_difference": 1.0}})
    with pytest.raises(ConfigurationError, match="which a binary model has not"):
        check_fairness.fn(rows, uri, settings=wrong, **asked)


def test_it_is_skipped_as_the_others_are(make_project, calls):
    gates = {"fairness": {"columns": ["sex"]}, "skip": {"fairness": "rows of machines"}}
    project = make_project(calls(10), gates=gates)
    check = check_fairness.fn(None, None, **project.arguments(check_fairness))
    assert [gate.reason for gate in check.gates] == ["skipped: rows of machines"]
