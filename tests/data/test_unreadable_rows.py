"""A column in another form is refused, a few odd values are not."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import ScoringSettings
from prefect_mlops.data.schema import conform
from prefect_mlops.data.unreadable_rows import count_unreadable, refuse_unreadable

FEATURE_TYPES = {"x": "number", "b": "boolean", "m": "datetime", "c": "category"}
GOOD = {"x": 1.5, "b": True, "m": "2026-01-31T12:00:00Z", "c": "a"}


def refuse(frame, hidden=(), **settings):
    conformed, coerced = conform(frame, FEATURE_TYPES)
    refuse_unreadable(
        frame,
        conformed,
        coerced,
        feature_types=FEATURE_TYPES,
        settings=ScoringSettings(**settings),
        hidden=hidden,
    )


def rows(column, values):
    frame = pd.DataFrame({name: [value] * len(values) for name, value in GOOD.items()})
    return frame.assign(**{column: pd.Series(values, dtype=object)})


@pytest.mark.parametrize(
    ("column", "bad", "expected"),
    [
        ("x", "1,5", "such as '1,5': expected finite numbers with a decimal point"),
        ("x", np.inf, "such as inf: expected finite numbers"),
        ("b", "maybe", "such as 'maybe': expected true or false, or 1 or 0"),
        ("m", "soon", "such as 'soon': expected ISO 8601 moments"),
    ],
)
def test_a_column_in_another_form_is_refused_with_what_is_expected(column, bad, expected):
    frame = rows(column, [bad] * 20 + [GOOD[column]] * 20 + [None] * 40)
    with pytest.raises(DataRejected, match=expected) as caught:
        refuse(frame)
    assert f"column {column!r} has 20 of 40 values" in str(caught.value)
    assert caught.value.column == column


def test_what_is_redacted_is_not_quoted():
    with pytest.raises(DataRejected) as caught:
        refuse(rows("x", ["secret"] * 20), hidden={"x"})
    assert "secret" not in str(caught.value)


@given(
    bad=st.integers(0, 40),
    good=st.integers(0, 40),
    maximum=st.floats(0, 1),
    minimum=st.integers(1, 40),
)
def test_it_takes_both_a_share_and_a_number(bad, good, maximum, minimum):
    frame = rows("x", ["?"] * bad + [1.0] * good + [None])
    too_many = bad >= minimum and bad > maximum * (bad + good)
    if too_many:
        with pytest.raises(DataRejected, match=f"has {bad} of {bad + good} values"):
            refuse(frame, maximum_unreadable=maximum, minimum_unreadable=minimum)
    else:
        refuse(frame, maximum_unreadable=maximum, minimum_unreadable=minimum)


def test_infinities_and_texts_are_counted_together():
    _, coerced = conform(rows("x", ["?", np.inf, 1.0]), FEATURE_TYPES)
    assert count_unreadable(coerced) == {"x": 2}
