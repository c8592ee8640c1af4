"""A user's own gate decides in the training flow like any other, and counts in its key."""

from __future__ import annotations

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.flows import train
from prefect_mlops.registry.versions import find_version
from support.own_code import write_module

pytestmark = pytest.mark.usefixtures("prefect_api")
GATE = """
from prefect_mlops.core.results import Gate


def fair(context):
    return Gate(name="fair", verdict="{verdict}", reason="students are refused", value=0.25)
"""


@pytest.fixture
def own_gate(monkeypatch, tmp_path):
    """A function that writes the module `fair_gates`, whose gate has a verdict."""
    return lambda verdict: write_module(
        monkeypatch, tmp_path, "fair_gates", GATE.format(verdict=verdict)
    )


def test_a_gate_that_fails_refuses_the_candidate_wherever_gates_are_shown(
    champion, own_gate, artifacts_of
):
    own_gate("failed")
    champion.gates.custom = ["fair_gates:fair"]
    state = train(champion, return_state=True)
    outcome = state.result()
    assert (state.name, outcome.version) == ("Rejected", None)
    assert "fair: students are refused" in outcome.reasons
    assert "run_gates" in outcome.seconds
    found = artifacts_of(state)
    assert "fair: students are refused" in found["training-calls"].data
    assert '"gate": "fair"' in found["gates-calls"].data
    assert find_version(champion.registry, "champion").version == "1"


def test_an_edited_gate_is_another_training(champion, own_gate):
    own_gate("passed")
    bare = champion.training_digest()
    champion.gates.custom = ["fair_gates:fair"]
    before = champion.training_digest()
    own_gate("failed")
    assert len({bare, before, champion.training_digest()}) == 3


def test_a_gate_that_nobody_can_ask_is_refused_before_anything_is_read(champion, own_gate):
    own_gate("passed")
    champion.gates.custom = ["fair_gates:unfair"]
    champion.dataset.source.path = "nowhere.parquet"
    with pytest.raises(ConfigurationError, match="gate 'fair_gates:unfair' cannot be loaded"):
        train(champion)
