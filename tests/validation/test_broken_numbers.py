"""Broken numbers are found, and drifted ones are let through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.validation.broken_numbers import (
    filler_value,
    flipped_signs,
    is_usual_filler,
    stuck_value,
    swapped_columns,
)

KNOWN = np.random.default_rng(0).normal(50.0, 10.0, 1_000)
NEW = np.random.default_rng(1).normal(50.0, 10.0, 400)


@pytest.mark.parametrize("value", [-1.0, -9.0, -99.0, -999.0, 999.0, 9999.0, -999.99, 2.0**31 - 1])
def test_usual_fillers_are_known(value):
    assert is_usual_filler(value)


@pytest.mark.parametrize("value", [0.0, 1.0, 42.0, 99.0, 998.0, -98.0])
def test_ordinary_numbers_are_no_fillers(value):
    assert not is_usual_filler(value)


@pytest.mark.parametrize("value", [-999.0, 9999.0, -1.0, 1e9])
def test_a_filler_among_ordinary_rows_is_found_with_its_rows(value):
    hit = np.arange(len(NEW)) % 20 == 3
    found = filler_value(np.abs(KNOWN), np.where(hit, value, NEW))
    assert found is not None
    assert found[0] == value
    assert found[1].tolist() == np.flatnonzero(hit).tolist()


def test_two_rows_and_a_value_that_was_known_are_no_filler():
    assert filler_value(KNOWN, np.r_[NEW, -999.0, -999.0]) is None
    assert filler_value(np.r_[KNOWN, [999.0] * 50], np.r_[NEW, [999.0] * 50]) is None


@given(st.floats(-500, 500))
def test_a_level_that_moved_is_no_filler(shift):
    assert filler_value(KNOWN, NEW + shift) is None


def test_a_stuck_value_is_found_with_its_run():
    found = stuck_value(KNOWN, np.r_[NEW[:100], np.full(60, 51.5), NEW[100:]])
    assert found is not None
    assert (found[0], found[1].tolist()) == (51.5, list(range(100, 160)))


def test_a_short_run_and_columns_that_hold_one_value_for_long_are_not_stuck():
    assert stuck_value(KNOWN, np.r_[NEW, np.full(29, 51.5)]) is None
    flags = (np.arange(1_000) % 2).astype(float)
    assert stuck_value(flags, np.ones(300)) is None
    mostly = np.where(np.arange(1_000) % 10 == 0, KNOWN, 0.0)
    assert stuck_value(mostly, np.zeros(300)) is None


def test_swapped_columns_are_found_in_the_rows_where_they_are():
    rng = np.random.default_rng(2)
    known = {"a": rng.normal(size=2_000), "b": rng.normal(8.0, 3.0, 2_000)}
    new = {"a": rng.normal(size=800), "b": rng.normal(8.0, 3.0, 800)}
    assert swapped_columns(known, new) == []
    late = np.arange(800) >= 400
    broken = {
        "a": np.where(late, new["b"], new["a"]),
        "b": np.where(late, new["a"], new["b"]),
    }
    ((one, two, rows),) = swapped_columns(known, broken)
    assert (one, two) == ("a", "b")
    assert rows.tolist() == list(range(400, 800))


def test_columns_that_moved_are_not_swapped():
    rng = np.random.default_rng(3)
    known = {"a": rng.normal(size=2_000), "b": rng.normal(8.0, 3.0, 2_000)}
    new = {"a": rng.normal(4.0, 1.0, 800), "b": rng.normal(12.0, 3.0, 800)}
    assert swapped_columns(known, new) == []


def test_a_flipped_sign_is_found_by_its_correlations():
    rng = np.random.default_rng(4)

    def table(rows):
        base = rng.normal(size=rows)
        return {name: base + rng.normal(size=rows) for name in "abc"}

    known, new = table(1_500), table(600)
    assert flipped_signs(known, new, {}) == []
    assert flipped_signs(known, {**new, "b": -new["b"]}, {}) == ["b"]
    # A correlation that vanished is a world that changed.
    assert flipped_signs(known, {**new, "b": rng.normal(size=600)}, {}) == []
