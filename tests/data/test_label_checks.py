"""Labels that are none of what a model predicts are refused, however the others are typed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.data.label_checks import finite_numbers, refuse_new_classes


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["yes", "no"], ["no", "yes"]),
        ([1.0, 0.0, 1.0], [0, 1]),
        ([True, False], [0, 1]),
        (["1", "0"], [False, True]),
        ([], ["no", "yes"]),
    ],
)
def test_known_classes_pass_however_they_are_typed(labels, classes):
    series = pd.Series(labels, name="y", dtype=object)
    refuse_new_classes(series, classes)
    with pytest.raises(DataRejected, match=rf"has 1 of {len(labels) + 1} labels of classes"):
        refuse_new_classes(pd.concat([series, pd.Series(["strange"], name="y")]), classes)


def test_other_classes_are_named_with_their_number():
    labels = pd.Series(["yes", "maybe", "maybe", "no", "?"], name="y")
    with pytest.raises(
        DataRejected, match=r"3 of 5 .*'maybe' \(2\), '\?' \(1\); it knows"
    ) as caught:
        refuse_new_classes(labels, ["no", "yes"])
    assert caught.value.column == "y"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_stay_and_their_texts_become_them(numbers):
    series = pd.Series(numbers, name="y", dtype=float)
    assert finite_numbers(series).tolist() == numbers
    assert finite_numbers(series.map(repr).astype(object)).tolist() == pytest.approx(numbers)


@pytest.mark.parametrize(
    "bad", ["1,5", "", "nan", "inf", np.inf, -np.inf, pd.Timestamp("2026-01-01")]
)
def test_what_is_no_finite_number_is_refused(bad):
    labels = pd.Series([1.5, bad], name="y", dtype=object)
    with pytest.raises(DataRejected, match="1 of 2 labels that are no finite numbers"):
        finite_numbers(labels)


def test_moments_are_no_numbers():
    with pytest.raises(DataRejected, match="2 of 2 labels"):
        finite_numbers(pd.Series(pd.date_range("2026-01-01", periods=2), name="y"))
