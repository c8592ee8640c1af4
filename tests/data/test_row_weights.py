"""Weights and groups that mean nothing are refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.row_weights import (
    groups_of,
    refuse_few_groups,
    refuse_straddling,
    weights_of,
)

COLUMNS = Columns(target="y", weight="w", group="g")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1.0, None], "'w' is no finite number in 1 of 2 rows, for example 'nan'"),
        ([1.0, np.inf], "no finite number .* 'inf'"),
        (["1", "much"], "no finite number .* 'much'"),
        ([1.0, -2.0], "'w' is negative in 1 of 2 rows, for example '-2.0'"),
        ([0, 0], "'w' is 0 in all 2 rows"),
    ],
)
def test_weights_that_are_none_are_refused(values, said):
    with pytest.raises(DataRejected, match=said):
        weights_of(pd.DataFrame({"w": values}), COLUMNS)


def test_a_role_that_no_column_has_is_refused_by_name():
    frame = pd.DataFrame({"x": [1]})
    with pytest.raises(DataRejected, match="weight column 'w' is missing; found \\['x'\\]"):
        weights_of(frame, COLUMNS)
    with pytest.raises(DataRejected, match=r"group column 'g' is missing.*columns\.group"):
        groups_of(frame, COLUMNS)


def test_groups_are_the_same_text_whatever_their_type():
    assert groups_of(pd.DataFrame({"g": [1, 2]}), COLUMNS).tolist() == ["1", "2"]
    assert groups_of(pd.DataFrame({"g": [1.0, "2"]}), COLUMNS).tolist() == ["1", "2"]
    with pytest.raises(DataRejected, match="'g' is empty in 1 of 2 rows"):
        groups_of(pd.DataFrame({"g": ["a", None]}), COLUMNS)


def test_without_roles_rows_count_the_same_and_stand_for_themselves():
    frame = pd.DataFrame({"x": [1]})
    assert weights_of(frame, Columns(target="y")) is None
    assert groups_of(frame, Columns(target="y")) is None


def test_few_groups_and_shared_ones_are_refused():
    with pytest.raises(DataRejected, match="rows held out are of 2 groups of 'g', and 20"):
        refuse_few_groups(np.array(["a", "b", "a"]), "g", "rows held out")
    refuse_few_groups(np.arange(20).astype(str), "g", "rows held out")
    one, other = pd.DataFrame({"g": ["a", "b"]}), pd.DataFrame({"g": ["b", "c"]})
    with pytest.raises(DataRejected, match=r"1 groups of 'g' .* such as \['b'\]"):
        refuse_straddling(one, other, COLUMNS)
    refuse_straddling(one, other[1:], COLUMNS)


@pytest.mark.parametrize(
    "roles", [{"weight": "y"}, {"group": "w", "weight": "w"}, {"features": ["w"], "weight": "w"}]
)
def test_a_weight_or_group_has_no_other_role(roles):
    with pytest.raises(ValueError, match="give it one role"):
        Columns(target="y", **roles)


def test_weight_and_group_are_no_features():
    assert COLUMNS.feature_names(["x", "w", "g", "y"]) == ["x"]
    assert "weight" not in Columns(target="y").model_dump()
