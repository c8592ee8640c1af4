from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.table_moments import MOMENT
from prefect_mlops.core.tables import plain, refuse_repeated, table_of


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
