"""The plot of a backtest is a PNG that shows every policy."""

from __future__ import annotations

import datetime as dt
import struct

import pytest
from prefect_mlops.backtest.plot import draw_backtest
from prefect_mlops.core.results.backtest import Backtest, PolicyReplay, ReplayedWindow
from prefect_mlops.core.results.base import as_utc


def window(number: int, action: str, ending: str) -> ReplayedWindow:
    start = dt.datetime(2026, 1, 1 + number, tzinfo=dt.UTC)
    return ReplayedWindow(
        first_row=100 * number,
        rows=100,
        start=as_utc(start),
        end=as_utc(start + dt.timedelta(days=1)),
        version=1,
        value=0.3 + number / 50,
        promised=0.3,
        drift="passed",
        performance="passed",
        worse=False,
        action=action,
        reason="",
        ending=ending,
    )


def backtest(policies: int) -> Backtest:
    steps = [("none", "none"), ("retrain", "promoted"), ("retrain", "challenger"), ("stop", "none")]
    windows = [window(number, *step) for number, step in enumerate(steps)]
    replays = [PolicyReplay(name=f"p{i}", value=0.3, windows=windows) for i in range(policies)]
    return Backtest(
        project="calls",
        digest="d",
        metric="log_loss",
        history_rows=100,
        window_rows=100,
        replays=replays,
        recommended="p0",
        recommendation="p0: it is the best",
    )


@pytest.mark.parametrize("policies", [1, 4, 12])
def test_the_picture_grows_with_the_policies(policies):
    drawn = draw_backtest(backtest(policies))
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", drawn[16:24])
    assert (width, height) == (11 * 130, round((5 + 0.3 * policies) * 130))
