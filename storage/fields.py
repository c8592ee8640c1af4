"""Encodes features, scores, predictions and labels as the fields of a BSON document.

Rows of one service have the same names and types. What was found out about the first is kept, and the
next are written by one call of BSON's encoder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from math import isfinite
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import bson
from bson.errors import InvalidStringData

from ..core.names import text_of
from .codec import encode, python_scalar

FEATURE, SCORE, SPECIAL = "f_", "s_", "x_"
_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "text",
}
_NATIVE = frozenset({*_KINDS.values(), "wide"})
# Whole numbers that are all floats too; of larger ones, most are not.
_EXACT = range(-(2**53), 2**53 + 1)
# Digits on each side of a Decimal's point, as many as the column of a table has.
_DIGITS = 38
_MAX_LAYOUTS = 512
_ANSWERS = ("prediction", "label")

Column = tuple[str, str]


class _Layout(NamedTuple):
    """How rows with the same names and types are written.

    Attributes:
        fields: Field of every value: the prediction, the label if there is one, features, scores.
        converters: Makes Python's own values of NumPy's scalars; None when all are Python's.
        numbers: Picks the floats among the values, which may not be finite.
        integers: Picks the integers, which may be of another kind.
        columns: Fields and kinds.
    """

    fields: tuple[str, ...]
    converters: tuple[Callable[[Any], Any], ...] | None
    numbers: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    integers: Callable[[tuple[Any, ...]], tuple[Any, ...]]
    columns: frozenset[Column]


_layouts: dict[tuple[Any, ...], _Layout] = {}


@lru_cache(maxsize=100_000)
def escaped(prefix: str, name: str) -> str:
    """Return the field of a feature or class."""
    text = quote(name, safe="", errors="surrogatepass").replace(".", "%2E")
    return f"{prefix}{text}"


@lru_cache(maxsize=100_000)
def unescaped(field: str) -> str:
    """Return the name of the feature or class that a field is for."""
    return unquote(field[2:], errors="surrogatepass")


def python_label(field: str, given: Any) -> str | int | float | bool:
    """Return a prediction or label as one of Python's own values.

    Raises:
        TypeError: If it is neither text, a number nor a boolean.
    """
    value = python_scalar(given)
    if type(value) not in (bool, int, float, str):
        raise TypeError(f"{field} {given!r} cannot be logged: expected text, a number or a boolean")
    return value


def encode_fields(
    document: dict[str, Any],
    answers: tuple[Any, ...],
    features: Mapping[str, Any],
    score: Mapping[str, float],
) -> tuple[bytes, frozenset[Column]]:
    """Write a document, fast for rows with the names and types of an earlier one.

    Args:
        document: Fields that are written already; changed.
        answers: The prediction, and the label if it is known.
        features: Feature name to value.
        score: Class to probability; empty when there is none.

    Returns:
        The BSON document, and its fields with the kinds of value that they have.

    Raises:
        TypeError: If a value cannot be logged; the message names it.
        ValueError: If two names are the same text, or a name or value has no text.
    """
    values = (*answers, *features.values(), *score.values())
    signature = (len(answers), len(features), *features, *score, *map(type, values))
    layout = _layouts.get(signature)
    if layout is not None:
        if layout.converters is not None:
            values = tuple(map(_call, layout.converters, values))
        # Only a sum of finite numbers is finite; one that overflows takes the long way, too.
        finite = isfinite(sum(layout.numbers(values)))
        if finite and all(map(_EXACT.__contains__, layout.integers(values))):
            document.update(zip(layout.fields, values, strict=False))
            try:
                return bson.encode(document), layout.columns
            except (OverflowError, UnicodeEncodeError, InvalidStringData):
                # Integers beyond 64 bits and broken text have the same types as what fits.
                for field in layout.fields:
                    del document[field]
    exact = {
        **{name: python_label(name, value) for name, value in zip(_ANSWERS, answers, strict=False)},
        **{_field(FEATURE, name): value for name, value in features.items()},
        # A score may come as a whole number.
        **{_field(SCORE, name): float(value) for name, value in score.items()},
    }
    if len(exact) < len(values):
        names = [*features, *score]
        raise ValueError(f"the names {names} are not different texts: rename a feature or class")
    columns = [_write(document, field, value) for field, value in exact.items()]
    # A name that is no text is equal to others that are written otherwise: 1 and True.
    named = all(type(name) is str for name in (*features, *score))
    if layout is None and named and all(kind in _NATIVE - {"wide"} for _, kind in columns):
        _remember(signature, values, columns, scores=len(score))
    return bson.encode(document), frozenset(columns)


def _remember(
    signature: tuple[Any, ...], values: tuple[Any, ...], columns: list[Column], scores: int
) -> None:
    """Keep how a row was written, if every value is Python's own or is made so by one call."""
    converters: list[Callable[[Any], Any]] = []
    for place, value in enumerate(values, start=1):
        kind: Any = type(value)
        if place > len(values) - scores and kind is not float:
            converters.append(float)
        elif kind in _KINDS:
            converters.append(_same)
        elif isinstance(value, str):
            converters.append(text_of)
        elif _is_scalar(value):
            converters.append(attrgetter("item")(kind))
        else:
            return
    if len(_layouts) >= _MAX_LAYOUTS:
        _layouts.clear()
    numbers, integers = (
        [place for place, (_, kind) in enumerate(columns) if kind == wanted]
        for wanted in ("number", "integer")
    )
    _layouts[signature] = _Layout(
        fields=tuple(field for field, _ in columns),
        converters=tuple(converters) if set(converters) != {_same} else None,
        numbers=_picker(numbers),
        integers=_picker(integers),
        columns=frozenset(columns),
    )


