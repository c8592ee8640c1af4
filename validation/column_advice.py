"""Advises on columns that no model learns from: free text and ids."""

from __future__ import annotations

import pandas as pd
from pandas.api import types

from ..core.results import Gate
from ..core.settings import Columns

# Beyond this share of different values most categories are seen once: nothing repeats.
_LARGEST_SHARE = 0.5
_FEWEST_ROWS = 100


def column_advice(frame: pd.DataFrame, columns: Columns) -> list[Gate]:
    """Return advice on features that are probably free text, an id or a row number.

    Args:
        frame: Rows.
        columns: Roles; columns named in `categorical` are believed.

    Returns:
        A gate that does not block for each; none for fewer than 100 rows with a value.

    Example:
        >>> rows = pd.DataFrame({"note": [f"call {i}" for i in range(200)], "y": [0, 1] * 100})
        >>> [gate.name for gate in column_advice(rows, Columns(target="y"))]
        ['note: values that repeat']
    """
    gates = []
    for name in columns.feature_names([str(column) for column in frame]):
        if name not in frame or name in columns.categorical:
            continue
        present = frame[name].dropna()
        if len(present) < _FEWEST_ROWS:
            continue
        said = _texts(present) or _counts(present)
        if said:
            gates.append(
                Gate(
                    name=f"{name}: values that repeat",
                    verdict="failed",
                    reason=f"column {name!r} {said}; list it in columns.ignored, or, if it is right, in "
                    "columns.categorical",
                    value=float(present.nunique()),
                    threshold=float(int(_LARGEST_SHARE * len(present))),
                    blocking=False,
                )
            )
    return gates


def _texts(present: pd.Series) -> str | None:
    if not isinstance(present.iloc[0], str):
        return None
    different = int(present.nunique())
    if different <= _LARGEST_SHARE * len(present):
        return None
    return f"has {different:,} different texts in {len(present):,} rows: text or an id"


def _counts(present: pd.Series) -> str | None:
    if not types.is_integer_dtype(present.dtype):
        return None
    rows = len(present)
    if present.nunique() != rows or int(present.max()) - int(present.min()) != rows - 1:
        return None
    return f"counts {rows:,} rows from {int(present.min())} to {int(present.max())}: a row number or an id"
