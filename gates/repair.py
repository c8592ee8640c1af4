"""Verifies a repair: whether a new champion mends the drift or performance that asked for it."""

from __future__ import annotations

from ..core.results import Verdict
from ..metrics.bootstrap import Interval


def repair_of_performance(
    improvement: Interval | None, before: float, tolerance: float
) -> tuple[Verdict, str]:
    """Judge a retraining that worse performance asked for.

    Args:
        improvement: Of the metric on the window's rows, old champion minus new; None where it cannot be measured.
        before: The old champion's metric on the same rows.
        tolerance: Share of it that counts: what is too little for an alarm is too little for a repair.

    Returns:
        `passed` when it is surely better and by more than the tolerance, `failed` when it is surely
        worse and by more than it, else `not_run`; and what to say about it. What is compared has not
        learnt the newest rows yet, what serves has: a little worse is no failure.

    Example:
        >>> repair_of_performance(Interval(0.2, 0.1, 0.3), 1.0, 0.05)
        ('passed', '')
    """
    if improvement is None:
        return "not_run", "the next window tells"
    if improvement.low > 0 and improvement.value > tolerance * before:
        return "passed", ""
    if improvement.high < 0 and improvement.value < -tolerance * before:
        return "failed", "worse"
    return "not_run", "too little to tell, the next window does"


def repair_of_drift(drift: Verdict, improvement: Interval | None) -> tuple[Verdict, str]:
    """Judge a retraining that drift alone asked for.

    Args:
        drift: Verdict on the window against the new champion's reference.
        improvement: As for `repair_of_performance`.

    Returns:
        `passed` when the drift is gone and the metric is not surely worse, `failed` when the metric is,
        else `not_run`; and what to say about it.

    Example:
        >>> repair_of_drift("passed", None)
        ('passed', '')
    """
    if improvement is not None and improvement.high < 0:
        return "failed", "worse"
    if drift == "passed":
        return "passed", "" if improvement is None else "not worse"
    return "not_run", "the next window tells"
