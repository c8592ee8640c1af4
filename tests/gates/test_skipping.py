"""A gate is skipped by its name and for a reason, and stands among the others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.results import Gate, verdict_of
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.core.settings.gate_kinds import SKIPPABLE
from prefect_mlops.gates.skipping import is_skipped, skipped, skipped_gate
from pydantic import ValidationError


@given(st.sampled_from(SKIPPABLE), st.text(min_size=1).filter(lambda t: any(map(str.isalpha, t))))
def test_a_skipped_gate_says_why_and_stops_nothing(kind, why):
    (gate,) = skipped_gate(kind, GateSettings(skip={kind: why}))
    assert (gate.name, gate.verdict, gate.blocks) == (kind, "not_run", False)
    assert is_skipped(gate)
    assert skipped([gate]) == {kind: why}
    assert verdict_of([gate, Gate(name="floor", verdict="failed", reason="low")]) == "failed"


def test_nothing_is_skipped_that_is_not_named():
    assert skipped_gate("baseline", GateSettings(skip={"package": "served elsewhere"})) == []


def test_a_gate_that_could_not_run_is_not_taken_for_a_skipped_one():
    gate = Gate(name="drift", verdict="not_run", reason="too few rows", blocking=False)
    assert not is_skipped(gate)


@pytest.mark.parametrize("name", ["baselin", "Baseline"])
def test_an_unknown_name_is_refused_with_the_nearest(name):
    with pytest.raises(ValidationError, match="did you mean 'baseline'"):
        GateSettings(skip={name: "a reason"})


def test_the_comparison_with_the_champion_cannot_be_skipped():
    with pytest.raises(ValidationError, match="no gate that can be skipped"):
        GateSettings(skip={"superiority": "because"})


@pytest.mark.parametrize("reason", ["", "  ", "-", "1."])
def test_a_reason_in_words_is_required(reason):
    with pytest.raises(ValidationError, match="say in words why"):
        GateSettings(skip={"baseline": reason})


def test_what_is_not_used_is_not_written():
    assert set(GateSettings().model_dump()) & {"skip", "baseline", "package", "freshness"} == set()
    written = GateSettings(baseline={"margin": 0.1}).model_dump()
    assert written["baseline"]["margin"] == 0.1
