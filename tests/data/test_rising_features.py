"""A feature that only rises is recognised, with a little noise, and others are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.rising_features import only_rises

RNG = np.random.default_rng(0)


@given(st.floats(0.001, 1e6), st.floats(-1e9, 1e9), st.integers(50, 400))
def test_a_counter_rises_whatever_its_unit_and_origin(step, origin, rows):
    assert only_rises(origin + step * np.arange(rows))
    assert not only_rises(origin - step * np.arange(rows))


@pytest.mark.parametrize(
    "values",
    [
        np.repeat(np.arange(60.0), 5),
        np.where(np.arange(200) % 3 == 0, np.nan, np.arange(200.0)),
        np.r_[np.arange(150.0), 148.5, np.arange(150.0, 300.0)],
    ],
    ids=["steps", "with gaps", "one small fall"],
)
def test_steps_gaps_and_a_small_fall_are_no_matter(values):
    assert only_rises(values)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(49.0),
        np.repeat(np.arange(19.0), 10),
        RNG.normal(size=500),
        np.cumsum(RNG.normal(size=500)),
        np.r_[np.arange(200.0), np.arange(100.0, 300.0)],
        np.full(100, np.nan),
    ],
    ids=["few rows", "few values", "noise", "random walk", "starts over", "nothing"],
)
def test_others_do_not(values):
    assert not only_rises(values)
