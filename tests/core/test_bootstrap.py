"""Bootstrap intervals of metrics and of paired differences."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from prefect_mlops.core.bootstrap import Interval, metric_interval, paired_difference
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.metrics import total

METRICS = st.sampled_from(["log_loss", "brier", "error_rate", "rmse", "mae"])
PAIRS = hnp.arrays(
    float,
    st.tuples(st.just(2), st.integers(2, 40)),
    elements=st.floats(0, 1e6, allow_subnormal=False),
)


@settings(max_examples=40, deadline=None)
@given(METRICS, PAIRS, st.integers(0, 10))
def test_the_bounds_lie_within_what_the_rows_allow(metric, pair, seed):
    losses = pair[0]
    found = metric_interval(metric, losses, confidence=0.9, resamples=100, seed=seed)
    lowest, highest = (
        total(metric, losses[[losses.argmin()]]),
        total(metric, losses[[losses.argmax()]]),
    )
    slack = 1e-9 * (1 + highest)
    assert lowest - slack <= found.low <= found.high <= highest + slack
    assert found.value == total(metric, losses)


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
