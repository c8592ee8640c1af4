"""Chooses the Arrow type of each column of a table of predictions.

Every store keeps a list of the kinds of value that each field ever had for a model, written before
the first row that has one. A column takes the narrowest type that holds them all, whatever the window
has of them, so that windows of one model look alike:

| values | Arrow type |
| --- | --- |
| one kind: booleans, integers of 64 bits, numbers, text, bytes | `bool`, `int64`, `float64`, `string`, `binary` |
| booleans and integers of 64 bits | `int64` |
| integers beyond 64 bits, of at most 38 digits, and any of these | `decimal256(76, 0)` |
| Decimals of at most 38 digits on each side of the point, and any of these | `decimal256(76, 38)` |
| numbers, and integers, booleans or Decimals that a float holds | `float64` |
| datetimes with a zone, without one, dates | `timestamp[us, UTC]`, `timestamp[us]`, `date32` |
| any other mixture, lists, mappings | `string`, as Python's `str` writes the values, lists and mappings as JSON |
| None only | `null`; for the label, the prediction's type |

No value is rounded: beside a number such as 0.5, an integer like 2^53 + 1, which no float equals, makes the
column text, and so does a Decimal of more digits than its float is written with. The first release did not
tell these apart: what it logged comes as the nearest float beside numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..core.table_columns import FEATURE_PREFIX, SCORE_PREFIX
from .fields import FEATURE, SCORE, SPECIAL, Column, escaped, unescaped

if TYPE_CHECKING:
    import pyarrow as pa

NATIVE = frozenset({"boolean", "integer", "wide", "number", "text"})
_WHOLE = frozenset({"boolean", "integer", "wide"})
_LONG = _WHOLE | {"long"}
_DECIMALS = _LONG | {"decimal", "precise"}
_NUMBERS = frozenset({"boolean", "integer", "number", "nonfinite", "decimal"})


class ColumnLayout(NamedTuple):
    """One column of a table.

    Attributes:
        name: Of the column, `features.age` for example.
        field: Of the document.
        kinds: Kinds of value that the field ever had, None aside.
        type: Arrow type.
    """

    name: str
    field: str
    kinds: frozenset[str]
    type: pa.DataType

    @property
    def native(self) -> frozenset[str]:
        """Kinds of value that are stored in the field itself."""
        return self.kinds & NATIVE

    @property
    def special(self) -> bool:
        """Whether some values are text in a field of their own."""
        return bool(self.kinds - NATIVE)

    @property
    def decoded(self) -> bool:
        """Whether its native values need Python to tell them apart."""
        import pyarrow as pa

        return len(self.native) > 1 and pa.types.is_string(self.type)


def column_layouts(known: Iterable[Column], columns: Sequence[str] | None) -> list[ColumnLayout]:
    """Return the prediction, label, score and feature columns of a table.

    Args:
        known: Fields of a model and the kinds of value that they ever had.
        columns: Features wanted, in this order. None: all, by name.

    Returns:
        The columns.
    """
    kinds: dict[str, set[str]] = {"prediction": set(), "label": set()}
    for field, kind in known:
        kinds.setdefault(field, set()).add(kind)
    fields = {"prediction": "prediction", "label": "label"}
    fields |= _named(SCORE_PREFIX, SCORE, kinds)
    features = _named(FEATURE_PREFIX, FEATURE, kinds)
    if columns is not None:
        features = {f"{FEATURE_PREFIX}{name}": escaped(FEATURE, name) for name in columns}
    layouts = [_layout(name, field, kinds) for name, field in (fields | features).items()]
    answer, label, *others = layouts
    if not label.kinds:
        label = label._replace(type=answer.type)
    return [answer, label, *others]


def stored_fields(layouts: Iterable[ColumnLayout]) -> list[str]:
    """Return the fields that columns are made of."""
    return [
        field
        for layout in layouts
        for field in (layout.field, *([f"{SPECIAL}{layout.field}"] if layout.special else []))
    ]


def _named(column_prefix: str, prefix: str, kinds: Mapping[str, object]) -> dict[str, str]:
    fields = [field for field in kinds if field.startswith(prefix)]
    return dict(sorted((f"{column_prefix}{unescaped(field)}", field) for field in fields))


def _layout(name: str, field: str, kinds: Mapping[str, set[str]]) -> ColumnLayout:
    found = frozenset(kinds.get(field, set()) - {"null"})
    return ColumnLayout(name, field, found, _type(found, is_score=field.startswith(SCORE)))


def _type(kinds: frozenset[str], *, is_score: bool) -> pa.DataType:
    import pyarrow as pa

    alone = {
        "boolean": pa.bool_(),
        "text": pa.string(),
        "bytes": pa.binary(),
        "moment": pa.timestamp("us", "UTC"),
        "local": pa.timestamp("us"),
        "date": pa.date32(),
    }
    if is_score:
        return pa.float64()
    if not kinds:
        return pa.null()
    if len(kinds) == 1 and (kind := next(iter(kinds))) in alone:
        return alone[kind]
    for those, type_ in (
        (_WHOLE, pa.int64()),
        (_LONG, pa.decimal256(76, 0)),
        (_DECIMALS, pa.decimal256(76, 38)),
        (_NUMBERS, pa.float64()),
    ):
        if kinds <= those:
            return type_
    return pa.string()
