from datetime import datetime

import pyarrow as pa
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.feature_checks import check_features


def check(values, **roles):
    table = pa.table({"c": values})
    return check_features(table, table.to_pandas(), ["c"], Columns(target="y", **roles))


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            ["0,5", "1,25", "3"] * 9,
            "in 18 of 27 rows, numbers with other marks, such as '0,5', '1,25'",
        ),
        (["100,000.5"] * 9, "such as '100,000.5': set decimal and thousands of a CSV source"),
        (["€ 3", "€ 4", None] * 9, "in 18 of 18 rows, .* '€ 3', '€ 4'"),
        (["12 %", "13 %"] * 9, "take currencies and percent signs out at the source"),
        (["12 %", "13 %", "unknown"] * 9, "in 18 of 27 rows, numbers with other marks"),
        (["1", "2", "x"] * 9, "numbers and, in 9 of 27 rows, text such as 'x'"),
    ],
)
def test_numbers_with_something_wrong_are_refused_by_name(values, complaint):
    with pytest.raises(DataRejected, match=complaint) as caught:
        check(values)
    assert caught.value.column == "c"
    assert "columns.categorical" in str(caught.value)
    assert check(values, categorical=["c"]) == []


@pytest.mark.parametrize(
    ("values", "remark"),
    [
        (
            ["01000", "02000"] * 9,
            "column 'c' holds numbers as text, such as '01000': it is a category",
        ),
        (["1", "x", "y"] * 9, "holds text and, in 9 of 27 rows, numbers: it is a category"),
        (
            [f"name {n}" for n in range(60)],
            "holds 60 different texts in 60 rows: it tells rows apart",
        ),
        ([2**60, 1], "whole numbers beyond 2^53, of which a model sees the first 16 digits"),
        (
            [datetime(2026, 4, 3), datetime(9999, 12, 31)],
            "1 moments that no data frame can hold, such as in the year 9999",
        ),
    ],
)
def test_what_may_not_be_what_was_meant_is_said(values, remark):
    (said,) = check(values)
    assert remark in said


@pytest.mark.parametrize(
    "values",
    [
        ["a", "b"] * 30,
        [f"name {n}" for n in range(20)],
        [1, None],
        [0.5, 1.5],
        [True, False],
        [datetime(2026, 4, 3)],
        [None, None],
    ],
)
def test_plain_columns_need_no_remark(values):
    assert check(values) == []


def test_moments_that_are_not_of_the_declared_format_are_refused():
    formats = {"datetime_formats": {"c": "%d/%m/%Y"}}
    moments = ["2026-04-03T00:00:00+00:00", None, "31/02/2026", "soon"]
    with pytest.raises(DataRejected, match="in 2 of 4 rows, values that are no moments") as caught:
        check(moments, **formats)
    assert "such as '31/02/2026', 'soon'" in str(caught.value)
    assert check([datetime(2026, 4, 3)], **formats) == []
