"""Latencies are compared at a quantile, with bounds that hold for any distribution."""

from __future__ import annotations

import numpy as np
from prefect_mlops.canary.latency import quantile_bounds


def test_bounds_of_a_quantile_miss_it_as_seldom_as_asked():
    rng, tail, trials = np.random.default_rng(0), 0.05, 2_000
    found = [quantile_bounds(rng.exponential(1, 300), 0.95, tail) for _ in range(trials)]
    truth = -np.log(0.05)
    above = sum(bounds.low > truth for bounds in found) / trials
    below = sum(bounds.high < truth for bounds in found) / trials
    assert 0.02 < above < tail + 0.015
    assert 0.02 < below < tail + 0.015


def test_few_values_have_no_upper_bound():
    found = quantile_bounds(np.arange(20.0), 0.95, 0.05)
    assert (found.value, found.high) == (18.0, np.inf)
