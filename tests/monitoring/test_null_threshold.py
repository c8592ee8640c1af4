"""Thresholds follow what chance alone explains, at the window's own size."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.monitoring.null_threshold import chance_of_rise, upper_quantile
from scipy import stats


def test_a_share_of_zero_leaves_room_for_chance():
    assert 0 < chance_of_rise(0.0, 500, 2_000, 0.001) < 0.02
    assert chance_of_rise(0.3, 500, 2_000, 0.001) > chance_of_rise(0.3, 5_000, 2_000, 0.001)


@pytest.mark.parametrize("alpha", [0.2, 0.1, 0.05, 0.01, 0.001])
def test_the_fitted_tail_is_that_of_a_normals_distances(alpha):
    rng = np.random.default_rng(0)
    found = [upper_quantile(np.abs(rng.normal(size=1_000)), alpha) for _ in range(50)]
    assert np.mean(found) == pytest.approx(stats.norm.isf(alpha / 2), rel=0.05)


def test_distances_that_are_all_the_same_have_themselves_as_quantile():
    assert upper_quantile(np.full(1_000, 0.3), 0.001) == pytest.approx(0.3)
