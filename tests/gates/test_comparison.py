"""Superiority and non-inferiority with uncertainty, and slices that got worse."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prefect_mlops.core.results import Cause
from prefect_mlops.core.settings import GateSettings, PerformanceThresholds
from prefect_mlops.gates.comparison import (
    compare_slices,
    confirmation,
    non_inferiority,
    superiority,
)
from prefect_mlops.metrics.promise import Promise
from support.stories import EPOCH, day

QUICK = GateSettings(resamples=200)


def judge(before, after, gates=QUICK, metric="mae"):
    gate, found = superiority(metric, before=before, after=after, settings=gates, seed=0)
    return gate, found


def allow(before, after, gates=QUICK, metric="mae", confirmed="the newest rows confirm it"):
    return non_inferiority(
        metric, before=before, after=after, settings=gates, seed=0, confirmed=confirmed
    )


def cause(*signals, metric="log_loss") -> Cause:
    return Cause(
        id="calls-1-abc",
        project="calls",
        champion_version="1",
        window=day(0),
        rows=500,
        reason="worse",
        signals=signals,
        metric=metric,
        decided_at=EPOCH,
    )


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


def test_what_chance_explains_comes_with_the_rows_that_would_tell():
    rng = np.random.default_rng(0)
    champion = rng.exponential(1.0, 400)
    gate, found = judge(champion, champion - rng.normal(0.05, 1.0, 400))
    assert found.low < 0 < found.value
    said = re.search(
        r"; about ([\d,]+) rows would tell, if it is real \(data.holdout_rows\)$", gate.reason
    )
    assert said, gate.reason
    needed = ((1.645 + 0.842) / found.value) ** 2
    assert int(said[1].replace(",", "")) == pytest.approx(needed, rel=0.25)


def test_the_rows_that_would_tell_do_so_about_four_times_in_five():
    rng = np.random.default_rng(0)
    few = rng.normal(0.1, 1.0, 100)
    # Exactly the improvement and the spread that the sentence reckons with.
    few = (few - few.mean()) / few.std() + 0.1
    gate, _ = judge(10 + few, np.full(100, 10.0), GateSettings())
    needed = int(re.search(r"about ([\d,]+) rows", gate.reason)[1].replace(",", ""))
    found = [judge(10 + rng.normal(0.1, 1.0, needed), np.full(needed, 10.0)) for _ in range(200)]
    assert 0.7 <= np.mean([gate.verdict == "passed" for gate, _ in found]) <= 0.9


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_no_number_of_rows_is_named_where_none_would_tell(shift):
    champion = np.random.default_rng(0).exponential(1.0, 200)
    assert "rows would tell" not in judge(champion, champion + shift)[0].reason


def test_a_candidate_that_passes_needs_no_more_rows():
    champion = np.random.default_rng(0).exponential(1.0, 200)
    assert "rows would tell" not in judge(champion, champion * 0.5)[0].reason


@pytest.mark.parametrize("metric", ["mae", "rmse", "log_loss"])
def test_an_equal_candidate_is_not_inferior(metric):
    losses = np.random.default_rng(0).exponential(1.0, 300)
    gate, found = allow(losses, losses.copy(), metric=metric)
    assert (gate.name, gate.verdict, found.value) == ("non-inferiority", "passed", 0.0)


@pytest.mark.parametrize("metric", ["mae", "rmse"])
@pytest.mark.parametrize(("share", "verdict"), [(0.04, "passed"), (0.06, "failed")])
def test_a_candidate_may_be_worse_by_the_allowance_and_no_more(metric, share, verdict):
    champion = np.ones(200)
    factor = 1 + share if metric == "mae" else (1 + share) ** 2
    gate, _ = allow(champion, champion * factor, metric=metric)
    assert gate.verdict == verdict
    assert gate.threshold == pytest.approx(-0.05)


def test_a_candidate_that_is_maybe_worse_than_allowed_fails():
    rng = np.random.default_rng(0)
    champion, noise = rng.exponential(1.0, 200), rng.normal(0.0, 1.0, 200)
    gate, found = allow(champion, champion + noise - noise.mean())
    assert found.low < -0.05 * champion.mean() < found.high
    assert gate.verdict == "failed"


def test_the_reason_of_non_inferiority_names_what_confirms_the_cause_and_the_allowance():
    champion = np.full(200, 2.0)
    for factor, word in ((1.0, "is above -0.2"), (1.2, "is not above -0.2")):
        gate, _ = allow(
            champion, champion * factor, GateSettings(allowance=0.1), confirmed="it promised 0.3"
        )
        assert "it promised 0.3, so the candidate may be worse by 0.2 (10%)" in gate.reason
        assert word in gate.reason


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(float, st.tuples(st.just(2), st.integers(2, 40)), elements=st.floats(0, 1e3)),
    st.sampled_from(["rmse", "mae", "log_loss"]),
    st.floats(0, 1),
    st.booleans(),
)
def test_what_is_superior_is_not_inferior(losses, metric, allowance, improves):
    before, after = losses
    if improves:
        after = np.minimum(before, after)
    gates = GateSettings(margin=0.0, allowance=allowance, resamples=100)
    if judge(before, after, gates, metric)[0].verdict == "passed":
        assert allow(before, after, gates, metric)[0].verdict == "passed"


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(float, st.tuples(st.just(2), st.integers(2, 40)), elements=st.floats(0, 1e3)),
    st.sampled_from(["rmse", "mae", "log_loss"]),
    st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted),
)
def test_a_larger_allowance_never_refuses_what_a_smaller_one_lets_pass(losses, metric, shares):
    less, more = (
        allow(*losses, GateSettings(allowance=share, resamples=100), metric)[0].verdict
        for share in shares
    )
    assert more == "passed" or less == "failed"


PROMISE = Promise("log_loss", 0.4, 4_000, 0.01)
LIMITS = PerformanceThresholds(tolerance=0.1)


def test_a_promise_broken_on_the_newest_rows_confirms_the_cause():
    said = confirmation(cause("drift"), PROMISE, np.full(100, 0.45), LIMITS)
    assert said == "the champion promised 0.4"


def test_a_cause_of_performance_is_confirmed_by_its_window():
    said = confirmation(cause("performance"), PROMISE, np.full(100, 0.4), LIMITS)
    assert said == "the champion was worse than promised in the window of cause calls-1-abc"


@pytest.mark.parametrize("promise", [PROMISE, None])
def test_drift_alone_confirms_nothing_as_long_as_the_champion_keeps_its_promise(promise):
    assert confirmation(cause("drift"), promise, np.full(100, 0.43), LIMITS) == ""


def test_a_promise_of_another_metric_or_none_confirms_nothing():
    losses = np.full(100, 9.0)
    assert confirmation(cause("drift", metric="brier"), PROMISE, losses, LIMITS) == ""
    assert confirmation(cause("drift"), None, losses, LIMITS) == ""


def test_a_broken_promise_is_measured_in_units_of_its_metric():
    promise = Promise("rmse", 2.0, 4_000, 0.01)
    for rmse, confirmed in ((2.1, False), (2.3, True)):
        said = confirmation(cause("drift", metric="rmse"), promise, np.full(50, rmse**2), LIMITS)
        assert bool(said) is confirmed, rmse


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
