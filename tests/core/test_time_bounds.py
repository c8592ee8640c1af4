"""Bounds that stand for no bound fit into every clock that reads them."""

import pandas as pd
from prefect_mlops.core.results import Window
from prefect_mlops.core.time_bounds import EARLIEST, LATEST


def test_the_bounds_are_a_window_that_pandas_counts_in_nanoseconds():
    window = Window(start=EARLIEST, end=LATEST)
    for moment in (window.start, window.end):
        assert pd.Timestamp(moment).as_unit("ns").to_pydatetime() == moment
