"""Decodes V2 inference requests: tensors to columns of Python values.

One input is one column, of shape `[rows]` or `[rows, 1]`. `null` is a missing value; over gRPC, which
has none, NaN in a float, or content type `pd_json`. Content types `np`, `str`, `datetime`, `pd` and none
mean the elements as they are, `base64` text in base64, `pd_json` JSON in every element.

Messages name columns, rows and types, but quote no value: they end in logs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import DataRejected

InputColumns = dict[str, list[Any]]

_AS_THEY_ARE = (None, "", "np", "str", "datetime", "pd")


@dataclass(frozen=True)
class Tensor:
    """One input of a request.

    Attributes:
        name: Column.
        datatype: V2 datatype, such as `FP64`.
        shape: Its shape.
        data: Its elements, flat or one list a row; text may be bytes.
        content_type: How text is coded, see the module.
    """

    name: str
    datatype: str
    shape: Sequence[int]
    data: Any
    content_type: str | None = None


def decode_columns(tensors: Iterable[Tensor]) -> InputColumns:
    """Decode the inputs of a request.

    Args:
        tensors: Its inputs.

    Returns:
        Column to Python values, all of the same length, at least 1.

    Raises:
        DataRejected: If an input is no column, its elements are not of its datatype, lengths differ, or
            there are no rows.

    Example:
        >>> decode_columns([Tensor("age", "INT64", [2], [41, None]), Tensor("job", "BYTES", [2, 1], [b"x", "y"])])
        {'age': [41, None], 'job': ['x', 'y']}
    """
    columns: InputColumns = {}
    for tensor in tensors:
        if tensor.name in columns:
            raise DataRejected(f"column {tensor.name!r} is sent twice", column=tensor.name)
        columns[tensor.name] = _values(tensor)
    if not columns:
        raise DataRejected("the request has no inputs: send one a column")
    first, rows = next((name, len(values)) for name, values in columns.items())
    for name, values in columns.items():
        if len(values) != rows:
            raise DataRejected(
                f"column {name!r} has {len(values)} rows, but column {first!r} has {rows}: every column "
                "needs a value for every row, null when it is missing",
                column=name,
            )
    if rows == 0:
        raise DataRejected(f"column {first!r} has no rows: send at least one", column=first)
    return columns


def _values(tensor: Tensor) -> list[Any]:
    given = tensor.data if isinstance(tensor.data, list) else [tensor.data]
    if given and all(isinstance(row, list) and len(row) == 1 for row in given):
        given = [row[0] for row in given]
    shape = list(tensor.shape)
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[1] != 1):
        raise _wrong(
            tensor, f"has shape {shape}: send one input a column, of shape [rows] or [rows, 1]"
        )
    if shape[0] != len(given):
        raise _wrong(tensor, f"has shape {shape}, but {len(given)} elements")
    if tensor.datatype == "BYTES":
        read = _reader(tensor)
        return [None if value is None else read(row, value) for row, value in enumerate(given)]
    wanted = _types(tensor)
    for row, value in enumerate(given):
        if value is not None and type(value) not in wanted:
            raise _wrong(tensor, f"is {tensor.datatype}, but row {row} {type_in_words(value)}")
    return given


def _types(tensor: Tensor) -> tuple[type, ...]:
    if tensor.datatype == "BOOL":
        return (bool,)
    if tensor.datatype.startswith("FP"):
        return (float, int)
    if tensor.datatype.startswith(("INT", "UINT")):
        return (int,)
    raise _wrong(tensor, f"has datatype {tensor.datatype!r}, which is none of the V2 protocol")


def _reader(tensor: Tensor) -> Callable[[int, Any], Any]:
    content_type = tensor.content_type
    if content_type not in (*_AS_THEY_ARE, "base64", "pd_json"):
        raise _wrong(
            tensor,
            f"has content type {content_type!r}: expected np, str, datetime, pd, base64, pd_json or none",
        )

    def read(row: int, value: Any) -> Any:
        try:
            raw = base64.b64decode(value, validate=True) if content_type == "base64" else value
            text = raw.decode() if isinstance(raw, bytes) else raw
            # Refuses what is no text, and broken text.
            text.encode()
            return json.loads(text) if content_type == "pd_json" else text
        except (AttributeError, TypeError, ValueError, RecursionError):
            what = {"base64": "base64 of UTF-8 text", "pd_json": "JSON"}.get(
                content_type or "", "UTF-8 text"
            )
            raise _wrong(tensor, f"is BYTES, but row {row} is no {what}") from None

    return read


def _wrong(tensor: Tensor, what: str) -> DataRejected:
    return DataRejected(f"column {tensor.name!r} {what}", column=tensor.name)


def type_in_words(value: object) -> str:
    """Say what a value is, without quoting it."""
    if isinstance(value, bool):
        return "is a boolean"
    if isinstance(value, int | float):
        return "is a number"
    names = {str: "text", bytes: "bytes", list: "a list", dict: "an object"}
    return f"is {names.get(type(value), type(value).__name__)}"
