"""Gates about what a project does not use are not asked."""

from __future__ import annotations

import pytest
from prefect_mlops.core.settings import DecisionSettings, GateSettings
from prefect_mlops.flows.evidence_gates import evidence_gates

ALWAYS = ["check_baseline", "check_calibration", "check_robustness", "check_slices"]


@pytest.mark.parametrize(
    ("gates", "decisions", "more"),
    [
        ({}, {}, set()),
        ({}, {"calibration": "sigmoid"}, {"check_decisions"}),
        ({}, {"costs": {"false_positive": 1, "false_negative": 5}}, {"check_decisions"}),
        ({"fairness": {"columns": ["sex"]}}, {}, {"check_fairness"}),
    ],
)
def test_decisions_and_fairness_are_asked_where_a_project_uses_them(gates, decisions, more):
    found = evidence_gates(GateSettings(**gates), DecisionSettings(**decisions))
    names = [gate.name for gate in found]
    assert [name for name in names if name in ALWAYS] == ALWAYS
    assert set(names) - set(ALWAYS) == more
