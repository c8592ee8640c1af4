"""Codec of logged values: which there may be, and the text of those that BSON cannot hold exactly.

Booleans, integers of 64 bits, finite numbers and text are stored as BSON's own. Everything else is JSON
text of ASCII characters in a field of its own (`documents` tells which):

| value | text |
| --- | --- |
| not a number, infinities | `NaN`, `Infinity`, `-Infinity` |
| integers beyond 64 bits | digits |
| text with half of a surrogate pair | a JSON string |
| datetime, date | `{"datetime": "2026-01-31T12:00:00+00:00"}`, `{"date": "2026-01-31"}` |
| Decimal | `{"decimal": "1.20"}` |
| bytes | `{"bytes": "AAE="}` (base64) |
| mapping | `{"mapping": [["key", value], ...]}` |
| list, tuple, NumPy array | `[value, ...]` |

Moments are kept in full (a BSON date only holds milliseconds) with their offset to UTC. NumPy's and
pandas' scalars become Python's own first: a `float32` comes back as the `float` of the same value,
`NaT` and `NA` as None.
"""

from __future__ import annotations

import json
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ..core.names import text_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = (bool, int, float, str)
# A reader may have less of the interpreter's stack left.
_MAX_LEVELS = 100


def python_scalar(value: Any) -> Any:
    """Turn NumPy and pandas scalars into Python's own.

    Args:
        value: Any scalar.

    Returns:
        Python's own value; None for pandas' `NaT` and `NA`. Anything unknown is returned as it is.
    """
    if value is None or type(value) in _PLAIN:
        return value
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    if isinstance(value, datetime):
        convert = getattr(value, "to_pydatetime", None)
        return value if convert is None else convert(warn=False)
    if hasattr(value, "dtype"):
        if getattr(value, "ndim", None) != 0:
            return value.tolist()
        # A NumPy datetime finer than microseconds would become an integer.
        exact = value.astype("datetime64[us]") if value.dtype.kind == "M" else value
        item = exact.item()
        if value.dtype.kind in "mM" and isinstance(item, int):
            # A number of its units, for want of a kind of Python's own.
            return value
        # Wider than a float: nothing of Python's own has its value.
        return value if type(item) is type(value) else python_scalar(item)
    # NumPy's text and enumerations are kinds of these.
    if isinstance(value, str):
        return text_of(value)
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return value


def encode(value: Any) -> str:
    """Write a value as text.

    Raises:
        TypeError: If it cannot be logged.
        ValueError: If it is nested too deeply, or an integer has too many digits for Python to write.
    """
    return json.dumps(_tagged(value), separators=(",", ":"))


def decode(text: str) -> Any:
    """Read what `encode` wrote."""
    return _untagged(json.loads(text))


def to_microseconds(moment: datetime) -> int:
    """Return microseconds since 1970 UTC, exactly."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(microseconds: int) -> datetime:
    """Return the moment so many microseconds after 1970 UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)


def is_missing_label(label: Any) -> bool:
    """Whether a label is none: None, or not a number, as pandas writes a missing value."""
    return label is None or (isinstance(label, float) and math.isnan(label))


def _tagged(value: Any, level: int = 0) -> Any:
    value = python_scalar(value)
    if level > _MAX_LEVELS:
        raise ValueError(f"lists and mappings of more than {_MAX_LEVELS} levels cannot be logged")
    if value is None or type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, bytes | bytearray | memoryview):
        return {"bytes": b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {
            "mapping": [[_tagged_key(key), _tagged(item, level + 1)] for key, item in value.items()]
        }
    if isinstance(value, list | tuple):
        return [_tagged(item, level + 1) for item in value]
    raise TypeError(
        f"{type(value).__name__} {value!r} cannot be logged: expected text, a number, a boolean, a "
        "datetime, a date, a Decimal, bytes, None, or a list or mapping of these"
    )


def _untagged(value: Any) -> Any:
    if type(value) is list:
        return [_untagged(item) for item in value]
    if type(value) is not dict:
        return value
    [(tag, content)] = value.items()
    return _UNTAG[tag](content)


def _tagged_key(key: Any) -> Any:
    tagged = _tagged(key)
    if isinstance(tagged, list) or (isinstance(tagged, dict) and "mapping" in tagged):
        raise TypeError(
            f"a mapping with the key {key!r} cannot be logged: expected keys that are text, numbers, "
            "booleans, moments, Decimals, bytes or None"
        )
    return tagged


_UNTAG = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
    "bytes": b64decode,
    "mapping": lambda pairs: {_untagged(key): _untagged(item) for key, item in pairs},
}
