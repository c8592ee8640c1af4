"""How far a window strays from its reference by chance alone, at the window's own size.

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
from functools import lru_cache

import numpy as np
from scipy import stats

from ..metrics.losses import Floats
from .profile import CategoryProfile, NumberProfile

_RESAMPLES = 1_000
_TAIL = 0.1
_LEVELS = 1_024
_SEED = 0


def chance_of_numbers(profile: NumberProfile, rows: int, alpha: float) -> float:
    """Return the Wasserstein distance that chance exceeds with probability `alpha`.

    Args:
        profile: The reference's column, not constant.
        rows: Rows with a value in the window, at least 1.
        alpha: Probability, 0 to 1.

    Returns:
        The distance in standard deviations of the reference.
    """
    at = ((np.arange(_LEVELS) + 0.5) / _LEVELS * len(profile.blocks)).astype(int)
    steps = np.diff(profile.blocks[at])
    gaps = _rank_gaps(_rounded(rows), _rounded(profile.present))
    return _upper(gaps @ steps / profile.std, alpha)


def chance_of_categories(profile: CategoryProfile, rows: int, alpha: float) -> float:
    """Return the Jensen-Shannon distance that chance exceeds with probability `alpha`.

    Args:
        profile: The reference's column, not constant.
        rows: Rows with a value in the window, at least 1.
        alpha: Probability, 0 to 1.

    Returns:
        The distance, between 0 and the root of log 2.
    """
    shares = np.array([*profile.shares.values(), profile.rest])
    shares = shares / shares.sum()
    rng = np.random.default_rng(_SEED)
    before = rng.multinomial(profile.present, shares, size=_RESAMPLES) / profile.present
    after = rng.multinomial(rows, shares, size=_RESAMPLES) / rows
    return _upper(jensen_shannon(before, after), alpha)


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


def jensen_shannon(before: Floats, after: Floats) -> Floats:
    """Return the Jensen-Shannon distance (natural logarithm) along the last axis.

    Args:
        before: Shares that sum to 1 along the last axis.
        after: Shares of the same shape.

    Returns:
        The root of the divergence, one axis less.

    Example:
        >>> float(jensen_shannon(np.array([1.0, 0.0]), np.array([1.0, 0.0])))
        0.0
    """
    middle = (before + after) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(before > 0, before * np.log(before / middle), 0.0).sum(axis=-1)
        right = np.where(after > 0, after * np.log(after / middle), 0.0).sum(axis=-1)
    return np.sqrt(np.maximum((left + right) / 2.0, 0.0))


@lru_cache(maxsize=8)
def _rank_gaps(rows: int, reference_rows: int) -> Floats:
    # The gaps between two empirical distribution functions at equal-mass levels depend on the sizes
    # alone: one draw serves every column, whose distance is a weighted sum of them.
    rng = np.random.default_rng(_SEED)
    gaps = np.abs(_distribution(rng, rows) - _distribution(rng, reference_rows))
    gaps.flags.writeable = False
    return gaps


def _distribution(rng: np.random.Generator, rows: int) -> Floats:
    if rows <= 4 * _LEVELS:
        ranks = rng.integers(0, _LEVELS, size=(_RESAMPLES, rows))
        ranks += np.arange(_RESAMPLES)[:, None] * _LEVELS
        counts = np.bincount(ranks.ravel(), minlength=_RESAMPLES * _LEVELS)
        counts = counts.reshape(_RESAMPLES, _LEVELS)
    else:
        counts = rng.multinomial(rows, np.full(_LEVELS, 1.0 / _LEVELS), size=_RESAMPLES)
    return np.cumsum(counts, axis=1)[:, :-1] / rows


def _rounded(rows: int) -> int:
    # Null rates differ by column; two digits, rounded down, make the cache work and err to caution.
    unit = 10 ** max(len(str(rows)) - 2, 0)
    return rows // unit * unit


def _upper(distances: Floats, alpha: float) -> float:
    squared = np.square(distances)
    if alpha >= _TAIL:
        return math.sqrt(float(np.quantile(squared, 1.0 - alpha)))
    edge = float(np.quantile(squared, 1.0 - _TAIL))
    beyond = squared[squared > edge]
    excess = float(beyond.mean()) - edge if len(beyond) else 0.0
    return math.sqrt(edge + excess * math.log(_TAIL / alpha))
