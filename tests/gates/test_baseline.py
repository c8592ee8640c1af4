"""A candidate no better than a guess follows only a champion that is worse than the guess, and than itself."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.gates.baseline import better_than_a_guess, lesser_harm

GUESS = np.random.default_rng(0).exponential(size=400)


def refused():
    gate = better_than_a_guess(
        "mae",
        guess=GUESS,
        candidate=1.2 * GUESS,
        settings=GateSettings(resamples=200),
        seed=0,
    )
    assert gate.blocks
    return gate


@pytest.mark.parametrize(
    ("champion", "improvement", "blocks"),
    [
        (1.5, 0.1, False),
        (1.5, 0.0, True),
        (1.5, -0.1, True),
        (1.0, 0.1, True),
        (0.8, 0.1, True),
        (None, None, True),
        (1.5, None, True),
    ],
)
def test_of_two_that_are_worse_than_a_guess_the_surely_better_one_may_serve(
    champion, improvement, blocks
):
    gate = lesser_harm(
        refused(),
        "mae",
        guess=1.0,
        champion=champion,
        improvement=improvement,
        settings=GateSettings(),
    )
    assert (gate.blocks, gate.verdict) == (blocks, "failed")
    assert ("lesser harm" in gate.reason) is not blocks


@pytest.mark.parametrize("settings", [{"baseline": {"lesser_harm": False}}, {"margin": 0.2}])
def test_a_project_may_ask_for_more(settings):
    gate = lesser_harm(
        refused(),
        "mae",
        guess=1.0,
        champion=1.5,
        improvement=0.1,
        settings=GateSettings(**settings),
    )
    assert gate.blocks


def test_a_gate_that_was_not_run_stays_in_the_way():
    gate = refused().model_copy(update={"verdict": "not_run"})
    found = lesser_harm(
        gate, "mae", guess=1.0, champion=1.5, improvement=0.1, settings=GateSettings()
    )
    assert found is gate
