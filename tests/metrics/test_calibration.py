"""The calibration error: against its definition, against chance, and against models that are off by a known amount."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.calibration import calibration_error, reliability, two_sided
from sklearn.calibration import calibration_curve


def judge(probabilities, truth, bins=10, resamples=200, seed=0):
    return reliability(
        np.asarray(probabilities, dtype=float),
        np.asarray(truth, dtype=float),
        bins=bins,
        confidence=0.95,
        resamples=resamples,
        seed=seed,
    )


def drawn(rows, seed, off=0.0):
    rng = np.random.default_rng(seed)
    chances = rng.beta(2, 2, rows)
    truth = rng.random(rows) < chances
    return np.clip(chances + off, 0, 1), truth.astype(float)


def test_bins_are_those_of_scikit_learn():
    probabilities, truth = drawn(2_000, 0)
    found = judge(probabilities, truth)
    came, said = calibration_curve(truth, probabilities, n_bins=10, strategy="quantile")
    assert found.said == pytest.approx(said, abs=2e-3)
    assert found.came == pytest.approx(came, abs=0.02)


@settings(max_examples=30)
@given(st.integers(1, 500), st.integers(0, 1_000), st.integers(2, 30))
def test_it_is_a_mean_distance_over_rows(rows, seed, bins):
    probabilities, truth = drawn(rows, seed)
    found = judge(probabilities, truth, bins=bins, resamples=100)
    assert 0 <= found.error <= 1
    assert found.rows.sum() == rows
    assert found.said @ found.rows == pytest.approx(probabilities.sum())
    assert found.came @ found.rows == pytest.approx(truth.sum())


def test_a_calibrated_model_is_called_so_nineteen_times_in_twenty():
    found = [judge(*drawn(300, seed), seed=seed) for seed in range(200)]
    beyond = np.mean([one.error > one.chance for one in found])
    # Three standard errors of a share of 200.
    assert beyond == pytest.approx(0.05, abs=0.047)
    assert np.mean([one.p_value < 0.05 for one in found]) == pytest.approx(0.05, abs=0.047)
    assert np.std([one.spiegelhalter for one in found]) == pytest.approx(1.0, abs=0.2)


def test_a_model_that_is_off_by_ten_points_is_off_by_ten_points():
    found = judge(*drawn(20_000, 0, off=0.1))
    assert found.error == pytest.approx(0.1, abs=0.01)
    assert found.error > found.chance and found.p_value < 0.01


def test_two_sure_answers_have_no_z():
    found = judge([0.0] * 50 + [1.0] * 50, [0] * 50 + [1] * 50)
    assert (found.error, found.p_value) == (0.0, 1.0)
    assert np.isnan(found.spiegelhalter) and np.isnan(two_sided(found.spiegelhalter))


@pytest.mark.parametrize(
    ("probabilities", "words"), [([], "no rows"), ([1.2], "not between"), ([np.nan], "not between")]
)
def test_what_is_no_probability_is_refused(probabilities, words):
    with pytest.raises(DataRejected, match=words):
        judge(probabilities, [1] * len(probabilities))


def announced(count=20_000, factor=1.0):
    rng = np.random.default_rng(0)
    chance = rng.uniform(0, 1, count)
    truth = np.where(rng.random(count) < chance, "yes", "no")
    said = 0.5 + factor * (chance - 0.5)
    return truth, np.column_stack([1 - said, said])


def test_right_probabilities_have_next_to_none():
    assert calibration_error(*announced(), ["no", "yes"]) < 0.01


def test_timid_probabilities_are_off_by_what_they_hold_back():
    # The mean of half of |chance - 0.5| for a chance between 0 and 1.
    assert calibration_error(*announced(factor=0.5), ["no", "yes"]) == pytest.approx(
        0.125, abs=0.01
    )


def test_of_several_classes_the_most_probable_one_counts():
    probabilities = np.tile([0.6, 0.3, 0.1], (10, 1))
    truth = ["a"] * 5 + ["b"] * 5
    assert calibration_error(truth, probabilities, ["a", "b", "c"], bins=1) == pytest.approx(0.1)


@given(
    arrays(float, 12, elements=st.floats(0, 1)),
    arrays(bool, 12),
    arrays(int, 12, elements=st.integers(1, 4)),
)
def test_integer_weights_are_repeated_rows(said, positive, times):
    truth, probabilities = np.where(positive, "yes", "no"), np.column_stack([1 - said, said])
    repeated = calibration_error(
        np.repeat(truth, times), np.repeat(probabilities, times, 0), ["no", "yes"], bins=1
    )
    weighted = calibration_error(truth, probabilities, ["no", "yes"], times.astype(float), bins=1)
    assert weighted == pytest.approx(repeated, abs=1e-12)


def test_nothing_has_no_error():
    with pytest.raises(DataRejected, match="no rows"):
        calibration_error([], np.empty((0, 2)), ["no", "yes"])


def test_the_order_of_rows_changes_nothing():
    said, came = np.repeat([0.25, 0.5, 0.75], 200), np.tile([0.0, 1.0], 300)
    found = judge(said, came)
    in_order = np.lexsort((came, said))
    again = judge(said[in_order], came[in_order])
    assert again.error == pytest.approx(found.error) == pytest.approx(1 / 6)
    assert again.said.tolist() == [0.25, 0.5, 0.75]


@given(
    arrays(float, 60, elements=st.floats(0, 1)),
    arrays(bool, 60),
    arrays(int, 60, elements=st.integers(1, 4)),
)
def test_weights_are_repeated_rows_in_everything_but_how_rows_are_parted(said, came, times):
    came = came.astype(float)
    weighted = reliability(
        said,
        came,
        bins=1,
        confidence=0.95,
        resamples=50,
        seed=0,
        weights=times.astype(float),
    )
    repeated = judge(np.repeat(said, times), np.repeat(came, times), bins=1, resamples=50)
    assert weighted.error == pytest.approx(repeated.error, abs=1e-12)
    assert weighted.rows.tolist() == repeated.rows.tolist()
