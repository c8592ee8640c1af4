"""Power of a paired comparison: the smallest improvement it tells, and the rows that tell one.

A comparison of n rows tells a true improvement, at a two-sided confidence c and with power p, if it is at
least `(z((1 + c) / 2) + z(p)) * s / sqrt(n)`, with z the quantiles of the normal distribution and s the standard
deviation of the paired differences: the minimum detectable effect of Bloom, *Evaluation Review* 19 (1995), 547-556; of models on a shared test set, Card et al.,
*With Little Power Comes Great Responsibility*, EMNLP 2020. A confidence of 95% and a power of 80% make that factor 2.80.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ..core.errors import DataRejected
from .losses import Floats, metric_value
from .sampling import Sampling

# Chance to see an improvement that is there.
POWER = 0.8


def paired_error(
    metric: str, before: Floats, after: Floats, sampling: Sampling | None = None
) -> float:
    """Return the standard error of an improvement, of paired differences.

    Args:
        metric: Name of a loss; of `rmse`, the root of a mean, the error is that of its linearisation.
        before: Losses of one model, shape (n,).
        after: The other's, of the same rows.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        Standard deviation of a row's difference over √n, in units of the metric; of weighted rows and groups,
        that of the ratio of their sums (Cochran, *Sampling Techniques*, 1977, section 6.4). Infinite for one
        row or group.

    Raises:
        DataRejected: If there are no rows, or the row counts differ.

    Example:
        >>> round(paired_error("mae", np.array([2.0, 4.0] * 50), np.ones(100)), 4)
        0.1005
    """
    if len(before) != len(after):
        raise DataRejected(f"a paired comparison needs the same rows: {len(before)}, {len(after)}")
    weights = None if sampling is None else sampling.weights
    first, second = metric_value(metric, before, weights), metric_value(metric, after, weights)
    differences = before - after
    if metric == "rmse":
        # The delta method: a square root changes by 1 / (2 * root) of what is below it.
        differences = _share(before, first) - _share(after, second)
    sums = (sampling or Sampling()).sums(differences)
    count = len(sums)
    if count == 1:
        return math.inf
    mean = sums[:, 0].sum() / sums[:, 1].sum()
    left = sums[:, 0] - mean * sums[:, 1]
    return float(math.sqrt(count / (count - 1) * np.square(left).sum()) / sums[:, 1].sum())


def _share(losses: Floats, root: float) -> Floats:
    return losses / (2.0 * root) if root > 0 else losses


def detectable_effect(error: float, *, confidence: float, power: float = POWER) -> float:
    """Return the smallest true improvement that a comparison tells.

    Args:
        error: Standard error of the improvement, see `paired_error`.
        confidence: Level of the interval, two-sided, between 0 and 1.
        power: Chance to tell it.

    Returns:
        In units of the error: how far the truth must lie from what the interval must exclude.

    Example:
        >>> round(detectable_effect(1.0, confidence=0.9), 2)
        2.49
    """
    return float(stats.norm.isf((1 - confidence) / 2) + stats.norm.isf(1 - power)) * error


def rows_that_tell(effect: float, *, rows: int, error: float, confidence: float) -> float:
    """Return how many rows would tell an improvement four times in five.

    Args:
        effect: The improvement, beyond what the interval must exclude; above 0.
        rows: How many rows the error is of.
        error: Standard error of the improvement on them.
        confidence: Level of the interval, two-sided.

    Example:
        >>> round(rows_that_tell(0.1, rows=100, error=0.1, confidence=0.9))
        618
    """
    return rows * (detectable_effect(error, confidence=confidence) / effect) ** 2
