"""The calibration error is the gap between what is said and what happens."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.metrics.calibration_error import calibration_error


def rows(count=20_000, factor=1.0):
    rng = np.random.default_rng(0)
    chance = rng.uniform(0, 1, count)
    truth = np.where(rng.random(count) < chance, "yes", "no")
    said = 0.5 + factor * (chance - 0.5)
    return truth, np.column_stack([1 - said, said])


def test_right_probabilities_have_next_to_none():
    assert calibration_error(*rows(), ["no", "yes"]) < 0.01


def test_timid_probabilities_are_off_by_what_they_hold_back():
    # The mean of half of |chance - 0.5| for a chance between 0 and 1.
    assert calibration_error(*rows(factor=0.5), ["no", "yes"]) == pytest.approx(0.125, abs=0.01)


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
