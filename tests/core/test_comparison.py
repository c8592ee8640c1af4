"""Superiority with uncertainty, and slices that got worse."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.comparison import compare_slices, superiority
from prefect_mlops.core.settings import GateSettings

QUICK = GateSettings(resamples=200)


def judge(before, after, gates=QUICK, metric="mae"):
    gate, found = superiority(metric, before=before, after=after, settings=gates, seed=0)
    return gate, found


def slices(group, before, after, gates=QUICK, metric="mae"):
    return compare_slices(
        metric,
        pd.DataFrame({"group": group}),
        ["group"],
        before=np.asarray(before, dtype=float),
        after=np.asarray(after, dtype=float),
        settings=gates,
        seed=0,
    )


def test_a_clear_improvement_passes_and_names_the_numbers():
    champion = np.random.default_rng(0).exponential(1.0, 300)
    gate, found = judge(champion, champion * 0.8)
    assert gate.verdict == "passed"
    assert gate.value == found.low > 0
    assert "between" in gate.reason


def test_an_improvement_that_chance_explains_does_not_pass():
    rng = np.random.default_rng(0)
    champion = rng.exponential(1.0, 300)
    gate, found = judge(champion, champion + rng.normal(-0.005, 1.0, 300))
    assert found.low < 0 < found.high
    assert gate.verdict == "failed"


def test_the_margin_is_what_the_lower_bound_must_exceed():
    champion = np.ones(100)
    for margin, verdict in ((0.49, "passed"), (0.5, "failed")):
        gates = GateSettings(margin=margin, resamples=100)
        gate, _ = judge(champion, champion - 0.5, gates)
        assert gate.verdict == verdict, margin


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 10), st.integers(2, 50), st.sampled_from(["rmse", "mae", "log_loss"]))
def test_the_same_model_again_never_passes(loss, rows, metric):
    losses = np.linspace(0, loss, rows)
    assert judge(losses, losses, metric=metric)[0].verdict == "failed"


@pytest.mark.parametrize(("metric", "factor"), [("mae", 1.5), ("rmse", 1.5**2)])
def test_a_slice_that_got_much_worse_fails_and_the_others_pass(metric, factor):
    before = np.random.default_rng(0).uniform(0.9, 1.1, 400)
    group = np.repeat(["a", "b"], 200)
    after = np.where(group == "a", before * factor, before * 0.1)
    gates, scores = slices(group, before, after, metric=metric)
    assert {gate.name: gate.verdict for gate in gates} == {
        "slice group=a": "failed",
        "slice group=b": "passed",
    }
    bad = next(score for score in scores if score.value == "a")
    assert bad.candidate == pytest.approx(1.5 * bad.champion)


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_a_slice_within_the_tolerance_passes(metric):
    before = np.ones(200)
    factor = 1.24 if metric == "mae" else 1.24**2
    (gate,), _ = slices(["a"] * 200, before, before * factor, metric=metric)
    assert gate.verdict == "passed"
    assert gate.threshold == pytest.approx(1.25)


def test_a_slice_that_looks_worse_by_chance_passes():
    before = np.ones(100)
    after = np.zeros(100)
    after[:2] = 70.0  # 1.4 instead of 1, all of it from two rows
    (gate,), _ = slices(["a"] * 100, before, after)
    assert gate.value == pytest.approx(1.4)
    assert gate.verdict == "passed"


def test_small_slices_are_reported_and_not_judged():
    group = ["big"] * 150 + ["small"] * 50
    gates, scores = slices(group, np.ones(200), np.full(200, 9.0))
    assert [gate.name for gate in gates] == ["slice group=big"]
    assert {(score.value, score.rows) for score in scores} == {("big", 150), ("small", 50)}


def test_without_a_tolerance_slices_are_only_reported():
    gates = GateSettings(slice_tolerance=None, resamples=100)
    found, scores = slices(["a"] * 200, np.ones(200), np.full(200, 9.0), gates)
    assert found == []
    assert scores[0].candidate == 9.0


def test_missing_values_and_numbers_are_slices_and_numbers_do_not_flood_the_report():
    gates, _ = slices([1.0, None] * 100, np.ones(200), np.ones(200))
    assert {gate.name for gate in gates} == {"slice group=1", "slice group=missing"}
    _, scores = slices(np.arange(200) / 7, np.ones(200), np.ones(200))
    assert len(scores) == 50
