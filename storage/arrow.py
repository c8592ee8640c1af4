"""Decodes stored BSON documents to Arrow columns, without making a Python object of every value."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import bson
import pyarrow as pa
import pyarrow.compute as pc

from .codec import decode
from .columns import NATIVE, ColumnLayout, stored_fields
from .fields import SPECIAL

if TYPE_CHECKING:
    from pymongoarrow.context import PyMongoArrowContext

_FIXED = {
    "id": pa.string(),
    "version": pa.string(),
    "at": pa.int64(),
    "latency_seconds": pa.float64(),
    "request": pa.string(),
}
_MOMENT = pa.timestamp("us", "UTC")


class ArrowDecoder:
    """Makes record batches of BSON documents.

    Args:
        layouts: Columns beside the fixed ones.
    """

    def __init__(self, layouts: Sequence[ColumnLayout]) -> None:
        self._layouts = layouts
        self.fields = [*_FIXED, *stored_fields(layouts)]
        self.schema = pa.schema(
            [(name, _MOMENT if name == "at" else type) for name, type in _FIXED.items()]
            + [(layout.name, layout.type) for layout in layouts]
        )
        self._stored = _FIXED | {
            field: type for layout in layouts for field, type in _stored_types(layout).items()
        }

        self._begin()

    def _begin(self) -> None:
        self._context = _context(self._stored)
        self._stored_rows: list[bytes] = []
        self._labels: list[str | None] | None = None
        self.bytes = 0

    def add(self, bodies: bytes, labels: Sequence[str | None] | None = None) -> None:
        """Decode documents.

        Args:
            bodies: BSON documents, one after the other.
            labels: Text of every document's label (`codec`) where it is not in the documents.
        """
        self._context.process_bson_stream(bodies)
        self.bytes += len(bodies)
        if labels is not None:
            self._labels = [*(self._labels or ()), *labels]
        if any(layout.decoded for layout in self._layouts):
            self._stored_rows.append(bodies)

    def batch(self) -> pa.RecordBatch:
        """Return what was added since the last batch, in its order."""
        found, labels = self._context.finish(), self._labels
        decoded = bson.decode_all(b"".join(self._stored_rows))
        self._begin()
        arrays = [found.column(name).chunk(0) for name in _FIXED]
        arrays[list(_FIXED).index("at")] = found.column("at").chunk(0).cast(_MOMENT)
        for layout in self._layouts:
            if layout.field == "label" and labels is not None:
                arrays.append(_array(_loaded(labels), layout.type))
            elif layout.decoded:
                arrays.append(_array([_value(row, layout.field) for row in decoded], layout.type))
            else:
                arrays.append(_column(found, layout))
        return pa.record_batch(arrays, schema=self.schema)


def _stored_types(layout: ColumnLayout) -> dict[str, pa.DataType]:
    types: dict[str, pa.DataType] = {}
    if layout.native and not layout.decoded:
        types[layout.field] = _native_type(layout)
    if layout.special and not layout.decoded:
        types[f"{SPECIAL}{layout.field}"] = pa.string()
    return types


def _native_type(layout: ColumnLayout) -> pa.DataType:
    """Return what the values are read as that are stored in the field itself."""
    if len(layout.native) > 1:
        return pa.int64() if pa.types.is_decimal(layout.type) else layout.type
    return _NATIVE_TYPES[next(iter(layout.native))]


_NATIVE_TYPES = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "wide": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}


def _context(types: dict[str, pa.DataType]) -> PyMongoArrowContext:
    with warnings.catch_warnings():
        # Built for an earlier Arrow, whose C++ structures only grew since.
        warnings.filterwarnings("ignore", "pyarrow.* size changed", RuntimeWarning)
        from pymongoarrow.api import Schema
        from pymongoarrow.context import PyMongoArrowContext

    return PyMongoArrowContext(Schema(types))


def _column(found: pa.Table, layout: ColumnLayout) -> pa.Array:
    rows = found.num_rows
    native = found.column(layout.field).chunk(0) if layout.native else None
    if not layout.special:
        return pa.nulls(rows, layout.type) if native is None else _cast(native, layout.type)
    texts = found.column(f"{SPECIAL}{layout.field}").chunk(0)
    if native is not None and texts.null_count == rows:
        return (
            _cast(native, layout.type)
            if layout.type != pa.string()
            else _array(native.to_pylist(), layout.type)
        )
    if layout.kinds - NATIVE == {"nonfinite"} and pa.types.is_float64(layout.type):
        # Their text is a number to Arrow, too.
        numbers = texts.cast(layout.type)
        return (
            numbers
            if native is None
            else pc.call_function("coalesce", [_cast(native, layout.type), numbers])
        )
    natives = [None] * rows if native is None else native.to_pylist()
    values = [
        value if text is None else decode(text)
        for value, text in zip(natives, texts.to_pylist(), strict=True)
    ]
    return _array(values, layout.type)


def _cast(values: pa.Array, type_: pa.DataType) -> pa.Array:
    # Arrow takes integers beyond 2^53 for no floats, whether or not one is equal.
    return values.cast(type_, safe=not pa.types.is_float64(type_))


def _value(row: dict[str, Any], field: str) -> Any:
    text = row.get(f"{SPECIAL}{field}")
    return row.get(field) if text is None else decode(text)


def _loaded(texts: Sequence[str | None]) -> list[Any]:
    # One parse of all of them is twice as fast as one each.
    return json.loads(f"[{','.join([text or 'null' for text in texts])}]")


def _array(values: list[Any], type_: pa.DataType) -> pa.Array:
    """Make a column of Python values; a type of text takes any value."""
    if pa.types.is_string(type_):
        return pa.array([None if value is None else _text(value) for value in values], type_)
    if pa.types.is_float64(type_):
        return pa.array([None if value is None else _float(value) for value in values], type_)
    if pa.types.is_int64(type_):
        return pa.array([None if value is None else int(value) for value in values], type_)
    if pa.types.is_decimal(type_):
        return pa.array([None if v is None else Decimal(v) for v in values], type_)
    return pa.array(values, type_)


def _text(value: Any) -> str:
    text = json.dumps(_named(value), default=str) if isinstance(value, dict | list) else str(value)
    # Half of a surrogate pair is no UTF-8, and no reason to lose the window.
    return text.encode("utf-8", "replace").decode()


def _named(value: Any) -> Any:
    """Give a mapping names that JSON has: its own keys may be moments, Decimals or bytes."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str | int | float | None) else str(key): _named(item)
            for key, item in value.items()
        }
    return [_named(item) for item in value] if isinstance(value, list) else value


def _float(value: float | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
