from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.data.timestamps import parse_timestamps

ZONES = st.sampled_from([None, *(timezone(timedelta(minutes=m)) for m in (-300, 0, 60, 345))])


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
            ZONES,
            st.sampled_from(["T", " ", "moment"]),
        )
    )
)
def test_moments_with_and_without_a_zone_do_not_change_each_other(found):
    moments = [moment.replace(tzinfo=zone) for moment, zone, _ in found]
    values = [
        moment if form == "moment" else moment.isoformat(sep=form)
        for moment, (_, _, form) in zip(moments, found, strict=True)
    ]
    expected = [m.replace(tzinfo=m.tzinfo or UTC).astimezone(UTC) for m in moments]
    read = parse_timestamps(pd.Series(values, dtype=object, index=[7] * len(values)))
    assert [moment.to_pydatetime() for moment in read] == expected
    assert str(read.dtype) == "datetime64[ns, UTC]"


@pytest.mark.parametrize(
    "value",
    [
        20260403,
        1.7e9,
        np.int64(20260403),
        True,
        Decimal(1),
        "03/04/2026",
        "now",
        "today",
        "",
        "1 May",
    ],
)
def test_what_says_no_moment_for_sure_is_none(value):
    assert parse_timestamps(pd.Series([value, "2026-04-03"], dtype=object)).isna().tolist() == [
        True,
        False,
    ]
    assert parse_timestamps(pd.Series([value])).isna().all()


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Kathmandu"])
def test_moments_that_nanoseconds_cannot_hold_are_none(unit, zone):
    stored = np.array(["9999-12-31", "0001-01-01", "2026-04-03", "NaT"], f"datetime64[{unit}]")
    values = pd.Series(stored).dt.tz_localize("UTC")
    values = values.dt.tz_convert(zone) if zone else values.dt.tz_localize(None)
    assert parse_timestamps(values).isna().tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    "value",
    [datetime(9999, 12, 31), date(9999, 12, 31), datetime(9999, 12, 31, tzinfo=UTC), "9999-12-31"],
)
def test_so_are_those_of_objects_and_text(value):
    assert parse_timestamps(pd.Series([value], dtype=object)).isna().all()


def test_a_declared_format_decides_what_iso_does_not():
    values = pd.Series(["03/04/2026", "13/04/2026", "2026-04-05", "04/13/2026"])
    read = parse_timestamps(values, "%d/%m/%Y")
    assert read.dt.day.tolist()[:3] == [3, 13, 5]
    assert read.isna().tolist() == [False, False, False, True]
