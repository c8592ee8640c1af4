"""Replayed candidates pass the gates of production, and repairs are verified on rows nobody was fitted on."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.backtest.candidates import Candidates, with_changes
from prefect_mlops.backtest.promotion import (
    gates_against_champion,
    gates_of_candidate,
    verify_repair,
)
from prefect_mlops.backtest.stream import Stream
from prefect_mlops.core.results import Cause
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.core.workspace import Workspace
from support.streams import COLUMNS, SETUP, stream_of


@pytest.fixture(scope="module")
def turned(tmp_path_factory):
    """A stream that turns after 400 rows, its first model, and one trained 300 rows later."""
    stream = stream_of(turned=400)
    candidates = Candidates(stream, SETUP, Workspace(str(tmp_path_factory.mktemp("w"))))
    return stream, candidates.train(400), candidates.train(900)


def cause(span, *signals) -> Cause:
    return Cause(
        id="c",
        project="line",
        champion_version="1",
        window=span.window,
        rows=100,
        reason="worse",
        signals=list(signals),
        metric="rmse",
        decided_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_floors_are_held_by_the_candidate_alone(turned):
    stream, _, later = turned
    for floor, verdict in ((later.metrics["rmse"] + 0.1, "passed"), (0.01, "failed")):
        setup = with_changes(SETUP, gates=GateSettings(floors={"rmse": floor}))
        verdicts = {g.name: g.verdict for g in gates_of_candidate(stream, setup, later, later)}
        assert verdicts["rmse floor"] == verdict


def test_after_the_world_turned_the_later_model_is_superior_and_not_the_other_way(turned):
    stream, first, later = turned
    (gate, *_) = gates_against_champion(stream, SETUP, later, first, None)
    assert (gate.name, gate.verdict) == ("superiority", "passed")


def test_where_nothing_changed_a_later_model_is_not_superior(tmp_path):
    stream = stream_of()
    candidates = Candidates(stream, SETUP, Workspace(str(tmp_path)))
    first, later = candidates.train(400), candidates.train(900)
    (gate, *_) = gates_against_champion(stream, SETUP, later, first, None)
    assert (gate.name, gate.blocks) == ("superiority", True)


def test_without_rows_that_the_champion_has_not_seen_nothing_is_compared(turned):
    stream, _, later = turned
    (gate,) = gates_against_champion(stream, SETUP, later, later, None)
    assert (gate.verdict, gate.blocks) == ("not_run", True)
    assert "0 holdout rows are later" in gate.reason


def test_worse_performance_is_repaired_by_the_later_model_and_not_by_the_same(turned):
    stream, first, later = turned
    span = stream.spans[-1]
    asked = cause(span, "performance")
    assert verify_repair(stream, SETUP, asked, span, before=first, after=later) == "passed"
    assert verify_repair(stream, SETUP, asked, span, before=first, after=first) != "passed"


@pytest.mark.parametrize(("slope", "verdict"), [(3.0, "passed"), (0.0, "failed")])
def test_a_candidate_that_knows_no_more_than_a_guess_is_refused(tmp_path, slope, verdict):
    rng = np.random.default_rng(1)
    x = rng.normal(size=900)
    frame = pd.DataFrame({"x": x, "y": slope * x + rng.normal(size=900)})
    stream = Stream(frame, COLUMNS, history_rows=400, window_rows=100)
    candidate = Candidates(stream, SETUP, Workspace(str(tmp_path))).train(400)
    gates = {gate.name: gate for gate in gates_of_candidate(stream, SETUP, candidate, candidate)}
    gate = gates["better than a guess"]
    assert (gate.verdict, gate.blocks) == (verdict, verdict == "failed")
    skipping = with_changes(SETUP, gates=GateSettings(skip={"baseline": "a synthetic stream"}))
    skipped = {gate.name for gate in gates_of_candidate(stream, skipping, candidate, candidate)}
    assert skipped == set(gates) - {"better than a guess"}
