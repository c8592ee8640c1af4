"""Thresholds by resampling are what chance exceeds about as often as asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.resampling import resampled_threshold
from scipy.stats import chi2_contingency, wasserstein_distance


def wasserstein(pair: ColumnPair) -> float:
    return float(wasserstein_distance(pair.sample, pair.values))


def cramers_v(pair: ColumnPair) -> float:
    counts = pd.concat([pair.sample.value_counts(), pair.values.value_counts()], axis=1).fillna(0)
    found = chi2_contingency(counts, correction=False)
    return float(np.sqrt(found.statistic / counts.to_numpy().sum()))


@pytest.mark.parametrize(
    ("score", "kind"),
    [(wasserstein, "number"), pytest.param(cramers_v, "category", marks=pytest.mark.slow)],
)
def test_chance_exceeds_the_threshold_about_as_often_as_asked(score, kind):
    rng, trials, beyond = np.random.default_rng(0), 120, 0
    for _ in range(trials):
        columns = [pd.Series(rng.poisson(3, rows).astype(float)) for rows in (1_500, 300)]
        pair = ColumnPair.of(*(c if kind == "number" else c.astype(str) for c in columns), kind)
        beyond += score(pair) > resampled_threshold(score, pair, 0.05, resamples=100)
    assert 0.01 <= beyond / trials <= 0.1


def test_the_same_pair_has_the_same_threshold():
    rng = np.random.default_rng(1)
    pair = ColumnPair.of(pd.Series(rng.normal(size=400)), pd.Series(rng.normal(size=90)), "number")
    first, again = (resampled_threshold(wasserstein, pair, 0.01, resamples=50) for _ in range(2))
    assert first == again > 0


def test_without_a_sample_nothing_is_beyond_chance():
    pair = ColumnPair.of(pd.Series([np.nan] * 3), pd.Series([1.0]), "number")
    assert resampled_threshold(wasserstein, pair, 0.01) == np.inf
