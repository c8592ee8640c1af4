"""Recognises features that only rise: dates, counters, row numbers.

Every new row is outside what was known of them, for ever: neither a bound nor a distance from the
past means anything, and a tree cannot extrapolate them.
"""

from __future__ import annotations

import numpy as np

# Fewer steps than these may be chance, or a month of the year's first half.
_DISTINCT = 20
_ROWS = 50
_MAY_FALL = 0.01

RISING = (
    "only rises: every new row is outside the known range, and a tree cannot extrapolate it. Derive "
    "differences or seasons from it, or list it in columns.ignored"
)


def only_rises(values: np.ndarray) -> bool:
    """Say whether values only rise with the row number.

    Args:
        values: Numbers in time order, NaN where missing; moments as seconds.

    Returns:
        Whether they take at least 20 values in at least 50 rows, at most 1% of the steps that change
        something lead down, and none falls back by a tenth of the range.

    Example:
        >>> only_rises(np.arange(100.0)), only_rises(np.sin(np.arange(100.0)))
        (True, False)
    """
    present = values[np.isfinite(values)]
    if len(present) < _ROWS or len(np.unique(present)) < _DISTINCT:
        return False
    steps = np.diff(present)
    changes = steps[steps != 0.0]
    fallen = np.maximum.accumulate(present) - present
    span = float(present.max() - present.min())
    few = float((changes < 0.0).mean()) <= _MAY_FALL
    return few and float(fallen.max()) <= 0.1 * span
