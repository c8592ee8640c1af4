"""Parses, filters and sorts a table by its timestamps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute

from ..core.errors import DataRejected
from .timestamps import EARLIEST, LATEST, has_zone, parse_timestamps, readable

# Its functions are made when it is loaded, where no type checker sees them.
pc: Any = pyarrow.compute

MOMENT = pa.timestamp("us", tz="UTC")
_SPAN = f"between {EARLIEST.year + 1} and {LATEST.year - 1}"


def with_formats(table: pa.Table, formats: Mapping[str, str]) -> pa.Table:
    """Read columns of text, or of numbers such as 20260403, in the format declared for each.

    Args:
        table: Rows.
        formats: Column to format, see `parse_timestamps`. Columns that the table lacks are passed over.

    Returns:
        The rows with these columns as timestamp[us, UTC]. A column with values that are no moments stays
        text: ISO 8601, and those values as they are, so that `data.schema.conform` counts them.
    """
    for name, text_format in formats.items():
        if name not in table.column_names:
            continue
        values = table.column(name)
        if pa.types.is_integer(values.type):
            values = values.cast(pa.string())
        if not pa.types.is_string(values.type):
            continue
        texts = values.to_pandas()
        moments = parse_timestamps(texts, text_format)
        unread = moments.isna() & texts.notna()
        if unread.any():
            iso = moments.map(lambda moment: moment.isoformat(), na_action="ignore").astype(object)
            column = pa.array(iso.where(~unread, texts), pa.string(), from_pandas=True)
        else:
            column = pa.array(moments.astype("datetime64[us, UTC]"), MOMENT)
        table = table.set_column(table.column_names.index(name), name, column)
    return table


def with_moments(table: pa.Table, name: str) -> pa.Table:
    """Bring a timestamp column to UTC, microseconds.

    Args:
        table: Rows.
        name: The column: timestamps with time zone, or ISO 8601 text with an offset.

    Returns:
        The rows with the column as timestamp[us, UTC].

    Raises:
        DataRejected: If a moment is missing, has no time zone, cannot be read or cannot be held.
    """
    values = table.column(name)
    if values.null_count:
        raise DataRejected(
            f"timestamp column {name!r} is empty in {values.null_count} rows: fill it in at the source",
            column=name,
        )
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        _refuse_unheld(name, values)
        moments = values.cast(MOMENT, safe=False)
    elif len(values) == 0:
        moments = pa.chunked_array([pa.array([], MOMENT)])
    elif pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        raise DataRejected(_no_zone(name, values[0].as_py()), column=name)
    elif pa.types.is_string(values.type):
        moments = _from_text(name, values.to_pandas())
    else:
        raise DataRejected(
            f"timestamp column {name!r} holds {values.type}, first value {values[0].as_py()}: expected "
            "timestamps with time zone, or ISO 8601 text such as 2026-01-31T12:00:00Z",
            column=name,
        )
    return table.set_column(table.column_names.index(name), name, moments)


def _refuse_unheld(name: str, values: pa.ChunkedArray) -> None:
    if values.type.unit == "ns":
        return
    ticks = values.cast(pa.int64())
    low, high = (
        int(bound.to_datetime64().astype(f"datetime64[{values.type.unit}]").astype("int64"))
        for bound in (EARLIEST, LATEST)
    )
    outside = pc.or_(pc.less_equal(ticks, low), pc.greater_equal(ticks, high))
    unheld = values.filter(outside)
    if len(unheld):
        # Arrow writes moments that Python cannot hold, too.
        first = unheld[0].cast(pa.string()).as_py()
        raise DataRejected(
            f"timestamp column {name!r} has {len(unheld)} moments that no data frame can hold, first "
            f"{first}: expected moments {_SPAN}; mend them at the source",
            column=name,
        )


def _from_text(name: str, texts: pd.Series) -> pa.Array:
    moments = parse_timestamps(texts)
    zoned = has_zone(texts.map(readable))
    unread = texts[moments.isna()]
    if len(unread):
        raise DataRejected(
            f"timestamp column {name!r} has {len(unread)} values that are no moments, first "
            f"{unread.iloc[0]!r}: expected ISO 8601 with an offset, such as 2026-01-31T12:00:00Z, {_SPAN}",
            column=name,
        )
    if not zoned.all():
        raise DataRejected(_no_zone(name, texts[~zoned].iloc[0]), column=name)
    return pa.array(moments.astype("datetime64[us, UTC]"), MOMENT)


def _no_zone(name: str, value: object) -> str:
    return (
        f"timestamp column {name!r} has no time zone, first value {value}: append 'Z' or an offset "
        "such as +02:00 at its source"
    )


def between(
    table: pa.Table, name: str, start: datetime | None = None, end: datetime | None = None
) -> pa.Table:
    """Keep the rows of a time window `[start, end)`.

    Args:
        table: Rows, with the column as `with_moments` leaves it.
        name: Timestamp column.
        start: First moment. None: unbounded.
        end: First moment after the window. None: unbounded.
    """
    moments = table.column(name)
    for bound, keep in ((start, pc.greater_equal), (end, pc.less)):
        if bound is not None:
            table = table.filter(keep(moments, pa.scalar(bound, MOMENT)))
            moments = table.column(name)
    return table


def in_order(table: pa.Table, name: str) -> pa.Table:
    """Sort rows by a timestamp column; rows of the same moment keep their order."""
    order = table.column(name).to_pandas().argsort(kind="stable")
    return table.take(pa.array(order.to_numpy()))
