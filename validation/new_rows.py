"""Finds the rows of a snapshot that the champion was not trained on.

A mean over 20,000 good rows hides 500 broken ones: what is judged are the new rows, and of these
also parts of their own, as a source that breaks does so from some row on.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd
from pandas.api import types

from ..data.schema import category_text

FEWEST = 30
_PARTS = 8
_PART_ROWS = 50

Segment = tuple[int, int]


def row_hashes(frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Return a hash of every row's values.

    Args:
        frame: Rows.
        names: Columns that count.

    Returns:
        Shape (rows,), uint64. A whole number hashes like the float it becomes beside a null.

    Example:
        >>> one, two = pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1.0, None]})
        >>> (row_hashes(one, ["a"]) == row_hashes(two, ["a"])).tolist()
        [True, False]
    """
    plain = pd.DataFrame({name: _plain(frame[name]) for name in names}, index=frame.index)
    return pd.util.hash_pandas_object(plain, index=False).to_numpy()


def _plain(values: pd.Series) -> pd.Series:
    if types.is_datetime64_any_dtype(values.dtype):
        return values.astype("int64")
    if types.is_numeric_dtype(values.dtype):
        return values.astype("float64")
    return values.map(category_text, na_action="ignore").astype(object).where(values.notna(), "")


def new_part(known: pd.DataFrame, rows: pd.DataFrame) -> np.ndarray:
    """Find the rows that known ones do not account for: new, changed, or there once too often.

    Args:
        known: Rows the champion was trained on.
        rows: A snapshot: usually the known rows and newer ones.

    Returns:
        Positions in `rows`, in order. Without a column in common: all.

    Example:
        >>> new_part(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2, 2, 3]})).tolist()
        [2, 3]
    """
    shared = [str(name) for name in rows if name in known]
    if not shared:
        return np.arange(len(rows))
    found = pd.Series(row_hashes(rows, shared))
    counts = pd.Series(row_hashes(known, shared)).value_counts()
    before = found.groupby(found).cumcount()
    return np.flatnonzero(before >= found.map(counts).fillna(0))


def segments(rows: int) -> list[Segment]:
    """Cut new rows into the parts that are judged.

    Args:
        rows: How many there are.

    Returns:
        `(first, end)` of all of them, of up to eight equal parts, and of the latest half, quarter
        and so on down to about 50 rows.

    Example:
        >>> segments(120)
        [(0, 120), (0, 60), (60, 120)]
    """
    found = [(0, rows), *parts(rows), *((rows - size, rows) for size in _halves(rows))]
    return [(first, end) for first, end in dict.fromkeys(found) if end - first >= FEWEST]


def parts(rows: int) -> list[Segment]:
    """Return the equal parts of `segments` alone, in order."""
    count = max(1, min(_PARTS, rows // _PART_ROWS))
    edges = np.linspace(0, rows, count + 1).astype(int).tolist()
    return list(itertools.pairwise(edges))


def _halves(rows: int) -> Iterator[int]:
    size = rows // 2
    while size >= _PART_ROWS:
        yield size
        size //= 2
