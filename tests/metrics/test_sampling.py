"""Rows that weigh more, or belong together, count so in metrics and intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.bootstrap import paired_difference
from prefect_mlops.metrics.losses import metric_value, scores
from prefect_mlops.metrics.sampling import Sampling

SETTINGS = {"confidence": 0.9, "resamples": 400, "seed": 0}
TIMES = arrays(int, 15, elements=st.integers(0, 4)).filter(lambda times: times.sum() > 0)


@given(arrays(float, 15, elements=st.floats(0, 9)), TIMES)
def test_integer_weights_of_losses_are_repeated_rows(losses, times):
    for metric in ("log_loss", "rmse"):
        weighted = metric_value(metric, losses, times.astype(float))
        assert weighted == pytest.approx(metric_value(metric, np.repeat(losses, times)), abs=1e-12)


@given(
    arrays(float, 15, elements=st.floats(0.01, 0.99)),
    arrays(bool, 15).filter(lambda positive: 0 < positive.sum() < 15),
    arrays(int, 15, elements=st.integers(1, 4)),
)
def test_integer_weights_of_scores_are_repeated_rows(said, positive, times):
    truth, probabilities = np.where(positive, "yes", "no"), np.column_stack([1 - said, said])
    names = ["no", "yes"]
    repeated = scores("binary", np.repeat(truth, times), np.repeat(probabilities, times, 0), names)
    weighted = scores("binary", truth, probabilities, names, weights=times.astype(float))
    assert weighted == pytest.approx(repeated, abs=1e-9)
    numbers = scores("regression", np.repeat(positive, times), np.repeat(said, times))
    alike = scores("regression", positive, said, weights=times.astype(float))
    assert alike == pytest.approx(numbers, abs=1e-9)


@given(arrays(float, (2, 15), elements=st.floats(0, 9)), TIMES)
def test_the_improvement_of_integer_weights_is_that_of_repeated_rows(losses, times):
    before, after = losses
    sampling = Sampling(weights=times.astype(float))
    for metric in ("brier", "rmse"):
        weighted = paired_difference(metric, before, after, **SETTINGS, sampling=sampling).value
        repeated = metric_value(metric, np.repeat(before, times)) - metric_value(
            metric, np.repeat(after, times)
        )
        assert weighted == pytest.approx(repeated, abs=1e-9)


def test_equal_weights_and_groups_of_one_change_little():
    rng = np.random.default_rng(0)
    before, after = rng.uniform(0, 2, 400), rng.uniform(0, 1, 400)
    plain = paired_difference("brier", before, after, **SETTINGS)
    alike = Sampling(weights=np.full(400, 2.5), groups=np.arange(400).astype(str))
    found = paired_difference("brier", before, after, **SETTINGS, sampling=alike)
    assert found == pytest.approx(plain, abs=0.02)


def test_repeated_rows_of_one_group_are_no_more_evidence():
    rng = np.random.default_rng(0)
    before, after = rng.uniform(0, 2, 60), rng.uniform(0, 1.8, 60)
    once = paired_difference("brier", before, after, **SETTINGS)
    groups = np.repeat(np.arange(60), 20)
    many = [np.repeat(losses, 20) for losses in (before, after)]
    grouped = paired_difference("brier", *many, **SETTINGS, sampling=Sampling(groups=groups))
    naive = paired_difference("brier", *many, **SETTINGS)
    width = once.high - once.low
    assert grouped.high - grouped.low == pytest.approx(width, rel=0.15)
    assert naive.high - naive.low < 0.3 * width


def test_by_groups_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = {"grouped": 0, "rows": 0}
    for _ in range(200):
        groups = np.repeat(np.arange(40), rng.integers(1, 20, 40))
        # What candidate and champion differ by is the customer's, true mean 0.
        difference = rng.normal(0, 1, 40)[groups] + rng.normal(0, 0.3, len(groups))
        before, after = 5 + difference, np.full(len(groups), 5.0)
        for name, sampling in {"grouped": Sampling(groups=groups), "rows": None}.items():
            found = paired_difference("mae", before, after, **SETTINGS, sampling=sampling)
            covered[name] += found.low <= 0 <= found.high
    assert covered["grouped"] / 200 > 0.83
    assert covered["rows"] / 200 < 0.6


def test_one_group_says_nothing_about_chance():
    found = paired_difference(
        "mae", np.ones(9), np.zeros(9), **SETTINGS, sampling=Sampling(groups=np.zeros(9))
    )
    assert found == (1.0, -np.inf, np.inf)


def test_rows_that_count_nothing_make_no_metric():
    with pytest.raises(DataRejected, match="weights of all 2 rows are 0"):
        metric_value("mae", np.ones(2), np.zeros(2))


def test_a_part_keeps_its_own_weights_and_groups():
    found = Sampling(np.array([1.0, 2.0, 3.0]), np.array(["a", "b", "b"])).take(np.array([1, 2]))
    assert (found.weights.tolist(), found.clusters) == ([2.0, 3.0], 1)
    assert Sampling().take(np.array([0])).plain
