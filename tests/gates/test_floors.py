"""A floor is a maximum for losses and a minimum for scores."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.gates.floors import floor_gates


@given(st.floats(0, 1), st.floats(0, 1))
def test_losses_must_not_exceed_and_scores_must_reach_their_floor(value, floor):
    (loss,) = floor_gates({"log_loss": value}, {"log_loss": floor})
    (score,) = floor_gates({"roc_auc": value}, {"roc_auc": floor})
    assert (loss.verdict == "passed") == (value <= floor)
    assert (score.verdict == "passed") == (value >= floor)
    assert (loss.name, loss.value, loss.threshold) == ("log_loss floor", value, floor)


@pytest.mark.parametrize("found", [{}, {"roc_auc": math.nan}])
def test_an_undefined_metric_is_no_pass(found):
    (gate,) = floor_gates(found, {"roc_auc": 0.7})
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert "undefined on this holdout" in gate.reason


def test_without_floors_there_are_no_gates():
    assert floor_gates({"log_loss": 9.0}, {}) == []
