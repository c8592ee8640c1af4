from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.tables import (
    MOMENT,
    between,
    in_order,
    plain,
    refuse_repeated,
    table_of,
    with_moments,
)

ZONES = st.sampled_from([timezone(timedelta(minutes=m)) for m in (-300, 0, 60, 345)])
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=ZONES)


def test_repeated_columns_are_named():
    refuse_repeated(["a", "b"])
    with pytest.raises(DataRejected, match=r"\['a'\] appear more than once"):
        refuse_repeated(["a", "b", "a"])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], pa.int64()),
        ([1, None], pa.float64()),
        ([1, 2.5], pa.float64()),
        ([2**70, 1], pa.float64()),
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


@given(st.lists(MOMENTS, min_size=1, max_size=10))
def test_text_and_timestamps_of_any_zone_become_the_same_moments(moments):
    expected = [moment.astimezone(UTC) for moment in moments]
    for values in (
        pa.array([moment.isoformat() for moment in moments]),
        pa.array([moment.isoformat(sep=" ") for moment in moments]),
        pa.array(expected, pa.timestamp("us", "Asia/Kathmandu")),
    ):
        read = with_moments(pa.table({"t": values}), "t")
        assert read.schema.field("t").type == MOMENT
        assert [moment.astimezone(UTC) for moment in read["t"].to_pylist()] == expected


@pytest.mark.parametrize(
    "text", ["2026-01-31T12:00:00Z", "2026-01-31 12:00:00+00", "2026-01-31T13:00:00.000+0100",
             "2026-01-31 12:00:00 UTC", " 2026-01-31T12:00Z "],
)  # fmt: skip
def test_the_usual_ways_to_write_a_moment_are_read(text):
    read = with_moments(pa.table({"t": [text]}), "t")
    assert read["t"].to_pylist() == [datetime(2026, 1, 31, 12, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (pa.array(["2026-01-31T12:00:00Z", "2026-01-31 12:00:00"]), "2026-01-31 12:00:00: append"),
        (pa.array(["2026-01-31"]), "no time zone, first value 2026-01-31"),
        (pa.array(pd.date_range("2026-01-31", periods=2)), "no time zone, first value 2026-01-31"),
        (pa.array([datetime(2026, 1, 1).date()]), "no time zone"),
        (pa.array(["2026-01-31T12:00:00Z", "soon"]), "1 values that are no moments, first 'soon'"),
        (pa.array(["31/01/2026 12:00Z"]), "no moments"),
        (pa.array([1767225600]), "holds int64"),
        (pa.array(["2026-01-31T12:00:00Z", None]), "empty in 1 rows"),
    ],
)
def test_moments_nobody_can_place_are_refused(values, complaint):
    with pytest.raises(DataRejected, match=complaint) as caught:
        with_moments(pa.table({"t": values}), "t")
    assert caught.value.column == "t"


def test_no_rows_have_no_moments():
    assert with_moments(pa.table({"t": pa.array([], pa.string())}), "t").schema.types == [MOMENT]


def test_a_window_holds_its_start_and_not_its_end():
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(5)]
    table = pa.table({"t": pa.array(hours, MOMENT)})
    assert between(table, "t", hours[1], hours[3])["t"].to_pylist() == hours[1:3]
    assert between(table, "t", end=hours[1]).num_rows == 1
    assert between(table, "t").num_rows == 5


@given(st.lists(st.integers(0, 5), max_size=20))
def test_rows_of_one_moment_keep_their_order(seconds):
    base = datetime(2026, 1, 1, tzinfo=UTC)
    table = pa.table(
        {
            "t": pa.array([base + timedelta(seconds=s) for s in seconds], MOMENT),
            "row": pa.array(range(len(seconds)), pa.int64()),
        }
    )
    expected = sorted(range(len(seconds)), key=lambda row: seconds[row])
    assert in_order(table, "t")["row"].to_pylist() == expected
