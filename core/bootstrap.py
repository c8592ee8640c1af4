"""How sure a metric, or the difference of two, is: bootstrap intervals from per-row losses.

Percentile intervals after Efron and Tibshirani, *An Introduction to the Bootstrap* (1993), chapter
13. Two models are compared **paired**: each resample draws the same rows for both, so what the rows
have in common (hard ones, easy ones) cancels out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from .errors import DataRejected
from .metrics import Floats, total

# Values drawn at once. Small batches stay in the processor's cache: faster than one big one.
_BATCH_VALUES = 200_000


class Interval(NamedTuple):
    """A value with its bootstrap interval.

    Attributes:
        value: The value on the rows as they are.
        low: Lower bound.
        high: Upper bound.
    """

    value: float
    low: float
    high: float


def metric_interval(
    metric: str, losses: Floats, *, confidence: float, resamples: int, seed: int
) -> Interval:
    """Return a metric with its interval.

    Args:
        metric: Name of a loss of `core.metrics`.
        losses: Per-row losses from `row_losses`, shape (n,).
        confidence: Level of the interval, two-sided, between 0 and 1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        The metric and its bounds. One row says nothing about spread: its bounds are infinite.

    Raises:
        DataRejected: If there are no rows, or a loss is not finite.

    Example:
        >>> losses = np.array([0.0, 1.0] * 50)
        >>> metric_interval("error_rate", losses, confidence=0.9, resamples=500, seed=0).value
        0.5
    """
    return _interval(metric, (losses,), confidence, resamples, seed)


def paired_difference(
    metric: str,
    champion_losses: Floats,
    candidate_losses: Floats,
    *,
    confidence: float,
    resamples: int,
    seed: int,
) -> Interval:
    """Return how much better a candidate is than a champion on the same rows, with its interval.

    Args:
        metric: Name of a loss of `core.metrics`.
        champion_losses: The champion's per-row losses from `row_losses`, shape (n,).
        candidate_losses: The candidate's, of the same rows in the same order.
        confidence: Level of the interval, two-sided, between 0 and 1.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        Champion's metric minus candidate's, positive when the candidate is better, and its bounds.
        One row says nothing about spread: its bounds are infinite.

    Raises:
        DataRejected: If there are no rows, the row counts differ, or a loss is not finite.

    Example:
        >>> champion, candidate = np.ones(100), np.zeros(100)
        >>> paired_difference("mae", champion, candidate, confidence=0.9, resamples=100, seed=0)
        Interval(value=1.0, low=1.0, high=1.0)
    """
    if len(champion_losses) != len(candidate_losses):
        raise DataRejected(
            f"a paired comparison needs the same rows: {len(champion_losses)} losses of the champion "
            f"and {len(candidate_losses)} of the candidate"
        )
    return _interval(metric, (champion_losses, candidate_losses), confidence, resamples, seed)


def _interval(
    metric: str, samples: tuple[Floats, ...], confidence: float, resamples: int, seed: int
) -> Interval:
    rows = len(samples[0])
    if rows == 0:
        raise DataRejected("an interval needs at least one row; there are none")
    if not all(np.isfinite(sample).all() for sample in samples):
        raise DataRejected(f"{metric}: a row's loss is not finite; check the predictions")
    value = total(metric, samples[0]) - (total(metric, samples[1]) if samples[1:] else 0.0)
    if rows == 1:
        return Interval(value, -np.inf, np.inf)

    def statistic(*draws: Floats, axis: int) -> Any:
        means = [draw.mean(axis=axis) for draw in draws]
        if metric == "rmse":
            means = [np.sqrt(mean) for mean in means]
        return means[0] - means[1] if means[1:] else means[0]

    bounds = stats.bootstrap(
        samples,
        statistic,
        n_resamples=resamples,
        batch=max(1, _BATCH_VALUES // rows),
        vectorized=True,
        paired=True,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(value, float(bounds.low), float(bounds.high))
