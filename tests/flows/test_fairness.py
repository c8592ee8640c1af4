"""A training carries protected columns to the gate that compares groups of people, and ends by what it says."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.blocks import Dataset
from prefect_mlops.evidence.card_facts import is_fairness
from prefect_mlops.flows.training import train

pytestmark = pytest.mark.slow


@pytest.fixture
def project_of(make_project, calls, tmp_path, prefect_api):
    """A function that makes a project with a column that no model sees."""
    frame, rng = calls(3_000), np.random.default_rng(0)
    chosen = frame["strong"] + rng.normal(0, 1, len(frame)) > 0
    dataset = Dataset(
        source={"type": "parquet", "path": str(tmp_path / "calls.parquet")},
        columns={
            "target": "y",
            "timestamp": "called_at",
            "id": "call_id",
            "slices": ["job"],
            "ignored": ["sex"],
        },
    )
    frame["sex"] = np.where(chosen, "m", "f")
    return lambda fairness: make_project(
        frame,
        dataset=dataset,
        gates={"deepchecks": [], "resamples": 500, "fairness": fairness},
        data={"holdout_rows": 1_000},
    )


def test_a_candidate_beyond_a_limit_is_rejected(project_of):
    limits = {"demographic_parity_difference": 0.1}
    outcome = train(project_of({"columns": ["sex"], "limits": limits}))
    assert outcome.outcome == "rejected"
    (reason,) = outcome.reasons
    assert "demographic_parity_difference is 0." in reason
    (gate,) = [gate for gate in outcome.gates if is_fairness(gate)]
    assert (gate.name, gate.blocks) == ("fairness sex: demographic_parity_difference", True)


def test_without_a_limit_it_is_noted_and_without_columns_nothing_is_shown(project_of):
    outcome = train(project_of({"columns": ["sex"]}))
    assert outcome.outcome == "promoted"
    (gate,) = [gate for gate in outcome.gates if is_fairness(gate)]
    assert (gate.name, gate.verdict, gate.blocking) == ("fairness sex", "not_run", False)
    names = {gate.name for gate in outcome.gates}
    assert {"weak segments", "slice job=student against all rows"} <= names
    again = train(project_of({}))
    assert not [gate for gate in again.gates if is_fairness(gate)]
