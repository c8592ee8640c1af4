"""How many rows are held out, and from where on."""

from __future__ import annotations

from datetime import timedelta

import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.settings import DataSettings
from prefect_mlops.data.holdout import first_held_out, wanted_holdout

START = pd.Timestamp("2026-01-01", tz="UTC")


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 60))
def test_rows_of_one_moment_stay_together(hours, wanted):
    moments = [START + timedelta(hours=hour) for hour in sorted(hours)]
    rows = len(moments)
    first = first_held_out(pa.table({"t": moments}), "t", wanted)
    assert 0 <= first <= rows
    if 0 < first < rows:
        assert moments[first - 1] < moments[first]
    asked = max(0, rows - wanted)
    assert first <= asked or moments[0] == moments[asked]


def test_half_of_a_window_is_held_out_but_never_more_than_the_share():
    assert wanted_holdout(20_000, DataSettings(), 2_000) == 1_000
    assert wanted_holdout(20_000, DataSettings(), 600) == 500
    assert wanted_holdout(1_000, DataSettings(), 2_000) == 200
    assert wanted_holdout(20_000, DataSettings(holdout_rows=70), 2_000) == 70
