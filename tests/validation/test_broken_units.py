"""Numbers in another unit are found, and numbers that moved are let through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.validation.broken_units import UNITS, changed_unit

RNG = np.random.default_rng(0)
KNOWN, NEW = RNG.normal(40.0, 8.0, 2_000), RNG.normal(40.0, 8.0, 500)


@given(st.sampled_from(UNITS), st.floats(-1e6, 1e6))
def test_a_unit_that_is_undone_changes_nothing_but_the_number(unit, value):
    one, two = (float(unit.undo(np.array(v))) for v in (value, value + 1.0))
    scale = 1.0 / unit.factor if unit.factor else two - one
    assert two - one == pytest.approx(scale, rel=1e-3, abs=1e-6 * max(abs(one), 1.0))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda v: v * 1_000, "times 1000"),
        (lambda v: v / 100, "divided by 100"),
        (lambda v: v * 60, "times 60"),
        (lambda v: -v, "times -1 (the sign is flipped)"),
        (lambda v: v * 1.8 + 32, "times 1.8 plus 32 (Fahrenheit)"),
    ],
)
def test_a_change_of_unit_is_found_by_its_name(change, name):
    found = changed_unit(KNOWN, change(NEW))
    assert found is not None
    assert found[0].name == name
    assert found[1].tolist() == list(range(500))


def test_a_change_half_way_is_found_where_it_begins():
    found = changed_unit(KNOWN, np.r_[NEW[:250], NEW[250:] * 1_000])
    assert found is not None
    assert found[1].tolist() == list(range(250, 500))


def test_single_rows_in_another_unit_are_found():
    hit = np.arange(500) % 20 == 0
    found = changed_unit(KNOWN, np.where(hit, NEW * 1_000, NEW))
    assert found is not None
    assert found[0].name == "times 1000"
    assert found[1].tolist() == np.flatnonzero(hit).tolist()


@given(st.floats(-200, 200))
def test_numbers_that_moved_are_in_the_same_unit(shift):
    found = changed_unit(KNOWN, NEW + shift)
    # A symmetric column that moved to its mirror image cannot be told from a flipped sign.
    assert found is None or found[0].factor == -1.0


def test_steady_growth_is_no_change_of_unit():
    growth = KNOWN[-1_000:] * np.geomspace(1.0, 12.0, 1_000)
    found = changed_unit(KNOWN, growth)
    assert found is None


def test_few_values_tell_nothing():
    assert changed_unit(KNOWN[:29], NEW * 1_000) is None
    assert changed_unit(np.repeat([1.0, 2.0], 100), np.repeat([1_000.0, 2_000.0], 100)) is None
