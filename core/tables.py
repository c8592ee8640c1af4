"""Turns what a source gave into a table that every later step can rely on.

Values that no model takes are refused here, where the column can still be named, and moments are
brought to UTC, because a guessed zone moves rows between windows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from .errors import DataRejected
from .schema import category_text

MOMENT = pa.timestamp("us", tz="UTC")
_ZONED = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:Z|[+-]\d{2}(?::?\d{2})?)$")


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse columns of the same name, which readers would rename behind our back.

    Raises:
        DataRejected: Naming them.
    """
    repeated = sorted({name for name in names if list(names).count(name) > 1})
    if repeated:
        raise DataRejected(
            f"columns {repeated} appear more than once: rename or drop all but one at the source",
            column=repeated[0],
        )


def table_of(
    columns: Mapping[str, Sequence[Any]], *, categorical: Collection[str] = ()
) -> pa.Table:
    """Build a table from Python values, such as a database driver returns.

    Args:
        columns: Column to its values, all of the same length.
        categorical: Columns to store as text whatever their values are.

    Returns:
        The table. A column without any value is float64.

    Raises:
        DataRejected: If a column holds documents or lists, or mixes types.

    Example:
        >>> table_of({"a": [1, None], "b": [True, False]}).schema.types
        [DataType(double), DataType(bool)]
    """
    return pa.table(
        {name: _array(name, values, name in categorical) for name, values in columns.items()}
    )


def _array(name: str, values: Sequence[Any], as_text: bool) -> pa.Array:
    present = [value for value in values if not _missing(value)]
    nested = next((v for v in present if isinstance(v, list | tuple | dict | set)), None)
    if nested is not None:
        raise DataRejected(
            f"column {name!r} holds a {type(nested).__name__}, such as {str(nested)[:60]}: flatten it "
            "at the source, or list it in columns.ignored",
            column=name,
        )
    families = {_family(value) for value in present}
    if as_text and families - {"text"}:
        return pa.array([None if _missing(v) else category_text(v) for v in values], pa.string())
    if len(families) > 1:
        raise DataRejected(mixed_types(name, sorted(families), present), column=name)
    if not families:
        return pa.nulls(len(values), pa.float64())
    if families == {"number"}:
        whole = len(present) == len(values) and all(isinstance(v, int) for v in present)
        kept = values if whole else [None if _missing(v) else float(v) for v in values]
        try:
            return pa.array(kept, pa.int64() if whole else pa.float64())
        except OverflowError:
            return pa.array([float(v) for v in values], pa.float64())
    try:
        return pa.array([None if _missing(v) else v for v in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataRejected(
            f"column {name!r} holds {type(present[0]).__name__}, which no model takes: convert it at "
            "the source, or list it in columns.ignored",
            column=name,
        ) from error


def _missing(value: Any) -> bool:
    if isinstance(value, float | Decimal):
        return math.isnan(value)
    return value is None or value is pd.NaT


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float | Decimal):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime):
        return "moment without time zone" if value.tzinfo is None else "moment"
    return "date" if isinstance(value, date) else type(value).__name__


def mixed_types(name: str, families: Iterable[str], examples: Sequence[Any]) -> str:
    """Say that a column mixes types, with one value of each."""
    shown = [repr(next(v for v in examples if _family(v) == family)) for family in families]
    return (
        f"column {name!r} mixes {' and '.join(families)}, such as {' and '.join(shown)}: give it one "
        "type at its source, or list it in columns.categorical or columns.ignored"
    )


def plain(table: pa.Table) -> pa.Table:
    """Bring a table to plain columns.

    Args:
        table: Rows of any source.

    Returns:
        The rows with dictionaries decoded, decimals and half floats as float64, and columns without
        any type as float64 nulls.

    Raises:
        DataRejected: If a column is nested or binary.
    """
    columns = {field.name: _plain(field, table.column(field.name)) for field in table.schema}
    return pa.table(columns)


def _plain(field: pa.Field, values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = field.type
    if pa.types.is_dictionary(kind):
        values, kind = values.cast(kind.value_type), kind.value_type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise DataRejected(
            f"column {field.name!r} is of type {kind}, which no model takes: flatten it at the source, "
            "or list it in columns.ignored",
            column=field.name,
        )
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind) or pa.types.is_null(kind):
        return values.cast(pa.float64())
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return values.cast(pa.string())
    return values


def with_moments(table: pa.Table, name: str) -> pa.Table:
    """Bring a timestamp column to UTC, microseconds.

    Args:
        table: Rows.
        name: The column: timestamps with time zone, or ISO 8601 text with an offset.

    Returns:
        The rows with the column as timestamp[us, UTC].

    Raises:
        DataRejected: If a moment is missing, has no time zone or cannot be read.
    """
    values = table.column(name)
    if values.null_count:
        raise DataRejected(
            f"timestamp column {name!r} is empty in {values.null_count} rows: fill it in at the source",
            column=name,
        )
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
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


def _from_text(name: str, texts: pd.Series) -> pa.Array:
    cleaned = texts.str.strip().str.replace(r"\s*UTC$", "Z", regex=True)
    moments = pd.to_datetime(cleaned, errors="coerce", utc=True, format="ISO8601")
    zoned = cleaned.str.contains(_ZONED)
    unread = texts[moments.isna()]
    if len(unread):
        raise DataRejected(
            f"timestamp column {name!r} has {len(unread)} values that are no moments, first "
            f"{unread.iloc[0]!r}: expected ISO 8601 with an offset, such as 2026-01-31T12:00:00Z",
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
    for bound, keep in ((start, pc.greater_equal), (end, pc.less)):  # pyright: ignore[reportAttributeAccessIssue]
        if bound is not None:
            table = table.filter(keep(moments, pa.scalar(bound, MOMENT)))
            moments = table.column(name)
    return table


def in_order(table: pa.Table, name: str) -> pa.Table:
    """Sort rows by a timestamp column; rows of the same moment keep their order."""
    order = table.column(name).to_pandas().argsort(kind="stable")
    return table.take(pa.array(order.to_numpy()))
