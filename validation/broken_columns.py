"""Checks numeric columns of new rows: broken, moved or still rising."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ..metrics.losses import Floats
from .broken_numbers import filler_value, flipped_signs, stuck_value, swapped_columns
from .broken_units import changed_unit
from .expectations import number_bounds
from .out_of_range import SIGNS, departure
from .row_comparison import RowComparison

_LEAP = 10.0


def judge_numbers(
    comparison: RowComparison, names: list[str], *, caused: Collection[str], logged: Collection[str]
) -> None:
    """Say what is broken in numbers, and which have moved.

    Args:
        comparison: Known rows beside new ones; it takes the findings.
        names: Columns of numbers or moments.
        caused: Columns whose drift is the cause of the training.
        logged: Columns on which the prediction log agrees with the new rows.
    """
    old = {name: comparison.before(name) for name in names}
    new = {name: comparison.after(name) for name in names}
    wrong: set[str] = set()
    for name in names:
        if np.isfinite(old[name]).any() and _judge_alone(comparison, name, old[name], new[name]):
            wrong.add(name)
    steady = [name for name in names if name not in comparison.judged.rising]
    old, new = ({name: values[name] for name in steady} for values in (old, new))
    for one, two, at in swapped_columns(old, new):
        wrong |= {one, two}
        why = f"each of them holds what is known of the other: {one} and {two} are exchanged"
        comparison.broken(f"{one}: not exchanged with {two}", why, at)
    target = comparison.columns.target
    features = [name for name in steady if name != target and name not in wrong]
    partner = {target: comparison.coded(target)}
    for name in flipped_signs(
        {n: old[n] for n in features}, {n: new[n] for n in features}, partner
    ):
        wrong.add(name)
        why = "where its correlations with other columns have the other sign: its own is flipped"
        comparison.broken(f"{name}: same sign", why, np.arange(len(comparison.new)))
    for name in steady:
        if name not in wrong and pd.api.types.is_numeric_dtype(comparison.known[name].dtype):
            _judge_range(
                comparison, name, old[name], new[name], logged=name in logged, cause=name in caused
            )


def _judge_alone(comparison: RowComparison, name: str, old: Floats, new: Floats) -> bool:
    finite = old[np.isfinite(old)]
    before = len(comparison.judged.findings)
    found = filler_value(finite, new)
    if found is not None:
        why = f"all of them {found[0]:g}, which no known row holds"
        comparison.broken(f"{name}: no filler values", why, found[1])
    held = stuck_value(old, new)
    if held is not None and (found is None or held[0] != found[0]):
        why = f"which hold {held[0]:g} on end, for longer than any known value in known rows"
        comparison.broken(f"{name}: not stuck at a value", why, held[1])
    if name in comparison.judged.rising:
        lost = _off_course(finite, new)
        if len(lost) and found is None:
            why = f"such as {new[lost[0]]:g}: it only rose so far, up to {finite.max():g}"
            comparison.broken(f"{name}: rises on", why, lost)
    elif (changed := changed_unit(finite, new)) is not None:
        why = (
            f"such as {new[changed[1][0]]:g}: they are known values {changed[0].name}, a change of unit "
            "and no move"
        )
        comparison.broken(f"{name}: same unit", why, changed[1])
    return len(comparison.judged.findings) > before


def _off_course(known: Floats, new: Floats) -> np.ndarray:
    span = float(known.max() - known.min())
    finite = np.isfinite(new)
    ordered = np.unique(np.r_[known.max(), new[finite & (new > known.max())]])
    leaps = np.flatnonzero(np.diff(ordered) > _LEAP * span)
    above = ordered[leaps[0] + 1] if len(leaps) else np.inf
    return np.flatnonzero(finite & ((new < known.min() - span) | (new >= above)))


def _judge_range(
    comparison: RowComparison, name: str, old: Floats, new: Floats, *, logged: bool, cause: bool
) -> None:
    finite = old[np.isfinite(old)]
    if not len(finite):
        return
    low, high = number_bounds(comparison.known[name])
    ordered = comparison.columns.has_order
    far = departure(finite, new, (low, high), ordered=ordered, logged=logged, cause=cause)
    if far is None or far.sign is None:
        return
    comparison.judged.moved[name] = pd.Series(new[np.isfinite(new)])
    comparison.advise(
        f"{name}: within the known range",
        f"{name} moved: {len(far.rows)} of {len(new)} new rows ({100 * len(far.rows) / len(new):.3g}%) lie "
        f"beyond {low:g} to {high:g}, {SIGNS[far.sign]}. They are trained on",
    )
