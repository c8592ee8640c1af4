"""Recognises numbers in text, and parses them without losing digits.

| values of a column | it is |
| --- | --- |
| numbers, beside words such as NA, N/A, NaN, null, None | numbers; the words are missing |
| a number with a leading zero somewhere, such as 007 | codes: text; 0, 0.5 and -0.5 have none |
| true and false | booleans |
| anything else | text |
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute

from .whole_numbers import whole_array

# Its functions are made when it is loaded, where no type checker sees them.
pc: Any = pyarrow.compute

TextKind = Literal["nothing", "number", "boolean", "code", "text"]

# What pandas and most tools write for a missing number.
MISSING_NUMBERS = frozenset(
    (
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
_BOOLEANS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INFINITE = r"(?i:inf|infinity)"
_LEADING_ZERO = r"^[+-]?0\d"
# Spreadsheets separate thousands by spaces that do not break.
_SPACES = "[ \u00a0\u202f]"
_SIGNS = r"[$€£¥₹%‰]"
_FOREIGN = re.compile(
    r"[+-]?(?:\d{1,3}(?:[.,'\u2019\s\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?|[+-]?[.,]\d+", re.ASCII
)
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity)", re.I | re.A)


@dataclass(frozen=True)
class NumberFormat:
    """How numbers are written.

    Attributes:
        decimal: Character before the fraction.
        thousands: Character between thousands, which then come in threes. None: there is none.
    """

    decimal: str = "."
    thousands: str | None = None

    @property
    def pattern(self) -> str:
        """Regular expression of a number, as RE2 takes it."""
        point = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands is not None:
            mark = _SPACES if self.thousands == " " else re.escape(self.thousands)
            whole = rf"(?:\d{{1,3}}(?:{mark}\d{{3}})+|\d+)"
        return rf"^[+-]?(?:(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?|{_INFINITE})$"

    def plain(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return numbers as every parser takes them."""
        if self.thousands is not None:
            mark = _SPACES if self.thousands == " " else re.escape(self.thousands)
            texts = pc.replace_substring_regex(texts, mark, "")
        if self.decimal != ".":
            texts = pc.replace_substring(texts, self.decimal, ".")
        return pc.replace_substring_regex(texts, r"^\+", "")


def trimmed(texts: pa.ChunkedArray, null_words: Collection[str] = ()) -> pa.ChunkedArray:
    """Return text without spaces around it; what is empty then, or stands for nothing, is null."""
    bare = pc.utf8_trim_whitespace(texts)
    nothing = pc.is_in(bare, pa.array(["", *null_words], pa.string()))
    return pc.if_else(nothing, pa.scalar(None, pa.string()), bare)


def kind_of(texts: pa.ChunkedArray, numbers: NumberFormat) -> TextKind:
    """Say what the values of a column of text are.

    Args:
        texts: As `trimmed` leaves them.
        numbers: How numbers are written.

    Returns:
        See the module; `nothing` when no value says anything.

    Example:
        >>> [kind_of(pa.chunked_array([values]), NumberFormat()) for values in
        ...  (["1", "NA"], ["07", "1"], ["true"], ["NA", "PT"], ["NA", None])]
        ['number', 'code', 'boolean', 'text', 'nothing']
    """
    values = pc.unique(texts).drop_null()
    words = pc.is_in(values, pa.array(sorted(MISSING_NUMBERS)))
    values = values.filter(pc.invert(words))
    if not len(values):
        return "nothing"
    if pc.all(pc.is_in(values, pa.array(list(_BOOLEANS)))).as_py():
        return "boolean"
    if not pc.all(pc.match_substring_regex(values, numbers.pattern)).as_py():
        return "text"
    zeros = pc.any(pc.match_substring_regex(values, _LEADING_ZERO)).as_py()
    return "code" if zeros else "number"


def numbers_of(texts: pa.ChunkedArray, numbers: NumberFormat) -> pa.ChunkedArray:
    """Read numbers: whole ones as such, with every digit, others as the nearest float64.

    Args:
        texts: A column that `kind_of` calls `number`, or `nothing`.
        numbers: How numbers are written.

    Example:
        >>> numbers_of(pa.chunked_array([["1,5", "NA"]]), NumberFormat(",")).to_pylist()
        [1.5, None]
    """
    words = pc.is_in(texts, pa.array(sorted(MISSING_NUMBERS)))
    plain = numbers.plain(pc.if_else(words, pa.scalar(None, pa.string()), texts))
    if (
        plain.null_count == len(plain)
        or not pc.all(pc.match_substring_regex(plain, r"^-?\d+$")).as_py()
    ):
        return plain.cast(pa.float64())
    try:
        return plain.cast(pa.int64())
    except pa.ArrowInvalid:
        whole = [None if text is None else int(text) for text in plain.to_pylist()]
        return pa.chunked_array([whole_array(whole)])


def booleans_of(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Read a column that `kind_of` calls `boolean`, or `nothing`."""
    return pa.chunked_array([pa.array(map(_BOOLEANS.get, texts.to_pylist()), pa.bool_())])


def is_plain_number(text: str) -> bool:
    """Return whether text is a number as Python writes it.

    Example:
        >>> is_plain_number("-1e5"), is_plain_number("1_000"), is_plain_number("0,5")
        (True, False, False)
    """
    return _PLAIN.fullmatch(text.strip()) is not None


def is_foreign_number(text: str) -> bool:
    """Return whether text is a number with other marks: a decimal comma, thousands, a currency, a percent.

    Example:
        >>> [is_foreign_number(text) for text in ("0,5", "100,000.5", "€ 3", "12 %", "7", "a7", "18-25")]
        [True, True, True, True, False, False, False]
    """
    bare = re.sub(_SIGNS, "", text).strip()
    return not is_plain_number(text) and (
        _FOREIGN.fullmatch(bare) is not None or (bare != text.strip() and is_plain_number(bare))
    )
