"""Thresholds follow what chance alone explains, at the window's own size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.monitoring.drift import distance
from prefect_mlops.monitoring.null_threshold import (
    chance_of_categories,
    chance_of_numbers,
    chance_of_rise,
    jensen_shannon,
)
from prefect_mlops.monitoring.profile import profile_of
from scipy.spatial.distance import jensenshannon

RNG = np.random.default_rng(11)
POPULATIONS = {
    "normal": RNG.normal(size=100_000),
    "skewed": RNG.lognormal(size=100_000),
    "steps": RNG.integers(0, 5, 100_000).astype(float),
}


@pytest.mark.parametrize("name", POPULATIONS)
def test_chance_exceeds_the_threshold_about_as_often_as_asked(name):
    rng = np.random.default_rng(0)
    beyond = 0
    for _ in range(300):
        profile = profile_of(pd.Series(rng.choice(POPULATIONS[name], 3_000)), "number")
        window = rng.choice(POPULATIONS[name], 400)
        beyond += distance(profile, window) > chance_of_numbers(profile, len(window), 0.05)
    assert 0.02 < beyond / 300 < 0.10


def test_chance_exceeds_the_threshold_of_categories_about_as_often_as_asked():
    rng = np.random.default_rng(0)
    names = np.array([f"c{i}" for i in range(30)])
    beyond = 0
    for _ in range(150):
        profile = profile_of(pd.Series(rng.choice(names, 3_000)), "category")
        window = pd.Series(rng.choice(names, 400))
        beyond += distance(profile, window) > chance_of_categories(profile, len(window), 0.05)
    assert 0.01 < beyond / 150 < 0.10


def test_smaller_windows_get_wider_thresholds():
    profile = profile_of(pd.Series(POPULATIONS["normal"]), "number")
    limits = [chance_of_numbers(profile, rows, 0.001) for rows in (100, 400, 1_600, 100_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] / limits[1] == pytest.approx(2.0, rel=0.1)


def test_a_small_reference_widens_thresholds_too():
    small = profile_of(pd.Series(POPULATIONS["normal"][:300]), "number")
    large = profile_of(pd.Series(POPULATIONS["normal"]), "number")
    assert chance_of_numbers(small, 5_000, 0.01) > 2 * chance_of_numbers(large, 5_000, 0.01)


def test_a_share_of_zero_leaves_room_for_chance():
    assert 0 < chance_of_rise(0.0, 500, 2_000, 0.001) < 0.02
    assert chance_of_rise(0.3, 500, 2_000, 0.001) > chance_of_rise(0.3, 5_000, 2_000, 0.001)


def test_jensen_shannon_is_scipys():
    rng = np.random.default_rng(2)
    before, after = rng.dirichlet(np.ones(6), 2)
    after[2] = 0.0
    after /= after.sum()
    assert jensen_shannon(before, after) == pytest.approx(jensenshannon(before, after))
