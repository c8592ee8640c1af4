"""Bootstrap intervals of metrics and of paired differences."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.bootstrap import (
    Groups,
    Interval,
    grouped_difference,
    metric_interval,
    paired_difference,
)
from prefect_mlops.metrics.losses import metric_value

METRICS = st.sampled_from(["log_loss", "brier", "error_rate", "rmse", "mae"])
PAIRS = hnp.arrays(
    float,
    st.tuples(st.just(2), st.integers(2, 40)),
    elements=st.floats(0, 1e6, allow_subnormal=False),
)


@settings(max_examples=40, deadline=None)
@given(METRICS, PAIRS, st.integers(0, 10))
@example("rmse", np.full((2, 2), 901_705.0), 0)
def test_the_bounds_lie_within_what_the_rows_allow(metric, pair, seed):
    losses = pair[0]
    found = metric_interval(metric, losses, confidence=0.9, resamples=100, seed=seed)
    lowest, highest = (
        metric_value(metric, losses[[losses.argmin()]]),
        metric_value(metric, losses[[losses.argmax()]]),
    )
    slack = 1e-9 * (1 + highest)
    assert lowest - slack <= found.low <= found.high <= highest + slack
    assert found.value == metric_value(metric, losses)


@settings(max_examples=40, deadline=None)
@given(METRICS, PAIRS, st.integers(0, 10))
def test_swapping_the_models_flips_the_sign(metric, pair, seed):
    options = {"confidence": 0.9, "resamples": 100, "seed": seed}
    one, other = (
        paired_difference(metric, pair[0], pair[1], **options),
        paired_difference(metric, pair[1], pair[0], **options),
    )
    np.testing.assert_allclose(
        (one.value, one.low, one.high),
        (-other.value, -other.high, -other.low),
        rtol=1e-9,
        atol=1e-6,
    )


@settings(max_examples=20, deadline=None)
@given(METRICS, hnp.arrays(float, 30, elements=st.floats(0, 1e3)))
def test_a_model_is_never_better_than_itself(metric, losses):
    found = paired_difference(metric, losses, losses, confidence=0.9, resamples=100, seed=0)
    assert found == Interval(0.0, 0.0, 0.0)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = {"mae": 0, "rmse": 0}
    for seed in range(200):
        drawn = rng.exponential(2.0, 200)
        for metric, truth in (("mae", 2.0), ("rmse", np.sqrt(2.0))):
            found = metric_interval(metric, drawn, confidence=0.9, resamples=200, seed=seed)
            covered[metric] += found.low <= truth <= found.high
    assert all(0.83 <= count / 200 <= 0.97 for count in covered.values()), covered


def test_pairing_sees_a_small_improvement_that_every_row_shares():
    champion = np.random.default_rng(0).exponential(1.0, 500)
    candidate = champion - 0.01
    found = paired_difference("mae", champion, candidate, confidence=0.9, resamples=500, seed=0)
    assert found.low == pytest.approx(0.01)
    alone = metric_interval("mae", champion, confidence=0.9, resamples=500, seed=0)
    assert alone.high - alone.low > 0.05


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    losses = np.random.default_rng(0).random(50)
    first, again, other = (
        metric_interval("mae", losses, confidence=0.9, resamples=100, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_equal_losses_give_a_point_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = metric_interval("rmse", np.full(10, 4.0), confidence=0.9, resamples=100, seed=0)
    assert found == Interval(2.0, 2.0, 2.0)


def test_one_row_promises_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = paired_difference(
            "mae", np.array([3.0]), np.array([1.0]), confidence=0.9, resamples=100, seed=0
        )
    assert found == Interval(2.0, -np.inf, np.inf)


def test_rows_that_no_interval_can_be_made_of_are_refused():
    options = {"confidence": 0.9, "resamples": 100, "seed": 0}
    with pytest.raises(DataRejected, match="none"):
        metric_interval("mae", np.array([]), **options)
    with pytest.raises(DataRejected, match="2 losses of the champion and 3 of the candidate"):
        paired_difference("mae", np.ones(2), np.ones(3), **options)
    with pytest.raises(DataRejected, match="not finite"):
        metric_interval("mae", np.array([1.0, np.nan]), **options)


def test_two_thousand_resamples_of_twenty_thousand_rows_are_quick():
    rng = np.random.default_rng(0)
    champion, candidate = rng.random(20_000), rng.random(20_000)
    started = time.process_time()
    paired_difference("rmse", champion, candidate, confidence=0.9, resamples=2_000, seed=0)
    assert time.process_time() - started < 4


def rows_of(losses) -> Groups:
    return Groups(np.asarray(losses, dtype=float), np.ones(len(losses)))


GROUPED = {"tail": 0.05, "resamples": 400, "seed": 0}


@settings(max_examples=40, deadline=None)
@given(METRICS, PAIRS, st.booleans(), st.floats(1e-6, 0.2))
def test_the_bounds_of_a_difference_enclose_it_and_swapping_the_models_flips_them(
    metric, pair, paired, tail
):
    options = {**GROUPED, "paired": paired, "tail": tail, "resamples": 100}
    one = grouped_difference(metric, rows_of(pair[0]), rows_of(pair[1]), **options)
    other = grouped_difference(metric, rows_of(pair[1]), rows_of(pair[0]), **options)
    assert one.low <= one.value <= one.high
    np.testing.assert_allclose(
        (one.value, one.low, one.high),
        (-other.value, -other.high, -other.low),
        rtol=1e-9,
        atol=1e-6,
    )


@pytest.mark.parametrize("paired", [True, False])
def test_on_ordinary_losses_the_bounds_are_those_of_the_normal_distribution(paired):
    rng = np.random.default_rng(0)
    one, other = rng.normal(5, 1, (2, 1_500))
    spread = np.sqrt(2 / 1_500)
    for tail, z in ((0.05, 1.645), (1e-5, 4.265)):
        options = {**GROUPED, "tail": tail, "resamples": 4_000}
        found = grouped_difference("mae", rows_of(one), rows_of(other), paired=paired, **options)
        assert found.value == pytest.approx(one.mean() - other.mean())
        assert found.value - found.low == pytest.approx(z * spread, rel=0.15)
        assert found.high - found.value == pytest.approx(z * spread, rel=0.15)


def test_what_two_models_share_cancels_out_only_when_paired():
    rng = np.random.default_rng(0)
    hard = rng.exponential(5, 500)
    one, other = rows_of(hard + 0.1), rows_of(hard)
    assert grouped_difference("mae", one, other, paired=True, **GROUPED).low > 0
    assert grouped_difference("mae", one, other, paired=False, **GROUPED).low < 0


def test_rows_that_say_the_same_thing_are_one_piece_of_evidence():
    rng = np.random.default_rng(0)
    one, other = rng.exponential(1, (2, 50))
    tenfold = [Groups(losses * 10, np.full(50, 10.0)) for losses in (one, other)]
    single = [rows_of(losses) for losses in (one, other)]
    apart = [rows_of(np.repeat(losses, 10)) for losses in (one, other)]
    together, alone, pretended = (
        grouped_difference("mae", *groups, paired=True, **GROUPED)
        for groups in (tenfold, single, apart)
    )
    np.testing.assert_allclose(together, alone)
    assert pretended.high - pretended.low < 0.5 * (alone.high - alone.low)


def test_four_rows_in_favour_of_a_model_do_not_show_that_it_is_better():
    # Of equal models, every sixteenth has as many: a percentile interval would not contain 0.
    one = np.zeros(200)
    one[:4] = 1.0
    options = {**GROUPED, "tail": 0.025, "resamples": 2_000, "paired": True}
    assert grouped_difference("error_rate", rows_of(one), rows_of(np.zeros(200)), **options).low < 0
    one[:12] = 1.0
    assert grouped_difference("error_rate", rows_of(one), rows_of(np.zeros(200)), **options).low > 0


def test_blocks_of_many_rows_keep_the_spread():
    rng = np.random.default_rng(0)
    one, other = rng.exponential(1, (2, 50_000))
    started = time.perf_counter()
    found = grouped_difference("mae", rows_of(one), rows_of(other), paired=False, **GROUPED)
    assert time.perf_counter() - started < 2
    assert found.high - found.low == pytest.approx(2 * 1.645 * np.sqrt(2 / 50_000), rel=0.15)


def test_rmse_is_that_of_all_rows():
    one = Groups(np.array([8.0, 1.0, 9.0]), np.array([2.0, 1.0, 1.0]))
    other = Groups(np.array([2.0, 1.0, 1.0]), np.array([2.0, 1.0, 1.0]))
    found = grouped_difference("rmse", one, other, paired=True, **GROUPED)
    assert found.value == pytest.approx(np.sqrt(18 / 4) - 1)


def test_one_request_says_nothing_about_spread_and_none_is_refused():
    assert grouped_difference("mae", rows_of([1]), rows_of([2]), paired=True, **GROUPED) == (
        Interval(-1.0, -np.inf, np.inf)
    )
    with pytest.raises(DataRejected, match="0 of the challenger"):
        grouped_difference("mae", rows_of([1]), rows_of([]), paired=False, **GROUPED)
    with pytest.raises(DataRejected, match="the same ones when paired"):
        grouped_difference("mae", rows_of([1, 2]), rows_of([1, 2, 3]), paired=True, **GROUPED)
