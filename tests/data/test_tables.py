from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.table_timestamps import MOMENT
from prefect_mlops.data.tables import plain, refuse_repeated, table_of, with_digits, without_spaces


def test_repeated_columns_are_named():
    refuse_repeated(["a", "b"])
    with pytest.raises(DataRejected, match=r"\['a'\] appear more than once"):
        refuse_repeated(["a", "b", "a"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], pa.int64()),
        ([1, None], pa.int64()),
        ([1, 2.5], pa.float64()),
        ([2**70, 1], pa.decimal256(76, 0)),
        ([2**62 + 1, 2**63 + 1], pa.uint64()),
        ([Decimal(2**53 + 1), None], pa.int64()),
        ([Decimal(1), None], pa.float64()),
        ([10**400, 1], pa.float64()),
        ([10**400, 0.5], pa.float64()),
        ([Decimal("1.50"), Decimal("NaN")], pa.float64()),
        ([True, None], pa.bool_()),
        (["a", None], pa.string()),
        ([None, None], pa.float64()),
        ([datetime(2026, 1, 1, tzinfo=UTC)], MOMENT),
    ],
)
def test_driver_values_become_plain_columns(values, kind):
    assert table_of({"c": values}).schema.field("c").type == kind


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ([{"a": 1}], "holds a dict"),
        ([[1, 2]], "holds a list"),
        ([1, "x"], "mixes number and text, such as 1 and 'x'"),
        ([True, 2], "mixes boolean and number"),
        ([datetime(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)], "without time zone"),
        ([object()], "which no model takes"),
    ],
)
def test_values_no_model_takes_are_refused_by_name(values, complaint):
    with pytest.raises(DataRejected, match=complaint) as caught:
        table_of({"c": values})
    assert caught.value.column == "c"


def test_categories_may_mix_types_and_keep_their_names():
    table = table_of({"c": [1, 2.0, "x", None]}, categorical=["c"])
    assert table["c"].to_pylist() == ["1", "2", "x", None]


def test_dictionaries_decimals_and_nothing_at_all_become_plain():
    table = plain(
        pa.table(
            {
                "d": pa.array(["a", "b", "a"]).dictionary_encode(),
                "m": pa.array([Decimal("1.5"), None, Decimal("2")]),
                "n": pa.nulls(3),
                "l": pa.array(["x", "y", None], pa.large_string()),
            }
        )
    )
    assert [str(t) for t in table.schema.types] == ["string", "double", "double", "string"]
    assert table["m"].to_pylist() == [1.5, None, 2.0]


@pytest.mark.parametrize(
    "values",
    [pa.array([[1]]), pa.array([{"a": 1}]), pa.array([b"x"]), pa.array([b"x"], pa.large_binary())],
)
def test_nested_and_binary_columns_are_refused_by_name(values):
    with pytest.raises(DataRejected, match=r"'c' .* no model takes"):
        plain(pa.table({"c": values}))


LARGE = [2**53, 2**53 + 1, None, 2**62 + 1]


@pytest.mark.parametrize(
    "values",
    [
        pa.array(LARGE),
        pa.array([*LARGE[:3], 2**63 + 1], pa.uint64()),
        pa.array([Decimal(v) if v else None for v in LARGE]),
        pa.array([*LARGE[:3], 2**80 + 1], pa.decimal256(76, 0)),
        pa.array(LARGE).dictionary_encode(),
    ],
    ids=lambda values: str(values.type),
)
@pytest.mark.parametrize("role", ["id", "categorical", "target"])
def test_ids_categories_and_classes_keep_their_digits_beside_a_null(values, role):
    columns = Columns(**{"target": "y", role: ["c"] if role == "categorical" else "c"})
    frame = plain(with_digits(pa.table({"c": values}), columns, "binary")).to_pandas()
    expected = [None if v is None else str(v) for v in values.to_pylist()]
    assert frame["c"].tolist() == expected


@given(st.lists(st.one_of(st.none(), st.integers()), min_size=1))
def test_the_ids_of_a_query_are_exact_whatever_stands_beside_them(values):
    table = table_of({"id": values}, identifier="id")
    columns = Columns(target="y", id="id")
    found = plain(with_digits(table, columns, "binary")).to_pandas()["id"]
    if any(value is not None for value in values):
        assert found.tolist() == [None if value is None else str(value) for value in values]


def test_ids_of_any_type_are_the_same_text():
    columns = Columns(target="y", id="id")
    for values in (
        pa.array([1000, 7]),
        pa.array([1000.0, 7.0]),
        pa.array([Decimal("1000.00"), Decimal("7.00")]),
        pa.array(["1000.0", " 7 "]),
    ):
        table = with_digits(pa.table({"id": values}), columns, "binary")
        assert table["id"].to_pylist() == ["1000", "7"]


def test_small_numbers_stay_numbers_in_every_role_but_the_id():
    table = pa.table({"y": [1, 2], "c": [1, 2], "n": [2**60, 1]})
    columns = Columns(target="y", categorical=["c"])
    assert with_digits(table, columns, "multiclass").schema == table.schema
    large = pa.table({"y": [2**60, 1]})
    assert with_digits(large, columns, "regression").schema == large.schema


def test_spaces_around_text_are_no_part_of_it():
    table = pa.table({"c": [" <=50K", ">50K ", None], "n": [1, 2, 3]})
    assert plain(table)["c"].to_pylist() == ["<=50K", ">50K", None]
    assert without_spaces(table)["c"].to_pylist() == ["<=50K", ">50K", None]
