"""A model sees the rows that `conform` would make; what is not of a column's kind is refused."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.data.schema import conform
from prefect_mlops.serving.input_frame import input_frame

NUMBERS = st.none() | st.floats() | st.integers(-(2**70), 2**70)
# pandas reads offsets of whole minutes only.
OFFSETS = st.none() | st.integers(-1439, 1439).map(lambda m: timezone(timedelta(minutes=m)))
MOMENTS = st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1), timezones=OFFSETS)
VALUES = {
    "number": NUMBERS,
    "boolean": st.none() | st.booleans() | st.sampled_from([0, 1, 0.0, 1.0, math.nan]),
    "category": st.none() | st.text() | st.booleans() | NUMBERS,
    "datetime": st.none() | st.builds(datetime.isoformat, MOMENTS),
}


@given(
    st.data(), st.integers(1, 4), st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5)
)
def test_a_model_sees_what_conform_would_make(data, rows, feature_types):
    feature_types = {f"c{position}": kind for position, kind in enumerate(feature_types)}
    columns = {
        name: data.draw(st.lists(VALUES[kind], min_size=rows, max_size=rows))
        for name, kind in feature_types.items()
    }
    objects = {name: pd.Series(values, dtype=object) for name, values in columns.items()}
    expected, _ = conform(pd.DataFrame(objects), feature_types)
    pd.testing.assert_frame_equal(input_frame(columns, feature_types).frame, expected)


def test_rows_are_logged_as_they_were_sent_and_moments_as_such():
    columns = {
        "at": ["2026-01-01T12:00:00+01:00", "2026-01-01"],
        "age": [41, 41.5],
        "job": ["student", None],
        "new": [True, 0],
        "other": [1, 2],
    }
    feature_types = {"age": "number", "job": "category", "new": "boolean", "at": "datetime"}
    assert input_frame(columns, feature_types, other=["other"]).features == [
        {"age": 41, "job": "student", "new": True, "at": datetime(2026, 1, 1, 11, tzinfo=UTC)},
        {"age": 41.5, "job": None, "new": 0, "at": datetime(2026, 1, 1, tzinfo=UTC)},
    ]


@pytest.mark.parametrize(
    ("kind", "value", "message"),
    [
        ("number", "41", "row 1 is text, expected a number"),
        ("number", True, "row 1 is a boolean, expected a number"),
        ("number", [1], "row 1 is a list"),
        ("boolean", 2, "row 1 is a number, expected a boolean"),
        ("boolean", "yes", "row 1 is text, expected a boolean"),
        ("category", {"a": 1}, "row 1 is an object, expected text"),
        ("datetime", 1_700_000_000, "row 1 is a number, expected ISO 8601"),
        ("datetime", "yesterday", "row 1 is text, expected ISO 8601"),
        ("datetime", "10:00", "row 1 is text, expected ISO 8601"),
        ("datetime", "1600-01-01", "row 1 is text, expected ISO 8601"),
        ("datetime", "0001-01-01T00:00:00+14:00", "row 1 is text, expected ISO 8601"),
    ],
)
def test_a_value_of_another_kind_is_refused(kind, value, message):
    with pytest.raises(DataRejected, match=message) as caught:
        input_frame({"c": [None, value]}, {"c": kind})
    assert caught.value.column == "c"


def test_missing_columns_are_named_with_what_was_expected():
    with pytest.raises(DataRejected) as caught:
        input_frame({"c": [1]}, {"c": "number", "age": "number", "job": "category"})
    assert str(caught.value).startswith(
        "column 'age' is missing: a number (FP64, or an integer datatype), column 'job' is missing: text"
    )
    assert caught.value.column == "age"


def test_an_unknown_column_is_refused_with_the_nearest_name():
    feature_types = {"age": "number"}
    with pytest.raises(DataRejected, match="'agee' is unknown to the model; did you mean 'age'"):
        input_frame({"age": [1], "agee": [1]}, feature_types)
    with pytest.raises(DataRejected, match=r"'zip' is unknown to the model; it expects \['age'\]"):
        input_frame({"age": [1], "zip": [1]}, feature_types)
    assert list(input_frame({"age": [1], "zip": [1]}, feature_types, other=None).frame) == ["age"]
