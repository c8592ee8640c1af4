"""Converts ids to text, the same text whatever their data type.

Predictions, labels and splits are matched by the text of an id. The same id may arrive as 1000, as
1000.0 (a null elsewhere turned its column into floats), as `Decimal("1000")` (a database's NUMERIC) or as
the text `1000.0` (a file written from such floats): every way in goes through here. A service's logger
does, too, so that neither pandas nor NumPy is imported before they are needed.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ..core.names import text_of

if TYPE_CHECKING:
    import pandas as pd

# What formatting a whole number as a float leaves behind; a code such as 007.0 never comes of it.
_RUINED = re.compile(r"(0|-?[1-9]\d*)\.0")
_WHOLE = re.compile(r"0|-?[1-9]\d*")
_NO_TIME, _NO_VALUE = "NaTType", "NAType"


def id_text(value: object) -> str:
    """Return an id as text: the same for 1000, 1000.0, `Decimal("1000")` and "1000.0".

    Text keeps its zeros and loses the spaces around it. Whole numbers of any size keep every digit.
    Missing values are the caller's to find first: see `id_texts`.

    Args:
        value: An id: a number, text, or anything else, such as a UUID or a moment.

    Returns:
        Its text. `id_text(id_text(x)) == id_text(x)`.

    Example:
        >>> [id_text(x) for x in (1000, 1000.0, "1000.0", " 7 ", "007", 1000.5)]
        ['1000', '1000', '1000', '7', '007', '1000.5']
    """
    if isinstance(value, Decimal):
        return _decimal_text(value)
    number = _float(value)
    if number is not None:
        return str(int(number)) if number.is_integer() else str(value)
    text = text_of(value).strip()
    ruined = _RUINED.fullmatch(text)
    return ruined[1] if ruined else text


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
    ruined = f"{text}.0" if _WHOLE.fullmatch(text) else text
    return [other for other in dict.fromkeys([text_of(value), ruined]) if other != text]


def _float(value: object) -> float | None:
    """Return a float of Python's or NumPy's as Python's; None for anything else."""
    if isinstance(value, float):
        return float(value)
    is_numpys = getattr(getattr(value, "dtype", None), "kind", "") == "f"
    return float(value) if is_numpys else None  # pyright: ignore[reportArgumentType]


def _decimal_text(value: Decimal) -> str:
    if not value.is_finite():
        return str(value)
    if value == value.to_integral_value():
        return str(int(value))
    # 1000.50 and 1000.5 are one number.
    return format(value, "f").rstrip("0")


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, NaT, `pd.NA`, or text without any character."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Decimal):
        return value.is_nan()
    number = _float(value)
    if number is not None:
        return math.isnan(number)
    return value is None or type(value).__name__ in (_NO_TIME, _NO_VALUE)


def id_texts(values: pd.Series) -> pd.Series:
    """Return ids as text, and None where there is none.

    Args:
        values: Ids of any dtype.

    Returns:
        Objects, with the index and name of `values`.

    Example:
        >>> import pandas as pd
        >>> id_texts(pd.Series([1000.0, None])).tolist()
        ['1000', None]
    """
    import pandas as pd

    texts = [None if is_missing(value) else id_text(value) for value in values]
    return pd.Series(texts, index=values.index, name=values.name, dtype=object)
