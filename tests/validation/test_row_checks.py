"""Rows that cannot be trained on are refused with the column at fault."""

from __future__ import annotations

import pyarrow as pa
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns, DataSettings
from prefect_mlops.validation.row_checks import check_rows

ROWS = {
    "id": [f"r{i}" for i in range(300)],
    "size": [i % 17 / 3 for i in range(300)],
    "y": ["no", "yes"] * 150,
}


def check(rows=ROWS, minimum=100, **columns):
    roles = Columns(**{"target": "y", "id": "id", **columns})
    settings = DataSettings(minimum_rows=minimum)
    return check_rows(
        pa.table(rows), "calls.csv", columns=roles, task_type="binary", settings=settings
    )


def test_rows_that_can_be_trained_on_are_taken_without_a_remark():
    assert check() == []


@pytest.mark.parametrize(
    ("arguments", "complaint", "column"),
    [
        ({"minimum": 301}, r"gave 300 rows, and training needs 301", None),
        ({"features": ["weight"]}, r"calls.csv has no columns \['weight'\]", "weight"),
        ({"ignored": ["size"]}, "calls.csv has no features", None),
        ({"slices": ["region"]}, r"slices or categorical name \['region'\]", "region"),
        (
            {"rows": {**ROWS, "id": ["a"] * 300}},
            "id column 'id' has 299 duplicates, such as a",
            "id",
        ),
        ({"rows": {**ROWS, "id": [None, *ROWS["id"][1:]]}}, "is empty in 1 of 300 rows", "id"),
        ({"rows": {**ROWS, "y": ["no"] * 300}}, "binary needs exactly two", "y"),
    ],
)
def test_what_stands_in_the_way_is_named(arguments, complaint, column):
    with pytest.raises(DataRejected, match=complaint) as caught:
        check(**arguments)
    assert caught.value.column == column
