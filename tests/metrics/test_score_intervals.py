"""Intervals of every metric of a report, from rows with counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.losses import scores
from prefect_mlops.metrics.sampling import Sampling
from prefect_mlops.metrics.score_intervals import _counted, score_intervals


def answers(rows: int, classes: int, seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, rows)
    values = rng.random((rows, classes)).round(1) + np.eye(classes)[truth] * 0.3
    return truth, values / values.sum(axis=1, keepdims=True)


@given(st.integers(20, 60), st.integers(2, 4), st.integers(0, 1_000))
def test_metrics_from_counts_are_those_of_the_rows_written_out(rows, classes, seed):
    truth, values = answers(rows, classes, seed)
    counts = np.random.default_rng(seed).integers(0, 4, rows)
    # Every class is there, so that every metric is defined.
    counts[[np.flatnonzero(truth == name)[0] for name in np.unique(truth)]] += 1
    names = np.arange(classes)
    found = _counted("multiclass", truth, values, names)(counts.astype(float))
    task = "binary" if classes == 2 else "multiclass"
    written_out = scores(task, truth.repeat(counts), values.repeat(counts, axis=0), names)
    for name, value in written_out.items():
        assert found[name] == pytest.approx(value, abs=1e-9), name


@given(st.integers(5, 40), st.integers(0, 1_000))
def test_metrics_of_numbers_from_counts_are_those_of_the_rows_written_out(rows, seed):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=rows)
    values = truth + rng.normal(size=rows)
    counts = rng.integers(1, 4, rows)
    found = _counted("regression", truth, values, None)(counts.astype(float))
    written_out = scores("regression", truth.repeat(counts), values.repeat(counts))
    assert found == pytest.approx(written_out)


def test_nine_in_ten_intervals_hold_the_truth():
    # Labels that are drawn with the predicted probabilities: the log loss of ever more rows is known.
    chances = np.linspace(0.05, 0.95, 19)
    expected = float(-(chances * np.log(chances) + (1 - chances) * np.log(1 - chances)).mean())
    held = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        chance = rng.choice(chances, 400)
        truth = (rng.random(400) < chance).astype(int)
        values = np.column_stack([1 - chance, chance])
        found = score_intervals("binary", truth, values, [0, 1], resamples=200, seed=seed)
        held += found["log_loss"].low <= expected <= found["log_loss"].high
    assert 82 <= held <= 97


def test_a_metric_lies_in_its_interval_and_the_same_seed_gives_the_same():
    truth, values = answers(300, 2, 1)
    found = score_intervals("binary", truth, values, [0, 1], resamples=300, seed=3)
    assert set(found) == set(scores("binary", truth, values, [0, 1]))
    assert all(part.low < part.value < part.high for part in found.values())
    assert found == score_intervals("binary", truth, values, [0, 1], resamples=300, seed=3)


def test_a_label_that_the_model_has_no_class_for_counts_as_wrong():
    truth = np.array(["a", "b", "c"] * 20)
    values = np.tile([[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]], (20, 1))
    found = score_intervals("binary", truth, values, ["a", "b"], resamples=200)
    assert found["accuracy"].value == pytest.approx(2 / 3)
    assert found["accuracy"].low < 2 / 3 < found["accuracy"].high
    assert "roc_auc" not in found


def test_one_row_says_nothing_about_spread():
    found = score_intervals("regression", [1.0], [2.0])
    assert (found["mae"].value, found["mae"].low, found["mae"].high) == (1.0, -np.inf, np.inf)


def test_no_rows_are_refused():
    with pytest.raises(DataRejected, match="no rows"):
        score_intervals("regression", [], [])


def test_weights_count_as_that_many_rows():
    truth, values = answers(300, 3, 2)
    weights = np.random.default_rng(0).integers(0, 5, 300)
    weighted = score_intervals(
        "multiclass", truth, values, [0, 1, 2], sampling=Sampling(weights.astype(float))
    )
    repeated = scores("multiclass", truth.repeat(weights), values.repeat(weights, axis=0), range(3))
    assert {name: part.value for name, part in weighted.items()} == pytest.approx(repeated)
    assert all(part.low < part.value < part.high for part in weighted.values())


def test_rows_that_all_weigh_nothing_are_refused():
    with pytest.raises(DataRejected, match="nothing counts"):
        score_intervals("regression", [1.0, 2.0], [1.0, 1.0], sampling=Sampling(np.zeros(2)))


def test_rows_written_twice_as_one_group_tell_no_more_than_once():
    truth, values = answers(200, 2, 3)
    options = {"resamples": 2_000, "seed": 1}
    once = score_intervals("binary", truth, values, [0, 1], **options)
    groups = np.repeat(np.arange(200), 2).astype(str)
    twice = score_intervals(
        "binary",
        truth.repeat(2),
        values.repeat(2, axis=0),
        [0, 1],
        sampling=Sampling(groups=groups),
        **options,
    )
    for name, part in once.items():
        assert twice[name].value == pytest.approx(part.value)
        assert twice[name].high - twice[name].low == pytest.approx(part.high - part.low, rel=0.1)


def test_one_group_says_nothing_about_spread():
    one = Sampling(groups=np.array(["a", "a", "a"]))
    found = score_intervals("regression", [1.0, 2.0, 3.0], [1.0, 2.0, 4.0], sampling=one)
    assert (found["mae"].low, found["mae"].high) == (-np.inf, np.inf)


def test_metrics_of_labels_are_of_those_that_are_decided_on():
    truth, values = answers(200, 2, 4)
    decided = np.ones(200, dtype=int)
    found = score_intervals("binary", truth, values, [0, 1], decided=decided, resamples=200)
    assert found["accuracy"].value == pytest.approx(truth.mean())
    assert found["accuracy"].low < truth.mean() < found["accuracy"].high
    assert found["error_rate"].high == pytest.approx(1 - found["accuracy"].low)
    assert (
        found["roc_auc"]
        == score_intervals("binary", truth, values, [0, 1], resamples=200)["roc_auc"]
    )
