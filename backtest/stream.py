"""Stream to replay: rows in time order, their timestamps, and their windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np
import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from ..core.results import Window
from ..core.settings import (
    Columns,
)

_FIRST_MOMENT = pd.Timestamp("2000-01-01", tz="UTC")
_HISTORY_SHARE = 0.5


@dataclass(frozen=True)
class Span:
    """One window of a stream.

    Attributes:
        begin: Position of its first row.
        end: Position after its last row.
        labelled: Position after the last row whose label is known when the window is decided on.
        window: The same as a period of time.
    """

    begin: int
    end: int
    labelled: int
    window: Window


class Stream:
    """Rows in time order.

    Args:
        frame: The rows, with features, target and, if the columns name one, timestamp.
        columns: What each column is for.
        history_rows: Rows before the first window. None: half of them.
        window_rows: Rows of a window; a last one of fewer than half is left out.
        label_delay: How long labels take.
        window_length: How long a window takes where there is no timestamp.

    Raises:
        ConfigurationError: If the rows have no time order.
        DataRejected: If there are too few rows for one window.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        columns: Columns,
        *,
        history_rows: int | None,
        window_rows: int,
        label_delay: timedelta = timedelta(0),
        window_length: timedelta = timedelta(days=7),
    ) -> None:
        if not columns.has_order:
            raise ConfigurationError(
                "a backtest needs rows in time order: set columns.timestamp, or columns.ordered"
            )
        self.frame = frame.reset_index(drop=True)
        self.columns = columns
        self.window_rows = window_rows
        self.history_rows = history_rows or round(_HISTORY_SHARE * len(frame))
        if self.history_rows + window_rows // 2 > len(frame):
            raise DataRejected(
                f"{len(frame)} rows are too few to replay: {self.history_rows} are history, and a window "
                f"has {window_rows}; set history_rows, or monitoring.window_rows"
            )
        self._delay = label_delay
        self._spacing = window_length / window_rows

    @cached_property
    def timestamps(self) -> np.ndarray:
        """Timestamp of every row, datetime64[us] in UTC."""
        name = self.columns.timestamp
        if name is not None:
            found = pd.to_datetime(self.frame[name], utc=True)
        else:
            steps = np.arange(len(self.frame)) * self._spacing.total_seconds()
            found = pd.Series(_FIRST_MOMENT + pd.to_timedelta(steps, unit="s"))
        return found.dt.tz_convert(None).to_numpy("datetime64[us]")

    @cached_property
    def spans(self) -> list[Span]:
        """The windows, in order."""
        found = []
        for begin in range(self.history_rows, len(self.frame), self.window_rows):
            end = min(begin + self.window_rows, len(self.frame))
            if end - begin < self.window_rows / 2:
                break
            last = self._moment(end - 1)
            known = np.datetime64((last - self._delay).replace(tzinfo=None), "us")
            labelled = int(np.searchsorted(self.timestamps[:end], known, side="right"))
            found.append(Span(begin, end, labelled, self.window(begin, end)))
        return found

    def window(self, begin: int, end: int) -> Window:
        """Return what rows from `begin` to before `end` cover."""
        last = self._moment(end - 1)
        return Window(start=self._moment(begin), end=last + timedelta(microseconds=1))

    def _moment(self, row: int) -> datetime:
        return pd.Timestamp(self.timestamps[row]).tz_localize("UTC").to_pydatetime()
