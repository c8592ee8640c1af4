"""Texts, ids and row numbers among the features are named; everything else is left alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.column_advice import column_advice

ROWS = 1_000
RNG = np.random.default_rng(0)
TARGET = pd.Series([0, 1] * (ROWS // 2))


def advise(values: object, **roles) -> list[str]:
    frame = pd.DataFrame({"x": values, "y": TARGET})
    return [gate.reason for gate in column_advice(frame, Columns(target="y", **roles))]


def test_a_text_is_named_with_its_numbers_and_what_to_do():
    gates = column_advice(
        pd.DataFrame({"note": [f"call {i % 990}" for i in range(ROWS)], "y": TARGET}),
        Columns(target="y"),
    )
    assert [gate.reason for gate in gates] == [
        "column 'note' has 990 different texts in 1,000 rows: text or an id; list it in "
        "columns.ignored, or, if it is right, in columns.categorical"
    ]
    assert not gates[0].blocks


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.arange(ROWS) + 7, "counts 1,000 rows from 7 to 1006: a row number or an id"),
        (RNG.permutation(ROWS), "counts 1,000 rows from 0 to 999"),
        ([f"shop-{k}" for k in RNG.integers(0, 5_000, ROWS)], "different texts in 1,000 rows"),
        ([None if i % 2 else f"t{i}" for i in range(ROWS)], "has 500 different texts in 500 rows"),
    ],
)
def test_ids_and_categories_that_do_not_repeat_are_named(values, said):
    (reason,) = advise(values)
    assert said in reason


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=ROWS),
        RNG.integers(0, 10**9, ROWS),
        RNG.choice(["a", "b"], ROWS),
        [f"shop-{i % 400}" for i in range(ROWS)],
        [None] * ROWS,
        pd.date_range("2026-01-01", periods=ROWS, freq="min", tz="UTC"),
        [None if i >= 50 else f"t{i}" for i in range(ROWS)],
        [i % 2 == 0 for i in range(ROWS)],
    ],
)
def test_other_columns_are_left_alone(values):
    assert advise(values) == []


def test_roles_are_believed():
    texts = [f"t{i}" for i in range(ROWS)]
    for role in ({"ignored": ["x"]}, {"id": "x"}, {"categorical": ["x"]}):
        assert advise(texts, **role) == []


@given(st.lists(st.none() | st.integers() | st.floats() | st.text() | st.booleans(), max_size=300))
def test_any_values_get_advice_that_never_blocks(values):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object), "y": 0})
    assert not any(gate.blocks for gate in column_advice(frame, Columns(target="y")))
