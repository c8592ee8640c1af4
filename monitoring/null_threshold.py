"""Null thresholds: drift scores that chance alone explains, at the window's own size.

A fixed threshold of 0.1 fires in every small window. Here the reference is resampled: pairs of
samples of the reference's and the window's size are drawn from the profile, so the noise of both is
in the null distribution. The quantile far in its tail (0.01 over the number of columns) is read
from an exponential distribution fitted to the largest tenth of the **squared** distances (peaks
over threshold, after Pickands (1975), *Annals of Statistics* 3, 119-131; distances of samples have
tails like a normal's, so their squares have exponential ones): 1,000 resamples are enough where an
empirical quantile would need 100,000.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from ..metrics.losses import Floats

RESAMPLES = 1_000
_TAIL = 0.1
SEED = 0


def chance_of_rise(share: float, rows: int, reference_rows: int, alpha: float) -> float:
    """Return the rise of a share that chance exceeds with probability `alpha`.

    The normal approximation of the difference of two binomial shares, with one success added so that
    a share of 0 has a spread too.

    Args:
        share: The share to expect in both, 0 to 1.
        rows: Rows of the window.
        reference_rows: Rows of the reference.
        alpha: Probability, 0 to 1.

    Returns:
        The rise, 0 to 1.
    """
    both = rows + reference_rows
    smooth = min((share * both + 1.0) / (both + 2.0), 1.0)
    error = math.sqrt(smooth * (1.0 - smooth) * (1.0 / rows + 1.0 / reference_rows))
    return float(stats.norm.isf(alpha)) * error


def upper_quantile(distances: Floats, alpha: float) -> float:
    """Return the distance that is exceeded with probability `alpha`, far beyond the resamples too.

    Args:
        distances: Distances where nothing drifted, shape (resamples,).
        alpha: Probability, 0 to 1. Below 0.1 it is read from the fitted tail.

    Returns:
        The distance.

    Example:
        >>> noise = np.abs(np.random.default_rng(0).normal(size=1_000))
        >>> bool(3.0 < upper_quantile(noise, 0.001) < 3.6)  # a normal's is 3.29
        True
    """
    squared = np.square(distances)
    if alpha >= _TAIL:
        return math.sqrt(float(np.quantile(squared, 1.0 - alpha)))
    edge = float(np.quantile(squared, 1.0 - _TAIL))
    beyond = squared[squared > edge]
    excess = float(beyond.mean()) - edge if len(beyond) else 0.0
    return math.sqrt(edge + excess * math.log(_TAIL / alpha))
