"""How values are written down and which column type they come back in."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.storage.codec import (
    decode,
    encode,
    from_microseconds,
    python_scalar,
    to_microseconds,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-3, minutes=-30))))
    | st.datetimes()
    | st.dates()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.recursive(
        st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_a_value_comes_back_as_it_was_and_its_text_is_ascii(value):
    text = encode(value)
    assert text.isascii()
    assert "\x00" not in text
    found = decode(text)
    assert type(found) is type(value)
    assert found == value
    if isinstance(value, float):
        assert math.copysign(1, found) == math.copysign(1, value)


def test_the_encoding_is_the_documented_one():
    values = [
        math.nan,
        -math.inf,
        True,
        NOON,
        NOON.date(),
        None,
        2**70,
        Decimal("1.20"),
        b"\0",
        "é",
    ]
    assert encode(values) == (
        '[NaN,-Infinity,true,{"datetime":"2026-01-31T12:00:00+00:00"},{"date":"2026-01-31"},null,'
        '1180591620717411303424,{"decimal":"1.20"},{"bytes":"AA=="},"\\u00e9"]'
    )
    assert encode({"a.b": {"$c": (1, 2)}}) == '{"mapping":[["a.b",{"mapping":[["$c",[1,2]]]}]]}'


@pytest.mark.parametrize("value", [object(), {1: {2}}, [1j], timedelta(1)])
def test_what_cannot_be_logged_is_refused(value):
    with pytest.raises(TypeError, match="cannot be logged: expected"):
        encode(value)


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact(moment):
    assert (
        datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=to_microseconds(moment)) == moment
    )
    assert from_microseconds(to_microseconds(moment)) == moment


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
        (np.array([1, 2]), [1, 2]),
        (NOON, NOON),
        (None, None),
    ],
)
def test_scalars_of_numpy_and_pandas_become_pythons(value, expected):
    found = python_scalar(value)
    assert type(found) is type(expected)
    assert found == expected
    assert decode(encode(value)) == expected
