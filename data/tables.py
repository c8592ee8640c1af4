"""Normalises the rows of a source into an Arrow table that later steps rely on.

Values that no model takes are refused here, where the column can still be named. Spaces around text go,
and the digits of ids, categories and classes stay; `data.table_timestamps` reads the moments.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute

from ..core.errors import DataRejected
from ..core.settings import Columns, TaskType
from .identifiers import id_text, is_missing
from .schema import category_text
from .whole_numbers import EXACT, float_of, loses_digits, whole_array

# Its functions are made when it is loaded, where no type checker sees them.
pc: Any = pyarrow.compute


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
    columns: Mapping[str, Sequence[Any]],
    *,
    categorical: Collection[str] = (),
    identifier: str | None = None,
) -> pa.Table:
    """Build a table from Python values, such as a database driver returns.

    Args:
        columns: Column to its values, all of the same length.
        categorical: Columns to store as text whatever their values are.
        identifier: Column to store as the text of ids.

    Returns:
        The table. Whole numbers stay whole beside nulls, see `data.whole_numbers`. A column without any
        value is float64.

    Raises:
        DataRejected: If a column holds documents or lists, or mixes types.

    Example:
        >>> table_of({"a": [1, None], "b": [True, False]}).schema.types
        [DataType(int64), DataType(bool)]
    """
    texts: dict[str, Callable[[Any], str]] = dict.fromkeys(categorical, category_text)
    if identifier is not None:
        texts[identifier] = id_text
    return pa.table(
        {name: _array(name, values, texts.get(name)) for name, values in columns.items()}
    )


def _array(name: str, values: Sequence[Any], to_text: Callable[[Any], str] | None) -> pa.Array:
    present = [value for value in values if not _missing(value)]
    nested = next((v for v in present if isinstance(v, list | tuple | dict | set)), None)
    if nested is not None:
        raise DataRejected(
            f"column {name!r} holds a {type(nested).__name__}, such as {str(nested)[:60]}: flatten it "
            "at the source, or list it in columns.ignored",
            column=name,
        )
    families = {_family(value) for value in present}
    if to_text is not None and families:
        return pa.array([None if _missing(v) else to_text(v) for v in values], pa.string())
    if len(families) > 1:
        raise DataRejected(mixed_types(name, sorted(families), present), column=name)
    if not families:
        return pa.nulls(len(values), pa.float64())
    if families == {"number"}:
        return _numbers(values)
    try:
        return pa.array([None if _missing(v) else v for v in values])
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise DataRejected(
            f"column {name!r} holds {type(present[0]).__name__}, which no model takes: convert it at "
            "the source, or list it in columns.ignored",
            column=name,
        ) from error


def _missing(value: Any) -> bool:
    # Text of no character is a value here: only a CSV file cannot tell it from an empty field.
    return not isinstance(value, str) and is_missing(value)


def _numbers(values: Sequence[Any]) -> pa.Array:
    present = [value for value in values if not _missing(value)]
    if all(isinstance(value, int) for value in present) or _loses_digits(present):
        return whole_array([None if _missing(v) else int(v) for v in values])
    return pa.array([None if _missing(v) else float_of(v) for v in values], pa.float64())


def _loses_digits(present: Sequence[Any]) -> bool:
    """Whether these are whole numbers, some of them of more digits than a float holds."""
    exact = [value for value in present if isinstance(value, int | Decimal)]
    return (
        len(exact) == len(present)
        and all(v.is_finite() and v == int(v) for v in exact if isinstance(v, Decimal))
        and any(abs(value) > EXACT for value in exact)
    )


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
        The rows with dictionaries decoded, decimals and half floats as float64, columns without any type
        as float64 nulls, and text without spaces around it.

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
        values = values.cast(pa.string())
    if pa.types.is_string(values.type):
        return pc.utf8_trim_whitespace(values)
    return values


def without_spaces(table: pa.Table) -> pa.Table:
    """Return the rows with no spaces around text, other columns as they are."""
    for position, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(
                position, field.name, pc.utf8_trim_whitespace(table.column(position))
            )
    return table


def with_digits(table: pa.Table, columns: Columns, task: TaskType) -> pa.Table:
    """Keep the digits of ids, categories and classes, which later steps would hold as floats.

    A number feature is a float to every model, so of a whole number beyond 2^53 it sees the first 16
    digits or so.

    Args:
        table: Rows, before `plain`.
        columns: Roles.
        task: Task type.

    Returns:
        The rows with ids and groups as text, and categories and classes as text where a float would lose digits.
    """
    ids = {columns.id, columns.group}
    exact = [*ids, *columns.categorical, columns.target if task != "regression" else None]
    for name in table.column_names:
        if name not in exact:
            continue
        values = table.column(name)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        to_text = id_text if name in ids else category_text
        if _has_text(values.type) and (name in ids or loses_digits(values)):
            texts = [None if is_missing(v) else to_text(v) for v in values.to_pylist()]
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array(texts, pa.string()))
    return table


def _has_text(kind: pa.DataType) -> bool:
    # The others are refused by `plain`, by name.
    return not (
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_null(kind)
    )
