"""Absolute floors: the worst that a metric may be on the holdout."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..core.results import Gate
from ..metrics.losses import HIGHER_IS_BETTER

# How the name of every gate about a floor ends.
FLOOR = " floor"


def floor_gates(found: Mapping[str, float], floors: Mapping[str, float]) -> list[Gate]:
    """Hold metrics against their floors.

    Args:
        found: Metric name to value on the holdout.
        floors: Metric name to its worst allowed value: a maximum for losses, a minimum for scores.

    Returns:
        One gate a floor; `not_run` where the metric is undefined on these rows.

    Example:
        >>> floor_gates({"log_loss": 0.4}, {"log_loss": 0.6})[0].verdict
        'passed'
    """
    gates = []
    for metric, worst in floors.items():
        value = found.get(metric)
        name = f"{metric}{FLOOR}"
        if value is None or not math.isfinite(value):
            reason = f"{metric} is undefined on this holdout: it lacks a class, or has too few rows"
            if metric == "cost":
                reason = (
                    "cost is undefined: the model decides by no costs (training.decisions.costs)"
                )
            gates.append(Gate(name=name, verdict="not_run", reason=reason, threshold=worst))
            continue
        higher = metric in HIGHER_IS_BETTER
        good = value >= worst if higher else value <= worst
        reason = (
            f"{metric} is {value:.4g}, {'at least' if higher else 'at most'} {worst:.4g} is asked"
        )
        verdict = "passed" if good else "failed"
        gates.append(Gate(name=name, verdict=verdict, reason=reason, value=value, threshold=worst))
    return gates
