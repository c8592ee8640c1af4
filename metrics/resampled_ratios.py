"""Ratios of sums over parts of the same rows, as they are and on bootstrap resamples: one draw serves all parts.

A metric of a slice, and a rate of a group, is such a ratio: what its rows add up to over how many they are. All of them
are drawn together, so that a part and the whole have the same rows in common on every resample.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse, stats

from ..core.errors import DataRejected
from .bootstrap import Interval
from .losses import Floats
from .sampling import Sampling

_BATCH_VALUES = 2_000_000
# Of more rows or groups, neighbours are drawn as one.
_MOST_UNITS = 20_000


class Ratios(NamedTuple):
    """Ratios of sums.

    Attributes:
        values: On the rows as they are, shape (m,); NaN where nothing is in the denominator.
        drawn: On resamples, shape (resamples, m).
    """

    values: Floats
    drawn: Floats

    def rooted(self) -> Ratios:
        """Return the square roots, as `rmse` is of a mean."""
        return Ratios(np.sqrt(self.values), np.sqrt(self.drawn))

    def logarithms(self, floor: float) -> Ratios:
        """Return the logarithms; what is below a floor counts as it."""
        return Ratios(np.log(np.maximum(self.values, floor)), np.log(np.fmax(self.drawn, floor)))

    def take(self, columns: Any) -> Ratios:
        """Return some of them."""
        return Ratios(self.values[columns], self.drawn[:, columns])


def resampled_ratios(
    numerators: Floats,
    denominators: Floats,
    *,
    sampling: Sampling | None = None,
    resamples: int,
    seed: int,
) -> Ratios:
    """Return ratios of sums with their resamples.

    Args:
        numerators: What each row adds to each ratio's numerator, shape (n, m).
        denominators: The same of the denominators.
        sampling: What rows count, and which belong together. None: all the same, each for itself.
        resamples: Number of bootstrap resamples; of rows, or of groups where rows have some.
        seed: Seed of the resamples.

    Returns:
        The ratios.

    Raises:
        DataRejected: If there are no rows, or a number is not finite.

    Example:
        >>> inside = np.array([[1.0], [1.0], [0.0], [0.0]])
        >>> losses = np.array([[1.0], [3.0], [9.0], [9.0]])
        >>> resampled_ratios(losses * inside, inside, resamples=10, seed=0).values.tolist()
        [2.0]
    """
    count, kinds = numerators.shape
    if count == 0:
        raise DataRejected("a ratio needs at least one row; there are none")
    both = np.hstack([numerators, denominators])
    if not np.isfinite(both).all():
        raise DataRejected("a row's loss is not finite; check the predictions")
    drawn_as = sampling or Sampling()
    if drawn_as.weights is not None:
        both = both * drawn_as.weights[:, None]
    codes: Any = np.arange(count)
    if drawn_as.groups is not None:
        codes = np.unique(drawn_as.groups, return_inverse=True)[1]
    units = int(codes.max()) + 1
    if units > _MOST_UNITS:
        codes, units = codes * _MOST_UNITS // units, _MOST_UNITS
    if units < count:
        into: Any = sparse.csr_matrix((np.ones(count), (codes, np.arange(count))))
        both = into @ both
    rng = np.random.default_rng(seed)
    sums = np.empty((resamples, 2 * kinds))
    step = max(1, _BATCH_VALUES // units)
    for begin in range(0, resamples, step):
        size = min(step, resamples - begin)
        rows = rng.integers(0, units, size=(size, units)) + units * np.arange(size)[:, None]
        counts = np.bincount(rows.ravel(), minlength=size * units).reshape(size, units)
        sums[begin : begin + size] = counts.astype(float) @ both
    total = both.sum(axis=0)
    return Ratios(_ratio(total[None], kinds)[0], _ratio(sums, kinds))


def _ratio(sums: Floats, kinds: int) -> Floats:
    above, below = sums[:, :kinds], sums[:, kinds:]
    return np.divide(above, below, out=np.full_like(above, np.nan), where=below > 0)


def rate_errors(rates: Floats, rows: Floats) -> Floats:
    """Return the least standard error of rates, which of none or all of few rows is not 0.

    Args:
        rates: Shape (k,).
        rows: How many rows each is of, shape (k,).

    Returns:
        Those of Agresti and Caffo, *The American Statistician* 54 (2000), 280-288: two successes and two failures
        more.

    Example:
        >>> rate_errors(np.array([0.0]), np.array([100.0])).round(4).tolist()
        [0.0135]
    """
    shrunk = (rates * rows + 2) / (rows + 4)
    return np.sqrt(shrunk * (1 - shrunk) / (rows + 4))


def largest_difference(
    families: list[Ratios], *, confidence: float, least_errors: list[Floats] | None = None
) -> Interval:
    """Return the largest difference between any two of several ratios, with bounds that hold for all pairs at once.

    Drawn anew, the largest of many differences is larger still: its percentiles would find groups apart that are
    the same. So the bounds are simultaneous ones of every pair, by the largest of the studentised deviations (max-T:
    Romano and Wolf, *Econometrica* 73, 2005, 1237-1282; of means it is Tukey's range), and the largest difference is
    at least the largest lower bound.

    Args:
        families: Ratios to compare among each other, each of at least two, of the same resamples: one a rate.
        confidence: Level of the interval, two-sided, between 0 and 1.
        least_errors: Least standard error of each ratio, one array a family. None: what the resamples show.

    Returns:
        The difference and its bounds, none below 0.

    Raises:
        DataRejected: If there are fewer than two of a ratio.

    Example:
        >>> inside = np.repeat(np.eye(2), 100, axis=0)
        >>> right = np.r_[np.ones(100), np.tile([0.0, 1.0], 50)][:, None]
        >>> found = resampled_ratios(right * inside, inside, resamples=200, seed=0)
        >>> gap = largest_difference([found], confidence=0.9)
        >>> gap.value, bool(0.3 < gap.low < 0.5 < gap.high < 0.7)
        (0.5, True)
    """
    gaps: list[Floats] = []
    errors: list[Floats] = []
    deviations: list[Floats] = []
    for number, family in enumerate(families):
        count = len(family.values)
        if count < 2:
            raise DataRejected(f"a difference needs two groups, and there are {count}")
        first, second = np.triu_indices(count, 1)
        gap = family.values[first] - family.values[second]
        drawn = family.drawn[:, first] - family.drawn[:, second]
        error = np.nanstd(drawn, axis=0)
        if least_errors is not None:
            least = least_errors[number]
            error = np.maximum(error, np.hypot(least[first], least[second]))
        gaps.append(np.abs(gap))
        errors.append(error)
        # A resample without a row of a group says nothing about it.
        moved = np.abs(np.nan_to_num(drawn - gap))
        deviations.append(
            np.divide(moved, error, out=np.zeros_like(moved), where=error > 0).max(axis=1)
        )
    # Where resamples show no spread, no shorter than of one normal difference.
    alone = float(stats.norm.isf((1 - confidence) / 2))
    reach = max(float(np.quantile(np.max(deviations, axis=0), confidence)), alone)
    found, error = np.concatenate(gaps), np.concatenate(errors)
    low = float((found - reach * error).max())
    return Interval(float(found.max()), max(low, 0.0), float((found + reach * error).max()))
