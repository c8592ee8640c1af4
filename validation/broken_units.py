"""Detects numbers in another unit: multiplied, divided, converted or negated.

Drift moves a column; a changed unit multiplies it, from one row on or in single rows. So a part of
the new rows is held against the known ones at 19 quantiles: as it is, moved by the difference of the
medians, and divided by each usual factor. It is broken when a factor explains it and a move does not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..metrics.losses import Floats
from .new_rows import FEWEST, segments

_LEVELS = np.linspace(0.05, 0.95, 19)
_POWERS = [10.0**power for power in (1, 2, 3, 4, 6, 9)]
_LARGE = [*_POWERS, 60.0, 3600.0, 86_400.0, 1024.0]
# Closer to 1 than 10, a factor may be growth: it counts only where old and new values do not overlap.
_SMALL = {
    "kilometres and miles": 1.609344,
    "inches and centimetres": 2.54,
    "feet and metres": 3.28084,
    "pounds and kilograms": 2.204623,
    "gallons and litres": 3.785412,
}
_APART = 1.5
_TOLERANCE = 0.1
_CLOSE = 0.03
_LOOSE_FROM = 50.0
_LOOSE = 0.5
_SCATTERED_FROM = 50.0
_SCATTERED_ROWS = 10
_DISTINCT = 10
_SPREADS = (0.4, 2.5)


@dataclass(frozen=True)
class Unit:
    """A way to write the same quantity in other numbers.

    Attributes:
        name: How new values came from known ones, for people.
        undo: Turns new values into what they would have been.
        factor: By what they were multiplied; 0 for Fahrenheit.
    """

    name: str
    undo: Callable[[Floats], Floats]
    factor: float


def _multiplied(factor: float, name: str = "") -> Unit:
    said = f"times {factor:.7g}" if abs(factor) >= 1 else f"divided by {1 / factor:.7g}"
    return Unit(f"{said} ({name})" if name else said, lambda v: v / factor, factor)


UNITS = [
    *(_multiplied(factor) for large in _LARGE for factor in (large, 1 / large)),
    *(_multiplied(factor, name) for name, f in _SMALL.items() for factor in (f, 1 / f)),
    _multiplied(-1.0, "the sign is flipped"),
    Unit("times 1.8 plus 32 (Fahrenheit)", lambda v: (v - 32) / 1.8, 0.0),
    Unit("less 32 divided by 1.8 (Celsius)", lambda v: v * 1.8 + 32, 0.0),
]


def changed_unit(known: Floats, new: Floats) -> tuple[Unit, np.ndarray] | None:
    """Find out whether new numbers are known ones in another unit.

    Args:
        known: Finite known values, in order.
        new: New values, in order; NaN where there is none.

    Returns:
        The unit and the positions in `new`, or None.

    Example:
        >>> metres = np.random.default_rng(0).normal(40.0, 10.0, 2_000)
        >>> unit, rows = changed_unit(metres[:1_500], metres[1_500:] * 1_000)
        >>> unit.name, len(rows)
        ('times 1000', 500)
        >>> changed_unit(metres[:1_500], metres[1_500:] + 60.0) is None
        True
    """
    if len(known) < FEWEST or len(np.unique(known)) < _DISTINCT:
        return None
    found: Unit | None = None
    hit = np.zeros(len(new), dtype=bool)
    before = np.concatenate([known, new])
    for first, end in segments(len(new)):
        part = new[first:end]
        values = part[np.isfinite(part)]
        if len(values) < FEWEST or len(np.unique(values)) < _DISTINCT:
            continue
        unit = _explains(known, values)
        if unit is None:
            continue
        start = len(known) + first - 2 * (end - first)
        earlier = before[max(start, 0) : max(start, 0) + (end - first)]
        if _at_once(earlier[np.isfinite(earlier)], values, unit):
            found = found or unit
            hit[first:end] |= np.isfinite(part)
    if found is not None:
        return found, np.flatnonzero(hit)
    return _scattered(known, new)


def _explains(known: Floats, values: Floats) -> Unit | None:
    old, new = np.quantile(known, _LEVELS), np.quantile(values, _LEVELS)
    old_spread, new_spread = old[-1] - old[0], new[-1] - new[0]
    if not (old_spread > 0 and new_spread > 0):
        return None
    narrow = min(old_spread, new_spread)
    if np.abs(new - old).mean() / narrow < _APART:
        return None
    moved = np.abs((new - np.median(new)) - (old - np.median(old))).mean() / narrow
    noise = 1.0 / np.sqrt(len(values))
    overlap = (values >= known.min()) & (values <= known.max())
    best: tuple[float, Unit] | None = None
    for unit in UNITS:
        undone = np.sort(unit.undo(new))
        fit = float(np.abs(undone - old).mean() / old_spread)
        if not _SPREADS[0] <= (undone[-1] - undone[0]) / old_spread <= _SPREADS[1]:
            continue
        size = max(abs(unit.factor), 1 / abs(unit.factor)) if unit.factor else 1.0
        if size >= 10.0:
            limit = _LOOSE if size >= _LOOSE_FROM else _TOLERANCE + noise
            fits = fit <= limit and moved >= max(1.0, 4.0 * fit)
        else:
            near = fit <= _CLOSE + 0.4 * noise and float(overlap.mean()) <= 0.02
            # Mirrored, a symmetric column only looks moved: that it landed there is sign enough.
            fits = near and (unit.factor == -1.0 or moved >= 2.0 * fit)
        if fits and (best is None or fit < best[0]):
            best = fit, unit
    return best[1] if best else None


def _at_once(earlier: Floats, values: Floats, unit: Unit) -> bool:
    # Ten times as much in many steps is growth.
    if len(earlier) < FEWEST:
        return True
    before, after = np.median(np.abs(earlier)), np.median(np.abs(values))
    if unit.factor == -1.0:
        return bool(np.sign(np.median(earlier)) != np.sign(np.median(values)))
    if unit.factor == 0.0 or before == 0.0 or after == 0.0:
        return True
    return bool(abs(np.log(after / before)) >= 0.6 * abs(np.log(abs(unit.factor))))


def _scattered(known: Floats, new: Floats) -> tuple[Unit, np.ndarray] | None:
    """Single rows in another unit, among right ones: all of them lie outside the known range."""
    outside = np.flatnonzero((new < known.min()) | (new > known.max()))
    outside = outside[np.isfinite(new[outside])]
    values = new[outside]
    if len(values) < _SCATTERED_ROWS or len(np.unique(values)) < _SCATTERED_ROWS:
        return None
    old, found = np.quantile(known, _LEVELS), np.quantile(values, _LEVELS)
    spread = old[-1] - old[0]
    if spread <= 0:
        return None
    for unit in UNITS:
        if not unit.factor or max(abs(unit.factor), 1 / abs(unit.factor)) < _SCATTERED_FROM:
            continue
        undone = np.sort(unit.undo(found))
        fit = np.abs(undone - old).mean() / spread
        alike = _SPREADS[0] <= (undone[-1] - undone[0]) / spread <= _SPREADS[1]
        if alike and fit <= _TOLERANCE + 0.5 / np.sqrt(len(values)):
            return unit, outside
    return None
