"""Known categories in other words are found, and new categories are let through."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.validation.broken_texts import comes_in_blocks, foreign_texts, spelling

KNOWN = pd.Series(["admin.", "student", "retired"] * 100)


def found(new, known=KNOWN, **options):
    return {what: rows for what, _, rows in foreign_texts(known, pd.Series(new), **options)}


@given(st.text(max_size=20))
def test_case_spaces_and_punctuation_do_not_tell_categories_apart(text):
    assert spelling(f"  {text}.") == spelling(text)
    assert spelling(spelling(text)) == spelling(text)


@pytest.mark.parametrize("value", ["ADMIN.", " admin", "Admin", "admin._"])
def test_another_spelling_is_found_with_its_rows(value):
    rows = found(["student"] * 90 + [value] * 10)["known categories in another spelling"]
    assert rows.tolist() == list(range(90, 100))


def test_codes_instead_of_names_are_found_where_they_begin():
    rows = found(["student"] * 100 + ["1", "2"] * 50)["codes instead of names"]
    assert rows.tolist() == list(range(100, 200))
    numbered = pd.Series(["1", "2", "3"] * 100)
    assert found(["4"] * 20 + ["1"] * 80, numbered) == {}


def test_mostly_unknown_categories_are_broken_and_a_few_new_ones_are_not():
    assert list(found(["nurse"] * 60 + ["student"] * 40)) == ["unknown categories"]
    assert found(["nurse"] * 40 + ["student"] * 60) == {}
    assert found(["student"] * 100) == {}
    assert found([None] * 100) == {}


def test_where_categories_come_in_blocks_a_new_block_is_no_break():
    months = pd.Series(np.repeat(["may", "june", "july"], 100))
    assert list(found(["august"] * 100, months)) == ["unknown categories"]
    assert found(["august"] * 100, months, ordered=True) == {}
    assert list(found(["august"] * 100, ordered=True)) == ["unknown categories"]


def test_blocks_are_told_from_shuffled_categories():
    assert comes_in_blocks(pd.Series(np.repeat(list("abcdef"), 40)))
    shuffled = np.random.default_rng(0).permutation(np.repeat(list("abcdef"), 40))
    assert not comes_in_blocks(pd.Series(shuffled))
    assert not comes_in_blocks(pd.Series(["a"] * 100))
    assert not comes_in_blocks(pd.Series([], dtype=object))
