"""Every row is in one named group, numbers in intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.slice_values import group_values, slice_values


def test_the_same_value_is_one_slice_whatever_its_type():
    assert slice_values(pd.Series([1, 1.0, None, " 1"], dtype=object)).tolist() == [
        "1",
        "1",
        "missing",
        "1",
    ]


def test_an_upper_edge_is_in_the_group_below_it():
    found = group_values(pd.Series([18.0, 25, 26, 60, 61, np.nan]), [25, 60])
    assert found.tolist() == ["<= 25", "<= 25", "25 to 60", "25 to 60", "> 60", "missing"]


def test_codes_are_groups_as_they_are_and_many_numbers_are_cut_at_quantiles():
    assert set(group_values(pd.Series([0, 1] * 50))) == {"0", "1"}
    found = pd.Series(group_values(pd.Series(range(100)))).value_counts()
    assert found.to_dict() == {"<= 24": 25, "24 to 49": 25, "49 to 74": 25, "> 74": 25}


def test_dates_are_cut_at_quantiles_too():
    born = pd.Series(pd.date_range("1950-01-01", periods=40, freq="YS", tz="UTC"))
    born[0] = pd.NaT
    found = pd.Series(group_values(born)).value_counts()
    assert found["missing"] == 1
    assert len(found) == 5
    assert any(name.startswith("<= 1960-01-01") for name in found.index)


@given(st.lists(st.floats(-1e6, 1e6) | st.none(), min_size=12, max_size=60), st.integers(2, 6))
def test_every_row_is_in_a_group(numbers, quantiles):
    values = pd.Series(numbers, dtype=float)
    found = group_values(values, None, quantiles)
    assert len(found) == len(values)
    assert ((found == "missing") == values.isna().to_numpy()).all()
