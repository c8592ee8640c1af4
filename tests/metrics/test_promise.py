"""A promise is made on several periods, and says how much they differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import PerformanceThresholds
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.metrics.promise import Promise, metric_error, promise_of

RNG = np.random.default_rng(0)


def period(mean: float, rows: int = 1_000) -> np.ndarray:
    return RNG.gamma(4.0, mean / 4.0, rows)


def test_one_period_has_no_spread():
    losses = period(0.4)
    promise = promise_of("log_loss", [losses])
    assert promise.value == pytest.approx(metric_value("log_loss", losses))
    assert (promise.spread, promise.rows, len(promise.periods)) == (0.0, 1_000, 1)


def test_periods_that_differ_by_chance_alone_have_almost_no_spread():
    promise = promise_of("log_loss", [period(0.4) for _ in range(5)])
    assert promise.spread < 0.02


def test_periods_that_really_differ_have_about_their_own_spread():
    levels = [0.2, 0.3, 0.4, 0.5, 0.6]
    promise = promise_of("log_loss", [period(level, 20_000) for level in levels])
    assert promise.spread == pytest.approx(np.std(levels, ddof=1), rel=0.05)


def test_the_error_of_rmse_is_that_of_resampling():
    losses = period(9.0, 500) ** 2
    resampled = [
        metric_value("rmse", losses[RNG.integers(0, len(losses), len(losses))])
        for _ in range(4_000)
    ]
    assert metric_error("rmse", losses) == pytest.approx(np.std(resampled), rel=0.1)


def test_a_window_as_good_as_promised_seldom_passes_for_worse():
    policy = PerformanceThresholds(tolerance=0.0, spreads=0.0, false_alarm_rate=0.01)
    alarms = 0
    for _ in range(1_000):
        promise = promise_of("log_loss", [period(0.4, 500)])
        window = period(0.4, 300)
        limit = promise.limit(policy, metric_error("log_loss", window))
        alarms += metric_value("log_loss", window) > limit
    assert alarms <= 25


@given(
    st.floats(0.01, 10.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 1.0),
    st.floats(0.0, 0.5),
    st.floats(0.0, 3.0),
)
def test_the_limit_is_never_below_the_tolerance_and_grows_with_each_doubt(
    value, spread, error, tolerance, spreads
):
    policy = PerformanceThresholds(tolerance=tolerance, spreads=spreads)
    promise = Promise("log_loss", value, 100, 0.01, spread, (value, value))
    limit = promise.limit(policy, error)
    assert limit >= promise.tolerated(policy) >= value
    assert promise.limit(policy, error + 0.1) >= limit
    wider = Promise("log_loss", value, 100, 0.01, spread + 0.1, (value, value))
    assert wider.limit(policy, error) >= limit


def test_no_rows_promise_nothing():
    with pytest.raises(DataRejected, match="no rows to promise log_loss on"):
        promise_of("log_loss", [np.empty(0)])
