"""Values of a column as the names of the slices or groups that its rows are in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types as ptypes

from .schema import category_text

MISSING = "missing"
# Slices too small to be judged are reported, but a column of numbers would have thousands.
MOST_SLICES = 50
# Of so many numbers each is a group: codes such as 0 and 1, or years of school.
_MOST_CODES = 10


def slice_values(values: pd.Series) -> np.ndarray:
    """Return the slice that each row is in, as text; a missing value is one, too.

    Example:
        >>> slice_values(pd.Series(["a", None, "b"])).tolist()
        ['a', 'missing', 'b']
    """
    texts = values.map(category_text, na_action="ignore").astype(object)
    return texts.where(values.notna(), MISSING).to_numpy()


def group_values(
    values: pd.Series, edges: Sequence[float] | None = None, quantiles: int = 4
) -> np.ndarray:
    """Return the group that each row is in, as text; numbers are cut into intervals.

    Args:
        values: One column.
        edges: Upper edges of the groups of numbers, rising; the last group is open. None: more than ten different
            numbers are cut at quantiles, and fewer are groups as they are.
        quantiles: How many groups quantiles make.

    Returns:
        Shape (n,).

    Example:
        >>> group_values(pd.Series([18, 25, 61, None]), [25, 60]).tolist()
        ['<= 25', '<= 25', '> 60', 'missing']
    """
    if edges is None:
        dates = ptypes.is_datetime64_any_dtype(values.dtype)
        numeric = ptypes.is_numeric_dtype(values.dtype) and not ptypes.is_bool_dtype(values.dtype)
        if not (numeric or dates) or values.nunique() <= _MOST_CODES:
            return slice_values(values)
        numbers = _seconds(values) if dates else values.to_numpy(dtype=float, na_value=np.nan)
        shares = np.arange(1, quantiles) / quantiles
        found: Any = np.unique(
            np.quantile(numbers[np.isfinite(numbers)], shares, method="inverted_cdf")
        )
        names = [str(pd.Timestamp(edge, unit="s")) for edge in found] if dates else _shown(found)
    else:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        found, names = np.asarray(edges, dtype=float), _shown(edges)
    between = [f"{low} to {high}" for low, high in pairwise(names)]
    texts = np.array([f"<= {names[0]}", *between, f"> {names[-1]}"], dtype=object)
    # An upper edge is in the group below it.
    groups = texts[np.searchsorted(found, np.nan_to_num(numbers))]
    return np.where(np.isnan(numbers), MISSING, groups)


def _seconds(values: pd.Series) -> np.ndarray:
    since: Any = pd.to_datetime(values, utc=True) - pd.Timestamp(0, tz="UTC")
    return (since / pd.Timedelta(1, "s")).to_numpy(dtype=float)


def _shown(edges: Sequence[float]) -> list[str]:
    return [f"{edge:.12g}" for edge in edges]
