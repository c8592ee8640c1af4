"""A foreign model is given its columns as it was trained on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from prefect_mlops.data.schema import conform, infer_feature_types
from prefect_mlops.models.seen_types import dtype_names, with_dtypes

COLUMNS = {
    "int64": st.integers(-(2**40), 2**40),
    "int8": st.integers(-100, 100),
    "Int64": st.one_of(st.none(), st.integers(-1_000, 1_000)),
    "float32": st.one_of(st.just(np.nan), st.floats(-1e6, 1e6, width=32)),
    "bool": st.booleans(),
    "category": st.one_of(st.none(), st.sampled_from(["a", "b", "c d"])),
}


@given(st.data(), st.integers(1, 12))
def test_what_production_conforms_comes_back_as_it_was(data, rows):
    frame = pd.DataFrame(
        {
            name: pd.Series(data.draw(st.lists(values, min_size=rows, max_size=rows)), dtype=name)
            for name, values in COLUMNS.items()
        }
    )
    types = infer_feature_types(frame, list(frame), ["category"])
    back = with_dtypes(conform(frame, types)[0], dtype_names(frame))
    assert_frame_equal(back, frame, check_categorical=False, check_dtype=True)


def test_categories_that_look_like_numbers_are_numbers_for_the_model():
    frame = pd.DataFrame({"code": [3, 7, 3], "group": pd.Categorical([1, 2, 1])})
    types = infer_feature_types(frame, ["code", "group"], ["code", "group"])
    conformed, _ = conform(frame, types)
    assert conformed["code"].tolist() == ["3", "7", "3"]
    back = with_dtypes(conformed, dtype_names(frame))
    assert back["code"].dtype == np.int64
    assert back["group"].cat.categories.dtype == np.int64


def test_a_moment_is_given_in_its_own_zone():
    moments = pd.date_range("2026-03-29", periods=3, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"at": moments})
    back = with_dtypes(conform(frame, {"at": "datetime"})[0], dtype_names(frame))
    assert back["at"].tolist() == moments.tolist()
    assert str(back["at"].dt.tz) == "Europe/Berlin"


@pytest.mark.parametrize("value", [np.nan, 1.5])
def test_a_number_that_its_type_cannot_hold_stays_as_it_is(value):
    rows = pd.DataFrame({"children": [1.0, value]})
    assert with_dtypes(rows, {"children": "int64"})["children"].tolist()[0] == 1.0
    assert with_dtypes(rows, {"children": "int64"})["children"].dtype == np.float64
