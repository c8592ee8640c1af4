"""Judges numbers outside the known range of their column.

The range is widened first (`validation.expectations`). What lies beyond even that is broken data, unless
there is a sign that the world moved:

| sign | what it looks like |
| --- | --- |
| few | at most 1% of the new rows, not farther than ten times the widening: a heavy tail |
| steps | in order, each part of the new rows overlaps the part before, and no gap is between known and new |
| logged | the prediction log shows the same values for the same rows |
| cause | the retraining was asked for because this column drifted in what the model was asked |
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..metrics.losses import Floats
from .new_rows import FEWEST, parts

_FEW = 0.01
_FAR = 10.0
_GAP = 0.5
_EDGES = (0.02, 0.98)
_OVERLAP = 0.5

Sign = Literal["few", "steps", "logged", "cause"]

SIGNS: dict[Sign, str] = {
    "few": "few rows, as in a heavy tail",
    "steps": "in steps, each part of the rows overlapping the one before",
    "logged": "and the prediction log shows the same values for these rows",
    "cause": "and its drift is the cause of this training",
}


@dataclass(frozen=True)
class Departure:
    """Values beyond the known range.

    Attributes:
        rows: Positions among the new rows of those beyond the widened range.
        sign: Why they are believed, or None.
    """

    rows: np.ndarray
    sign: Sign | None


def departure(
    known: Floats,
    new: Floats,
    bounds: tuple[float, float],
    *,
    ordered: bool,
    logged: bool = False,
    cause: bool = False,
) -> Departure | None:
    """Judge the new values beyond some bounds.

    Args:
        known: Finite known values, in order.
        new: New values, in order; NaN where there is none.
        bounds: The known range, widened.
        ordered: Whether the order is that of time.
        logged: Whether the prediction log agrees with the new rows on this column.
        cause: Whether the column is named by the cause.

    Returns:
        What was found, or None when nothing lies beyond.

    Example:
        >>> import numpy as np
        >>> departure(np.arange(100.0), np.arange(100.0, 400.0), (-99, 198), ordered=True).sign
        'steps'
        >>> departure(np.arange(100.0), np.arange(900.0, 999.0), (-99, 198), ordered=True).sign
    """
    low, high = bounds
    beyond = np.isfinite(new) & ((new < low) | (new > high))
    if not beyond.any():
        return None
    rows = np.flatnonzero(beyond)
    values = new[np.isfinite(new)]
    widened = max(known.min() - low, high - known.max()) if len(known) else 0.0
    farthest = max(low - float(values.min()), float(values.max()) - high)
    if len(rows) <= _FEW * len(new) and farthest <= _FAR * widened:
        return Departure(rows, "few")
    if ordered and _in_steps(known, new) and _without_gap(known, values):
        return Departure(rows, "steps")
    return Departure(rows, "logged" if logged else "cause" if cause else None)


def _in_steps(known: Floats, new: Floats) -> bool:
    cut = parts(len(new))
    size = max(cut[0][1] - cut[0][0], FEWEST)
    before = known[-size:]
    for first, end in cut:
        part = new[first:end]
        part = part[np.isfinite(part)]
        if not len(part):
            continue
        if not len(before):
            return False
        low, high = np.quantile(before, _EDGES)
        lower, upper = np.quantile(part, _EDGES)
        room = _OVERLAP * max(high - low, upper - lower)
        if lower > high + room or upper < low - room:
            return False
        before = part
    return True


def _without_gap(known: Floats, values: Floats) -> bool:
    # The farthest hundredth may be as lonely as in any tail.
    low, high = float(known.min()), float(known.max())
    above, below = np.sort(values[values > high]), np.sort(-values[values < low])
    spare = int(_FEW * len(values))
    width = high - low
    for side, edge in ((above, high), (below, -low)):
        kept = np.r_[edge, side[: max(len(side) - spare, 0)]]
        if np.any(np.diff(kept) > _GAP * (kept[:-1] - edge + width)):
            return False
        if len(side) and side[-1] - kept[-1] > _FAR * (kept[-1] - edge + width):
            return False
    return True
