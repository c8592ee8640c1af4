"""Parses timestamps: ISO 8601, or the format that is declared for a column.

A guessed format reads 03/04 as March in one row and 13/04 as April in the next; a guessed zone moves rows
between windows. Whatever is neither ISO 8601 nor as declared is no moment, and is counted or refused.
"""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np
import pandas as pd
from pandas.api import types as ptypes

ISO_8601 = "ISO8601"

_ZONED = re.compile(
    r"(?:\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|[T ]\d{2}(?:\d{2}(?:\d{2}(?:[.,]\d+)?)?)?)"
    r"\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$"
)
# pandas reads these as the moment at which they are read.
_MOVING = ("NOW", "TODAY")
# pandas counts nanoseconds since 1970, in 64 bits.
EARLIEST = pd.Timestamp("1677-09-21 00:12:44")
LATEST = pd.Timestamp("2262-04-11 23:47:16")


def parse_timestamps(values: pd.Series, text_format: str = ISO_8601) -> pd.Series:
    """Read timestamps.

    Args:
        values: Datetimes, dates or text; text without a zone is UTC.
        text_format: `ISO8601`, or a format as `datetime.strptime` takes it; ISO 8601 is read as well.

    Returns:
        datetime64[ns, UTC], with the index of `values`. NaT for what is no moment, such as a number,
        and for what no data frame can hold, such as the year 9999.

    Example:
        >>> parse_timestamps(pd.Series(["03/04/2026", "9999-12-31"]), "%d/%m/%Y").tolist()
        [Timestamp('2026-04-03 00:00:00+0000', tz='UTC'), NaT]
    """
    if ptypes.is_datetime64_any_dtype(values.dtype):
        return _in_nanoseconds(values)
    if ptypes.is_numeric_dtype(values.dtype):
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[ns, UTC]")
    cleaned = values.astype(object).map(readable).reset_index(drop=True)
    read = _from_iso(cleaned)
    if text_format != ISO_8601:
        declared = pd.to_datetime(cleaned, errors="coerce", utc=True, format=text_format)
        read = declared.fillna(read)
    return read.astype("datetime64[ns, UTC]").set_axis(values.index)


def _from_iso(values: pd.Series) -> pd.Series:
    # Beside text with an offset, pandas reads text without one as if it had the other's.
    zoned = has_zone(values)
    parts = [
        pd.to_datetime(part, errors="coerce", utc=True, format=ISO_8601)
        for part in (values[zoned], values[~zoned])
        if len(part)
    ]
    return pd.concat(parts).reindex(values.index) if len(parts) == 2 else _only(parts, values)


def _only(parts: list[pd.Series], values: pd.Series) -> pd.Series:
    return parts[0] if parts else pd.Series(pd.NaT, index=values.index, dtype="datetime64[ns, UTC]")


def has_zone(values: pd.Series) -> pd.Series:
    """Say for every value, as `readable` leaves it, whether it is text with a time zone."""
    return values.map(lambda v: isinstance(v, str) and _ZONED.search(v) is not None).astype(bool)


def _in_nanoseconds(values: pd.Series) -> pd.Series:
    naive = values if values.dt.tz is None else values.dt.tz_convert("UTC").dt.tz_localize(None)
    held = (naive > EARLIEST) & (naive < LATEST)
    # Where pandas would raise for one moment that it cannot hold.
    return naive.where(held, pd.NaT).astype("datetime64[ns]").dt.tz_localize("UTC")


def readable(value: object) -> object:
    """Return a value as pandas reads it as a moment, or None where it would guess."""
    if isinstance(value, str):
        text = re.sub(r"\s*UTC$", "Z", value.strip().upper())
        return None if text in _MOVING else text
    # A number counts something since some day, and which is not said.
    return value if isinstance(value, datetime | np.datetime64) or hasattr(value, "year") else None
