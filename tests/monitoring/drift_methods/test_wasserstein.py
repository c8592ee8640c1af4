"""Numbers: the distance to a profile is exact, and its threshold is what chance explains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.wasserstein import Wasserstein
from scipy.stats import wasserstein_distance

METHOD = Wasserstein()
RNG = np.random.default_rng(11)
POPULATIONS = {
    "normal": RNG.normal(size=100_000),
    "skewed": RNG.lognormal(size=100_000),
    "steps": RNG.integers(0, 5, 100_000).astype(float),
}


def pair_of(before, after) -> ColumnPair:
    return ColumnPair.of(pd.Series(before), pd.Series(after), "number")


def threshold(before, rows: int, alpha: float) -> float:
    return METHOD.null_threshold(pair_of(before, np.zeros(rows)), alpha)


def test_distances_to_the_profile_are_exact_ones():
    rng = np.random.default_rng(3)
    before, after = rng.normal(size=20_000), rng.normal(0.3, 1.2, 700)
    pair = pair_of(before, after)
    profile = pair.profile
    low, high = profile.low, profile.high
    exact = wasserstein_distance(np.clip(before, low, high), np.clip(after, low, high))
    assert METHOD.score(pair) == pytest.approx(exact / profile.std, abs=1e-3)


@pytest.mark.parametrize("name", POPULATIONS)
def test_chance_exceeds_the_threshold_about_as_often_as_asked(name):
    rng = np.random.default_rng(0)
    beyond = 0
    for _ in range(300):
        before = rng.choice(POPULATIONS[name], 3_000)
        pair = pair_of(before, rng.choice(POPULATIONS[name], 400))
        beyond += METHOD.score(pair) > METHOD.null_threshold(pair, 0.05)
    assert 0.02 < beyond / 300 < 0.10


def test_smaller_windows_get_wider_thresholds():
    limits = [threshold(POPULATIONS["normal"], rows, 0.001) for rows in (100, 400, 1_600, 100_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] / limits[1] == pytest.approx(2.0, rel=0.1)


def test_a_small_reference_widens_thresholds_too():
    small, large = POPULATIONS["normal"][:300], POPULATIONS["normal"]
    assert threshold(small, 5_000, 0.01) > 2 * threshold(large, 5_000, 0.01)
