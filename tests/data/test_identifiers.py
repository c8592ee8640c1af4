from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.identifiers import earlier_texts, id_text, id_texts, is_missing


class Kind(StrEnum):
    CALL = "call"


ONE_THOUSAND = [
    1000,
    1000.0,
    np.int64(1000),
    np.uint64(1000),
    np.float32(1000),
    np.float64(1000),
    Decimal(1000),
    Decimal("1000.00"),
    Decimal("1E+3"),
    "1000",
    "1000.0",
    " 1000 ",
    np.str_("1000"),
]


@pytest.mark.parametrize("value", ONE_THOUSAND, ids=lambda v: f"{type(v).__name__} {v}")
def test_one_id_is_one_text_however_it_was_typed(value):
    assert id_text(value) == "1000"
    assert type(id_text(value)) is str


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        ("007.0", "007.0"),
        ("1000.00", "1000.00"),
        ("1.0.0", "1.0.0"),
        (" 7 ", "7"),
        (1000.5, "1000.5"),
        (Decimal("1000.50"), "1000.5"),
        (-0.0, "0"),
        ("-3.0", "-3"),
        (True, "True"),
        (Kind.CALL, "call"),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_what_is_another_id_stays_another(value, text):
    assert id_text(value) == text


@given(st.integers())
def test_whole_numbers_of_any_size_keep_every_digit(number):
    assert id_text(number) == str(number)
    assert id_text(Decimal(number)) == str(number)
    assert id_text(f"{number}.0") == str(number)


@given(st.integers(-(2**53), 2**53))
def test_a_column_that_became_floats_keeps_its_ids(number):
    assert id_text(float(number)) == id_text(np.float64(number)) == str(number)
    assert id_text(str(float(number))) == str(number) or "e" in str(float(number))


@given(
    st.one_of(
        st.text(),
        st.integers(),
        st.floats(),
        st.decimals(allow_nan=True, min_value=-(10**30), max_value=10**30),
        st.booleans(),
    )
)
def test_the_text_of_a_text_is_itself(value):
    assert id_text(id_text(value)) == id_text(value)


def test_missing_ids_are_none_and_keep_their_place():
    found = id_texts(pd.Series([1.0, None, 3.0], index=[5, 6, 7], name="id"))
    assert found.tolist() == ["1", None, "3"]
    assert (found.index.tolist(), found.name) == ([5, 6, 7], "id")
    for value in (None, np.nan, pd.NaT, pd.NA, Decimal("NaN"), "", "  "):
        assert is_missing(value)
    assert not any(map(is_missing, (0, 0.0, "0", "nan", False, Decimal(0))))


def test_earlier_texts_are_those_that_were_logged():
    assert earlier_texts(1000.0) == ["1000.0"]
    assert earlier_texts(np.int64(7)) == ["7.0"]
    assert earlier_texts(" 7 ") == [" 7 ", "7.0"]
    assert earlier_texts("007") == []
    assert earlier_texts("a") == []
