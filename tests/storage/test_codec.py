"""How values are written down and which column type they come back in."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.storage.codec import column_of, decode, encode, microseconds, plain

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30))))
    | st.datetimes()
)
def test_a_scalar_comes_back_as_it_was_and_its_text_is_ascii(value):
    text = encode(value)
    assert text.isascii()
    assert "\x00" not in text
    found = decode(text)
    assert type(found) is type(value)
    assert found == value
    if isinstance(value, float):
        assert math.copysign(1, found) == math.copysign(1, value)


def test_the_encoding_is_the_documented_one():
    values = {"a.b": math.nan, "$c": -math.inf, "é": True, "t": NOON, "n": None}
    assert encode(values) == (
        '{"a.b":NaN,"$c":-Infinity,"\\u00e9":true,'
        '"t":{"datetime":"2026-01-31T12:00:00+00:00"},"n":null}'
    )


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment):
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(moment)) == moment


@pytest.mark.parametrize(
    ("values", "type_", "expected"),
    [
        ([None, None], pa.null(), [None, None]),
        ([True, None], pa.bool_(), [True, None]),
        ([1, None, -5], pa.int64(), [1, None, -5]),
        ([1, True], pa.int64(), [1, 1]),
        ([1, 0.5, None, False], pa.float64(), [1.0, 0.5, None, 0.0]),
        ([2**63, 1], pa.float64(), [2.0**63, 1.0]),
        ([10**400, -(10**400), 0.5], pa.float64(), [math.inf, -math.inf, 0.5]),
        ([2**62 + 1, 0.5], pa.float64(), [2.0**62, 0.5]),
        (["a", None], pa.string(), ["a", None]),
        (["1", 1, 1.0, True], pa.string(), ["1", "1", "1.0", "True"]),
        (["2026-01-31T12:00:00"], pa.string(), ["2026-01-31T12:00:00"]),
        ([NOON, None], pa.timestamp("us", "UTC"), [NOON, None]),
        ([NOON.replace(tzinfo=None)], pa.timestamp("us"), [NOON.replace(tzinfo=None)]),
        (
            [NOON, NOON.replace(tzinfo=None)],
            pa.string(),
            ["2026-01-31 12:00:00+00:00", "2026-01-31 12:00:00"],
        ),
        ([NOON, 1], pa.string(), ["2026-01-31 12:00:00+00:00", "1"]),
        (["\ud800", "b"], pa.string(), ["?", "b"]),
    ],
)
def test_a_column_takes_the_narrowest_type_that_holds_it(values, type_, expected):
    column = column_of(json.loads(f"[{','.join(map(encode, values))}]"))
    assert column.type == type_
    assert column.to_pylist() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(2), 2),
        (np.uint8(2), 2),
        (np.bool_(True), True),
        (np.float32(0.5), 0.5),
        (np.str_("x"), "x"),
        (np.datetime64("2026-01-31T12:00", "ns"), datetime(2026, 1, 31, 12)),
        (np.datetime64("NaT"), None),
        (pd.Timestamp("2026-01-31 12:00", tz="UTC"), NOON),
        (pd.NaT, None),
        (pd.NA, None),
        (NOON, NOON),
        (None, None),
    ],
)
def test_scalars_of_numpy_and_pandas_become_pythons(value, expected):
    found = plain(value)
    assert type(found) is type(expected)
    assert found == expected
    assert decode(encode(value)) == expected
