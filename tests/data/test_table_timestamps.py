from datetime import UTC, datetime, timedelta, timezone

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.data.table_timestamps import (
    MOMENT,
    between,
    in_order,
    with_formats,
    with_moments,
)

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
             "2026-01-31 12:00:00 UTC", " 2026-01-31T12:00Z ", "20260131T120000Z", "20260131T1200Z",
             "20260131T140000+0200", "20260131T140000.000+02", "2026-01-31T12Z", "2026-01-31t12:00:00z"],
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
        (pa.array(["20260403T101500"]), "no time zone, first value 20260403T101500: append"),
        (pa.array(["2026-04"]), "no time zone, first value 2026-04:"),
        (pa.array(["now"]), "no moments, first 'now'"),
        (pa.array(["9999-12-31T00:00Z"]), "first '9999-12-31T00:00Z': .* between 1678 and 2261"),
        (
            pa.array([datetime(9999, 12, 31)], pa.timestamp("us", "UTC")),
            "1 moments that no data frame",
        ),
        (
            pa.array([datetime(9999, 12, 31)], pa.timestamp("s", "UTC")),
            "first 9999-12-31 00:00:00Z",
        ),
        (pa.array([datetime(1, 1, 1)], pa.timestamp("ms", "UTC")), "first 0001-01-01"),
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


def test_a_declared_format_is_read_whatever_the_column_holds():
    table = pa.table(
        {
            "text": ["03/04/2026", " 13/04/2026", None],
            "number": [20260403, None, 20260413],
            "moment": pa.array([datetime(2026, 4, 3)] * 3, pa.timestamp("us")),
        }
    )
    formats = {"text": "%d/%m/%Y", "number": "%Y%m%d", "moment": "%d", "gone": "%d"}
    read = with_formats(table, formats)
    third, thirteenth = (datetime(2026, 4, day, tzinfo=UTC) for day in (3, 13))
    assert read["text"].to_pylist() == [third, thirteenth, None]
    assert read["number"].to_pylist() == [third, None, thirteenth]
    assert read["moment"].equals(table["moment"])
    assert read.schema.field("text").type == MOMENT


def test_what_is_not_of_the_declared_format_stays_as_it_is():
    table = pa.table({"t": ["03/04/2026", "soon", "2026-04-13", "31/02/2026", None]})
    read = with_formats(table, {"t": "%d/%m/%Y"})["t"].to_pylist()
    assert read == [
        *("2026-04-03T00:00:00+00:00", "soon", "2026-04-13T00:00:00+00:00", "31/02/2026", None)
    ]
