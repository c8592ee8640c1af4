"""One id is one id, whatever a null elsewhere turned its column into.

A column of whole numbers comes back as floats once a value is missing, and as text from another file. Its
ids must still find their predictions, so every id is brought to one text where it enters.
"""

from __future__ import annotations

import re
from decimal import Decimal

from .text import text_of

_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]*)")
_WHOLE = re.compile(r"(-?)(0|[1-9][0-9]*)\.0+")
# Beyond, Python may refuse to write the digits out; no float is larger.
_MOST_DIGITS = 400


def id_text(value: object) -> str:
    """Return an id as text, the same for 1000, 1000.0, `Decimal("1000")`, `"1000"` and `"1000.0"`.

    Args:
        value: The id, not missing.

    Returns:
        Whole numbers as digits, exactly; text without space around it. Zeros in front are part of an id.

    Example:
        >>> id_text(1000.0), id_text("1000.0"), id_text(" 007 "), id_text(2**63 + 1)
        ('1000', '1000', '007', '9223372036854775809')
    """
    if isinstance(value, str):
        text = text_of(value).strip()
        whole = _WHOLE.fullmatch(text)
        if whole is None:
            return text
        sign, digits = whole.groups()
        return digits if digits == "0" else sign + digits
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST_DIGITS:
        if value == value.to_integral_value():
            return str(int(value))
        return f"{value.normalize():f}"
    return str(value)


def earlier_texts(value: object) -> list[str]:
    """Return the texts that an id may have been logged under before there was one text for it.

    Args:
        value: The id, not missing.

    Returns:
        Texts other than `id_text(value)`, without repetition.

    Example:
        >>> earlier_texts(1000), earlier_texts(" a"), earlier_texts("a")
        (['1000.0'], [' a'], [])
    """
    text = id_text(value)
    raw = text_of(value) if isinstance(value, str) else str(value)
    floated = f"{text}.0" if _DIGITS.fullmatch(text) else text
    return [other for other in dict.fromkeys([raw, floated]) if other != text]
