"""Promised metric of a champion: over several periods, and how far a window may be from it.

One holdout is one period, and one easy season is no promise. Where rows have a time order, the recipe
is therefore fitted anew on the rows before each of several earlier periods too, and scored on the
period: rolling-origin evaluation (Tashman, *International Journal of Forecasting* 16, 2000, 437-450).
What the periods differ by beyond what their rows explain is the promise's **spread**: the method of
moments for random effects (Hedges and Olkin, *Statistical Methods for Meta-Analysis*, 1985, chapter 9).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..core.errors import DataRejected
from ..core.settings import PerformanceThresholds
from .losses import Floats, metric_value


@dataclass(frozen=True)
class Promise:
    """What the champion achieved on rows that it had not seen.

    Attributes:
        metric: Name of the metric; lower is better.
        value: The metric over the rows of all periods.
        rows: Rows it was measured on.
        standard_error: Standard error of the mean row loss, in units of the row loss.
        spread: Standard deviation of the metric from period to period beyond what the rows of a period
            explain, in units of the metric; 0 when one period is all there is.
        periods: The metric by period, newest first; the newest is the holdout.
    """

    metric: str
    value: float
    rows: int
    standard_error: float
    spread: float = 0.0
    periods: tuple[float, ...] = ()

    def tolerated(self, policy: PerformanceThresholds) -> float:
        """Return the worst value within the tolerance, chance aside."""
        return self.value * (1.0 + policy.tolerance)

    def limit(self, policy: PerformanceThresholds, standard_error: float) -> float:
        """Return the value above which a window is surely worse than promised.

        Args:
            policy: Tolerance, chance of a false alarm, and how much of the spread is ordinary.
            standard_error: Standard error of the window's metric, in units of the metric.

        Returns:
            The largest of three: the tolerance; what chance explains, given the noise of the promise
            and of the window; what the ordinary spread from period to period explains.

        Example:
            >>> promise = Promise("log_loss", 0.4, 4_000, 0.01, 0.05, (0.45, 0.35))
            >>> round(promise.limit(PerformanceThresholds(tolerance=0.1, spreads=2.0), 0.01), 3)
            0.5
        """
        own = _in_units_of(self.metric, self.standard_error, self.value)
        noise = float(stats.norm.isf(policy.false_alarm_rate)) * math.hypot(own, standard_error)
        return max(
            self.tolerated(policy),
            self.value + noise,
            self.value + policy.spreads * self.spread,
        )


def promise_of(metric: str, periods: Sequence[Floats]) -> Promise:
    """Return what losses of several periods promise.

    Args:
        metric: Name of a loss of `metrics.losses`.
        periods: Row losses by period, newest first, shape (rows,) each.

    Returns:
        The promise.

    Raises:
        DataRejected: If there are no rows.

    Example:
        >>> promise_of("mae", [np.array([1.0, 1.0]), np.array([3.0, 3.0])]).spread
        1.4142135623730951
    """
    found = [losses for losses in periods if len(losses)]
    if not found:
        raise DataRejected(f"no rows to promise {metric} on")
    losses = np.concatenate(found)
    values = [metric_value(metric, period) for period in found]
    return Promise(
        metric=metric,
        value=metric_value(metric, losses),
        rows=len(losses),
        standard_error=_standard_error(losses),
        spread=_spread(metric, found, values),
        periods=tuple(values),
    )


def metric_error(metric: str, losses: Floats) -> float:
    """Return the standard error of a metric, in its own units.

    Args:
        metric: Name of a loss.
        losses: Row losses, shape (n,).
    """
    return _in_units_of(metric, _standard_error(losses), metric_value(metric, losses))


def _standard_error(losses: Floats) -> float:
    if len(losses) < 2:
        return 0.0
    return float(stats.sem(losses))


def _in_units_of(metric: str, error: float, value: float) -> float:
    # The delta method: rmse is the root of the mean that `error` is about.
    if metric != "rmse":
        return error
    return error / (2.0 * value) if value > 0 else 0.0


def _spread(metric: str, periods: Sequence[Floats], values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    explained = float(np.mean([metric_error(metric, losses) ** 2 for losses in periods]))
    return math.sqrt(max(float(np.var(values, ddof=1)) - explained, 0.0))
