"""Ratios over parts of rows with their resamples, and the largest difference between any two."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.bootstrap import metric_interval
from prefect_mlops.metrics.resampled_ratios import largest_difference, resampled_ratios
from prefect_mlops.metrics.sampling import Sampling


def groups_of(count, rows):
    return np.repeat(np.eye(count), rows, axis=0)


def test_the_mean_of_all_rows_has_the_interval_of_the_bootstrap():
    losses = np.random.default_rng(0).exponential(size=800)
    ones = np.ones((800, 1))
    found = resampled_ratios(losses[:, None], ones, resamples=4_000, seed=0)
    known = metric_interval("mae", losses, confidence=0.9, resamples=4_000, seed=1)
    assert found.values[0] == pytest.approx(known.value)
    assert np.quantile(found.drawn, [0.05, 0.95]) == pytest.approx(
        [known.low, known.high], rel=0.01
    )
    assert found.rooted().values[0] == pytest.approx(np.sqrt(known.value))


def test_rows_of_a_group_are_drawn_together_and_weights_count():
    rng = np.random.default_rng(0)
    who = np.repeat(np.arange(40), 25)
    losses = np.repeat(rng.exponential(size=40), 25)[:, None]
    ones = np.ones_like(losses)
    alone = resampled_ratios(losses, ones, resamples=500, seed=0)
    together = resampled_ratios(losses, ones, sampling=Sampling(groups=who), resamples=500, seed=0)
    assert together.drawn.std() > 4 * alone.drawn.std()
    weights = rng.uniform(1, 5, 1_000)
    weighted = resampled_ratios(losses, ones, sampling=Sampling(weights), resamples=10, seed=0)
    assert weighted.values[0] == pytest.approx(np.average(losses[:, 0], weights=weights))


def test_of_very_many_rows_neighbours_are_drawn_as_one():
    losses = np.random.default_rng(0).normal(size=(50_001, 1))
    found = resampled_ratios(losses, np.ones_like(losses), resamples=300, seed=0)
    assert found.values[0] == pytest.approx(losses.mean())
    assert found.drawn.std() == pytest.approx(1 / np.sqrt(50_001), rel=0.15)


def test_what_is_in_no_resample_is_not_a_number():
    inside = np.zeros((50, 1))
    found = resampled_ratios(inside, inside, resamples=20, seed=0)
    assert np.isnan(found.values).all()
    assert np.isnan(found.drawn).all()


@pytest.mark.parametrize("rows", [np.ones((0, 1)), np.array([[np.nan]])])
def test_no_rows_and_no_numbers_are_refused(rows):
    with pytest.raises(DataRejected):
        resampled_ratios(rows, rows, resamples=10, seed=0)


def test_ten_groups_that_are_the_same_are_not_found_apart():
    """The largest of 45 differences is about 0.15 by chance alone; percentiles would put its lower bound above 0.1."""
    inside, rng = groups_of(10, 100), np.random.default_rng(0)
    above = 0
    for seed in range(60):
        chosen = (rng.random(1_000) < 0.5).astype(float)[:, None]
        found = resampled_ratios(chosen * inside, inside, resamples=300, seed=seed)
        above += largest_difference([found], confidence=0.9).low > 0
    # At 90% no more than one in ten; 11 of 60 would be seen once in fifty times.
    assert above <= 11


def test_a_difference_that_is_there_is_covered_and_told():
    inside, rng = groups_of(3, 400), np.random.default_rng(1)
    chances = np.repeat([0.2, 0.5, 0.5], 400)
    covered = told = 0
    for seed in range(40):
        chosen = (rng.random(1_200) < chances).astype(float)[:, None]
        found = largest_difference(
            [resampled_ratios(chosen * inside, inside, resamples=300, seed=seed)], confidence=0.9
        )
        covered += found.low <= 0.3 <= found.high
        told += found.low > 0.15
    assert covered >= 34
    assert told >= 36


def test_one_group_has_nothing_to_differ_from():
    found = resampled_ratios(np.ones((5, 1)), np.ones((5, 1)), resamples=10, seed=0)
    with pytest.raises(DataRejected, match="two groups"):
        largest_difference([found], confidence=0.9)
