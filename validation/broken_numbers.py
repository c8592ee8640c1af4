"""Detects broken numbers: filler values, stuck values, swapped columns and flipped signs."""

from __future__ import annotations

import re

import numpy as np
from scipy import stats

from ..metrics.losses import Floats
from .new_rows import FEWEST, segments

_FILLER = re.compile(r"-?9{3,}(\.9+)?|-9+")
_LIMITS = [float(sign * 2**bits - (sign > 0)) for bits in (15, 31, 63) for sign in (1, -1)]
_MASKS = {-1.0, 1e9, 1e10, 1e20, 1e30, *_LIMITS}
_FILLER_ROWS = 3
_UNLISTED_ROWS = 5
_FAR = 3.0
_VARIED = 10
_OF_SIDE = 0.8
_DENSE = 0.9
_INSIDE_SHARE = 0.005

_STUCK_ROWS = 30
_TIMES_LONGEST = 3
_TIMES_USUAL = 10
_RARE = 0.1
_RUNS = 20
_STUCK_VALUES = 5

_PLACE_VALUES = 10
_OWN = 0.25
_OTHER = 0.15


def filler_value(known: Floats, new: Floats) -> tuple[float, np.ndarray] | None:
    """Find a value that stands for none, such as -999 or 9999.

    Known ones are no matter: models are trained on columns that say 999 for never. One that is new
    is told from a level that moved by where it stands: scattered among ordinary rows, or a value that
    is used for nothing else.

    Args:
        known: Finite known values.
        new: New values, in order; NaN where there is none.

    Returns:
        The value and its positions in `new`, or None.

    Example:
        >>> filler_value(np.arange(50.0), np.array([3.0, -999.0, 4.0, -999.0, 5.0, -999.0]))[0]
        -999.0
    """
    if not len(known):
        return None
    low, high = float(known.min()), float(known.max())
    varied = len(np.unique(known)) >= _VARIED
    finite = new[np.isfinite(new)]
    between = (finite >= low) & (finite <= high)
    for side in (finite[finite < low], finite[finite > high], finite[between]):
        if not len(side):
            continue
        values, counts = np.unique(side, return_counts=True)
        inside = low <= float(values[0]) <= high
        for at in np.argsort(-counts)[:_UNLISTED_ROWS]:
            value, count = float(values[at]), int(counts[at])
            if count < _FILLER_ROWS:
                break
            rows = np.flatnonzero(new == value)
            if inside:
                found = _stands_out(value, count, known, len(new))
            else:
                lonely = max(low - value, value - high) > high - low
                sole = count >= _OF_SIDE * len(side) or (lonely and is_usual_filler(value))
                found = sole and _looks_like_filler(value, count, rows, low, high, varied=varied)
            if found:
                return value, rows
    return None


def is_usual_filler(value: float) -> bool:
    """Say whether a value is one that programs write for none."""
    return value in _MASKS or bool(_FILLER.fullmatch(f"{value:.10g}"))


def _looks_like_filler(
    value: float, count: int, rows: np.ndarray, low: float, high: float, *, varied: bool
) -> bool:
    dense = count >= _STUCK_ROWS and count >= _DENSE * (rows[-1] - rows[0] + 1)
    if is_usual_filler(value) and abs(value) >= 99:
        return True
    if dense:
        return False
    if is_usual_filler(value):
        return value < 0 <= low
    beyond = max(low - value, value - high)
    return (
        varied and count >= _UNLISTED_ROWS and beyond > _FAR * max(high - low, abs(low), abs(high))
    )


def _stands_out(value: float, count: int, known: Floats, rows: int) -> bool:
    if abs(value) < 999 or not is_usual_filler(value):
        return False
    share = count / rows
    return count >= _UNLISTED_ROWS and share >= _INSIDE_SHARE and not (known == value).any()


def stuck_value(known: Floats, new: Floats) -> tuple[float, np.ndarray] | None:
    """Find a value that no row changes any more.

    Args:
        known: Known values, in order.
        new: New values, in order; NaN where there is none.

    Returns:
        The value and the positions in `new` of its longest run, when that is three times as long as any
        known one (ten times, and the latest, for a value that many rows hold) and at least 30 rows; else
        None. Flags, and columns that mostly hold one value, may
        be constant for long.

    Example:
        >>> values = np.random.default_rng(0).normal(size=400)
        >>> stuck_value(values, np.r_[values[:50], np.full(40, 1.5)])[0]
        1.5
    """
    finite = known[np.isfinite(known)]
    values, counts = np.unique(finite, return_counts=True)
    if len(values) < _STUCK_VALUES or counts.max() > 0.5 * len(finite):
        return None
    lengths = _runs(known)[1]
    first, sizes = _runs(new)
    if len(lengths) < _RUNS or not len(sizes):
        return None
    sizes = np.where(np.isfinite(new[first]), sizes, 0)
    at = int(np.argmax(sizes))
    # A value that many rows hold anyway comes in rows on end now and then, where a batch was sorted.
    usual = counts[values == new[first[at]]].sum() > _RARE * len(finite)
    if usual and first[at] + sizes[at] < len(new):
        return None
    times = _TIMES_USUAL if usual else _TIMES_LONGEST
    if sizes[at] < max(_STUCK_ROWS, times * int(lengths.max())):
        return None
    return float(new[first[at]]), np.arange(first[at], first[at] + sizes[at])


