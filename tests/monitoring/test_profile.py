"""The reference keeps what windows are compared with, and survives a round trip to disk."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.monitoring.profile import CategoryProfile, NumberProfile, block_means, profile_of


@settings(deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80),
    st.integers(1, 60),
)
def test_block_means_keep_the_mean_and_the_order(values, blocks):
    ordered = np.sort(np.array(values))
    means = block_means(ordered, blocks)
    assert means.mean() == pytest.approx(ordered.mean(), abs=1e-6 * (1 + np.abs(ordered).max()))
    assert np.all(np.diff(means) >= -1e-6 * (1 + np.abs(ordered).max()))


def test_as_many_blocks_as_values_are_the_values():
    values = np.sort(np.random.default_rng(1).normal(1.7e9, 3.0, 500))
    assert np.allclose(block_means(values, 500), values, rtol=0, atol=1e-5)


def test_outliers_do_not_reach_the_profile():
    values = pd.Series(np.random.default_rng(0).normal(size=5_000))
    values.iloc[0] = 1e9
    profile = profile_of(values, "number")
    assert isinstance(profile, NumberProfile)
    assert profile.high < 10
    assert profile.std == pytest.approx(1.0, abs=0.05)
    assert len(profile.blocks) == 2_048


@pytest.mark.parametrize("values", [[5.0] * 9, [np.nan] * 9, [1e308, -1e308] * 3])
def test_numbers_without_a_measurable_spread_are_constant(values):
    assert profile_of(pd.Series(values), "number").constant


def test_rare_categories_are_pooled_and_expected_news_estimated():
    values = pd.Series([f"c{i:05d}" for i in range(1_500)] + ["often"] * 500)
    profile = profile_of(values, "category")
    assert isinstance(profile, CategoryProfile)
    assert len(profile.shares) == 1_000
    assert sum(profile.shares.values()) + profile.rest == pytest.approx(1.0)
    assert profile.unseen == pytest.approx(1_500 / 2_000)
