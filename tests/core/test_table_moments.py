from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.table_moments import MOMENT, between, in_order, with_formats, with_moments

ZONES = st.sampled_from([timezone(timedelta(minutes=m)) for m in (-300, 0, 60, 345)])
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=ZONES)


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