def _runs(values: Floats) -> tuple[np.ndarray, np.ndarray]:
    if not len(values):
        return np.empty(0, dtype=int), np.empty(0, dtype=int)
    first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    return first, np.diff(np.r_[first, len(values)])


def swapped_columns(
    known: dict[str, Floats], new: dict[str, Floats]
) -> list[tuple[str, str, np.ndarray]]:
    """Find pairs of columns that hold each other's values.

    Args:
        known: Column to known values.
        new: Column to new values, in order, all of one length.

    Returns:
        Both names and the positions in `new`, a pair at a time: each new distribution is close to the
        other's known one and far from its own (Kolmogorov-Smirnov).

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a, b = rng.normal(size=900), rng.normal(5, 2, 900)
        >>> old, new = {"a": a[:600], "b": b[:600]}, {"a": b[600:], "b": a[600:]}
        >>> [(one, two) for one, two, _ in swapped_columns(old, new)]
        [('a', 'b')]
    """
    finite = {name: np.sort(values[np.isfinite(values)]) for name, values in known.items()}
    names = [
        name for name, values in finite.items()
        if len(values) >= FEWEST and len(np.unique(values)) >= _PLACE_VALUES
    ]  # fmt: skip
    hits: dict[tuple[str, str], list[np.ndarray]] = {}
    rows = len(next(iter(new.values()), ()))
    for first, end in segments(rows):
        parts = {name: _present(new[name][first:end]) for name in names}
        parts = {name: part for name, part in parts.items() if len(part) >= FEWEST}
        own = {name: _kolmogorov_smirnov(finite[name], part) for name, part in parts.items()}
        strayed = [name for name in parts if own[name] >= _OWN]
        for at, one in enumerate(strayed):
            for two in strayed[at + 1 :]:
                worst = max(
                    _kolmogorov_smirnov(finite[two], parts[one]),
                    _kolmogorov_smirnov(finite[one], parts[two]),
                )
                limit = min(_OTHER + _noise(parts[one], finite[two]), min(own[one], own[two]) / 2)
                if worst <= limit:
                    hits.setdefault((one, two), []).append(np.arange(first, end))
    return [(one, two, np.unique(np.concatenate(at))) for (one, two), at in hits.items()]


def _present(values: Floats) -> Floats:
    return np.sort(values[np.isfinite(values)])


def _kolmogorov_smirnov(one: Floats, two: Floats) -> float:
    both = np.concatenate([one, two])
    before = np.searchsorted(one, both, side="right") / len(one)
    return float(np.abs(before - np.searchsorted(two, both, side="right") / len(two)).max())


def _noise(one: Floats, two: Floats) -> float:
    return 0.5 * float(np.sqrt(1 / len(one) + 1 / len(two)))


def flipped_signs(
    known: dict[str, Floats], new: dict[str, Floats], partners: dict[str, tuple[Floats, Floats]]
) -> list[str]:
    """Find columns whose sign is flipped although their values look the same either way.

    Args:
        known: Column to known values, all of one length.
        new: Column to new values, all of one length.
        partners: Further columns to be related to, such as the target: known and new values.

    Returns:
        Columns whose rank correlations with at least two others, one a column of `known`, are
        strong in known rows and of the other sign in new ones, and whose values mirror the known ones.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> a = rng.normal(size=900)
        >>> table = {"a": a, "b": a + rng.normal(size=900), "c": rng.normal(size=900) - a}
        >>> old = {name: values[:600] for name, values in table.items()}
        >>> new = {name: values[600:] * (-1 if name == "a" else 1) for name, values in table.items()}
        >>> flipped_signs(old, new, {})
        ['a']
    """
    names = [*known, *partners]
    rows = len(next(iter(new.values()), ()))
    if len(names) < 3 or rows < 2 * FEWEST:
        return []
    before = _correlations([*known.values(), *(pair[0] for pair in partners.values())])
    after = _correlations([*new.values(), *(pair[1] for pair in partners.values())])
    strong = (np.abs(before) >= 0.3) & ~np.eye(len(names), dtype=bool)
    flipped = strong & (np.abs(after) >= 0.5 * np.abs(before)) & (np.sign(before) != np.sign(after))
    found = []
    for at, name in enumerate(known):
        mates = strong[at]
        # A column that kept its sign with a third one is not the one that flipped.
        if mates.sum() >= 2 and mates[: len(known)].any() and flipped[at].sum() == mates.sum():
            one, two = _present(known[name]), _present(-new[name])
            if len(two) >= FEWEST and _kolmogorov_smirnov(one, two) <= _OTHER + _noise(one, two):
                found.append(name)
    # Where all flipped with all, it cannot be told which.
    return found if len(found) < len(known) or len(known) == 1 else found[:1]


def _correlations(columns: list[Floats]) -> np.ndarray:
    ranks = [stats.rankdata(np.where(np.isfinite(c), c, np.nanmedian(c) if np.isfinite(c).any() else 0.0)) for c in columns]  # fmt: skip
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.nan_to_num(np.corrcoef(np.array(ranks)))
