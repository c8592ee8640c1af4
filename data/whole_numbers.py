"""Keeps integers exact: a float holds no more than the first 16 digits of an id or a hash.

| whole numbers | type of the column |
| --- | --- |
| within 64 bits with sign | int64 |
| within 64 bits without sign | uint64 |
| up to 76 digits | decimal256(76, 0) |
| longer ones | float64 |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute

# Its functions are made when it is loaded, where no type checker sees them.
pc: Any = pyarrow.compute

# From here on, floats leave whole numbers out.
EXACT = 2**53
_DIGITS = 76


def whole_array(values: Sequence[int | None]) -> pa.Array:
    """Return whole numbers, and nulls beside them, as the narrowest column that holds every digit.

    Example:
        >>> whole_array([2**53 + 1, None]).type, whole_array([2**63 + 1]).type
        (DataType(int64), DataType(uint64))
    """
    present = [value for value in values if value is not None]
    low, high = min(present, default=0), max(present, default=0)
    if low >= -(2**63) and high < 2**63:
        return pa.array(values, pa.int64())
    if low >= 0 and high < 2**64:
        return pa.array(values, pa.uint64())
    if max(-low, high) < 10**_DIGITS:
        return pa.array(values, pa.decimal256(_DIGITS, 0))
    return pa.array([None if value is None else float_of(value) for value in values], pa.float64())


def float_of(value: Any) -> float:
    """Return a number as float, infinite where it is beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def loses_digits(values: pa.ChunkedArray) -> bool:
    """Return whether some of a column's numbers would not survive as floats.

    A data frame turns whole numbers beside a null, and decimals of any kind, into floats.

    Example:
        >>> loses_digits(pa.chunked_array([[2**53 + 1]])), loses_digits(pa.chunked_array([[7, None]]))
        (True, False)
    """
    kind = values.type
    if pa.types.is_decimal(kind):
        return any(v is not None and abs(v) > EXACT for v in values.to_pylist())
    if not pa.types.is_integer(kind) or kind.bit_width < 64:
        return False
    bounds = pc.min_max(values)
    low, high = bounds["min"].as_py(), bounds["max"].as_py()
    return low is not None and max(-low, high) > EXACT
