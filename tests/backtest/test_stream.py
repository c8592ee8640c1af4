"""A stream is cut into windows, each with the labels that are known by then."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.backtest.stream import Stream
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns

TIMED = Columns(target="y", timestamp="at")
ORDERED = Columns(target="y", ordered=True)


def hourly(rows: int) -> pd.DataFrame:
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(np.arange(rows), "h")
    return pd.DataFrame({"at": at, "y": np.zeros(rows)})


@given(st.integers(60, 400), st.integers(20, 50), st.integers(0, 100))
def test_windows_follow_each_other_and_cover_all_but_a_short_rest(rows, window_rows, delay):
    stream = Stream(
        hourly(rows),
        TIMED,
        history_rows=rows // 2,
        window_rows=window_rows,
        label_delay=timedelta(hours=delay),
    )
    spans = stream.spans
    assert [span.begin for span in spans] == [
        rows // 2 + number * window_rows for number in range(len(spans))
    ]
    assert all(span.end - span.begin >= window_rows / 2 for span in spans)
    assert rows - spans[-1].end < window_rows / 2
    for span in spans:
        assert span.labelled == max(span.end - delay, 0)
        assert span.window.start < span.window.end


def test_half_of_the_rows_are_history_when_none_is_named():
    assert Stream(hourly(100), TIMED, history_rows=None, window_rows=20).history_rows == 50


def test_rows_without_a_timestamp_get_one_from_the_length_of_a_window():
    stream = Stream(
        hourly(100).drop(columns="at"),
        ORDERED,
        history_rows=50,
        window_rows=10,
        window_length=timedelta(days=5),
    )
    assert np.all(np.diff(stream.timestamps) == np.timedelta64(12, "h"))


def test_rows_without_an_order_and_too_few_rows_are_refused():
    with pytest.raises(ConfigurationError, match="rows in time order"):
        Stream(hourly(100), Columns(target="y"), history_rows=50, window_rows=10)
    with pytest.raises(DataRejected, match="too few to replay"):
        Stream(hourly(100), TIMED, history_rows=90, window_rows=40)
