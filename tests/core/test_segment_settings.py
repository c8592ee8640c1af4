"""Settings of slices and of groups of people: what cannot be meant is refused by name."""

from __future__ import annotations

import pytest
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.core.settings.segments import FairnessSettings, limits_for
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"columns": ["sex"], "limits": {"parity": 0.1}}, "demographic_parity_difference"),
        ({"limits": {"accuracy_difference": 0.1}}, "needs gates.fairness.columns"),
        ({"columns": ["sex"], "bins": {"age": [30]}}, r"names \['age'\], not in"),
        ({"columns": ["age"], "bins": {"age": [60, 30]}}, "expected rising numbers"),
        ({"columns": ["age"], "bins": {"age": []}}, "expected rising numbers"),
        ({"columns": ["sex", "sex"]}, r"names \['sex'\] twice"),
        ({"columns": ["sex"], "limits": {"accuracy_ratio": 1.25}}, "at most 1"),
        ({"columns": ["sex"], "limits": {"accuracy_difference": -0.1}}, "greater than or equal"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        FairnessSettings(**settings)


def test_settings_that_are_not_used_are_in_no_digest():
    assert not {"slices", "fairness"} & set(GateSettings().model_dump())
    used = GateSettings(fairness={"columns": ["sex"]}, slices={"tolerance": None}).model_dump()
    assert used["fairness"]["columns"] == ["sex"]
    assert used["slices"]["tolerance"] is None


def test_a_project_refuses_limits_of_another_task(make_project):
    fairness = {"columns": ["sex"], "limits": {"equalized_odds_difference": 0.1}}
    with pytest.raises(ValidationError, match="which a regression model has not"):
        make_project(task_type="regression", gates={"fairness": fairness})
    assert make_project(gates={"fairness": fairness}).gates.fairness.limits


def test_limits_are_of_a_task():
    assert "equalized_odds_difference" in limits_for("binary")
    assert limits_for("multiclass") == (
        "accuracy_difference",
        "accuracy_ratio",
        "metric_difference",
        "metric_ratio",
    )
