"""An id is one text, whatever type its column came back with."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.identifiers import earlier_texts, id_text


@pytest.mark.parametrize(
    "value",
    [
        *(1000, 1000.0, np.int64(1000), np.uint64(1000), np.float32(1000)),
        *(Decimal("1000"), Decimal("1E+3")),
        *("1000", "1000.0", " 1000 ", "1000.00\n", np.str_("1000")),
    ],
)
def test_a_whole_number_is_one_id_however_it_is_typed(value):
    assert id_text(value) == "1000"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("007", "007"),
        ("007.0", "007.0"),
        (" 7 ", "7"),
        (2**63 + 1, "9223372036854775809"),
        (Decimal(2**63 + 1), "9223372036854775809"),
        (-5.0, "-5"),
        (-0.0, "0"),
        ("-0.0", "0"),
        (1000.5, "1000.5"),
        (Decimal("1000.50"), "1000.5"),
        ("1000.5", "1000.5"),
        ("1.0.0", "1.0.0"),
        ("1e3", "1e3"),
        ("a b", "a b"),
        (True, "True"),
        (Decimal("Infinity"), "Infinity"),
        (pd.Timestamp("2026-01-01"), "2026-01-01 00:00:00"),
    ],
)
def test_other_ids_keep_what_tells_them_apart(value, text):
    assert id_text(value) == text


@given(st.integers(-(2**53), 2**53))
def test_numbers_that_became_floats_or_text_are_the_same_id(number):
    assert {id_text(v) for v in (number, float(number), str(number), f"{number}.0")} == {
        str(number)
    }


@given(st.integers() | st.text() | st.floats(allow_nan=False) | st.decimals(allow_nan=False))
def test_a_text_stays_what_it_is(value):
    text = id_text(value)
    assert id_text(text) == text or isinstance(value, str)
    assert text not in earlier_texts(value)


@given(st.text())
def test_bringing_a_text_to_one_again_changes_nothing(text):
    assert id_text(id_text(text)) == id_text(text)


def test_earlier_texts_are_those_that_were_logged():
    assert earlier_texts(1000.0) == ["1000.0"]
    assert earlier_texts(np.int64(7)) == ["7.0"]
    assert earlier_texts(" 7 ") == [" 7 ", "7.0"]
    assert earlier_texts("007") == []
    assert earlier_texts("a") == []