def _picker(places: list[int]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    # Of one place alone, `itemgetter` would pick no tuple.
    return itemgetter(*places) if len(places) > 1 else partial(_picked, places)


def _picked(places: list[int], values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple([values[place] for place in places])


def _is_scalar(value: Any) -> bool:
    """Whether `item` makes a boolean, integer or float of it."""
    dtype = getattr(value, "dtype", None)
    return (
        getattr(value, "ndim", None) == 0
        and getattr(dtype, "kind", "") in "biuf"
        and getattr(dtype, "itemsize", 16) <= 8
    )


def _call(converter: Callable[[Any], Any], value: Any) -> Any:
    return converter(value)


def _same(value: Any) -> Any:
    return value


def _field(prefix: str, name: Any) -> str:
    text = text_of(name)
    try:
        text.encode()
    except UnicodeEncodeError:
        # No column of a table could be called so.
        raise ValueError(
            f"the name {text!r} has half of a surrogate pair: rename the feature or class"
        ) from None
    return escaped(prefix, text)


def _write(document: dict[str, Any], field: str, value: Any) -> Column:
    try:
        return write_field(document, field, value)
    except (TypeError, ValueError) as error:
        what = field if field in _ANSWERS else f"feature {unescaped(field)!r}"
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{what}: {error}") from error


def write_field(document: dict[str, Any], field: str, given: Any) -> Column:
    """Add one value to a document, and return its field and kind."""
    value = python_scalar(given)
    kind = _kind(value)
    if kind in _NATIVE:
        document[field] = value
    else:
        document[f"{SPECIAL}{field}"] = encode(value)
    return field, kind


def _kind(value: Any) -> str:
    kind = _KINDS.get(type(value))
    if kind == "number" and not isfinite(value):
        return "nonfinite"
    if kind == "integer" and value not in _EXACT:
        if -(2**63) <= value < 2**63:
            return "integer" if int(float(value)) == value else "wide"
        return "long" if abs(value) < 10**_DIGITS else "large"
    if kind == "text":
        try:
            value.encode()
        except UnicodeEncodeError:
            return "other"
    if kind is not None:
        return kind
    if isinstance(value, datetime):
        return _kind_of_moment(value)
    if isinstance(value, Decimal):
        _, digits, exponent = value.as_tuple()
        if not isinstance(exponent, int) or not -_DIGITS <= exponent <= _DIGITS - len(digits):
            return "other"
        return "decimal" if Decimal(repr(float(value))) == value else "precise"
    if isinstance(value, bytes | bytearray | memoryview):
        return "bytes"
    return "date" if isinstance(value, date) else "other"


def _kind_of_moment(value: datetime) -> str:
    if value.utcoffset() is None:
        return "local"
    try:
        value.astimezone(UTC)
    except OverflowError:
        # No table holds moments before the year 1 or after 9999.
        return "other"
    return "moment"
