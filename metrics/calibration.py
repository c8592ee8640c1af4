"""How well probabilities keep what they say: reliability by bins, its error, and what chance alone would give.

The expected calibration error is the mean distance, over rows, between the probability that a bin says and the
share that comes true in it (Naeini et al., AAAI 2015); of several classes, that of the most probable one (Guo et
al., ICML 2017). Bins hold equally many rows, as far as ties allow. A perfectly calibrated model has an error above 0 too, by chance:
consistency resampling draws outcomes from the probabilities themselves to find how much (Broecker and Smith,
*Weather and Forecasting* 22, 2007, 651-661).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..core.errors import DataRejected
from .losses import Floats

BINS = 10
_FEWEST_ROWS_A_BIN = 20


@dataclass(frozen=True)
class Reliability:
    """Probabilities held against what came true, by bins of equally many rows.

    Attributes:
        said: Mean probability of each bin, ascending, shape (bins,).
        came: Share that came true in it, shape (bins,).
        rows: Rows of each bin, or what they weigh, shape (bins,).
        error: Expected calibration error.
        chance: Error that a perfectly calibrated model stays below, with the asked confidence.
        p_value: Chance of an error as large, if the model is perfectly calibrated.
        spiegelhalter: Spiegelhalter's z, of rows that count the same: about standard normal if it is
            (*Statistics in Medicine* 5, 1986, 421-433). NaN where every probability is 0, 1/2 or 1.
    """

    said: Floats
    came: Floats
    rows: Floats
    error: float
    chance: float
    p_value: float
    spiegelhalter: float


def reliability(
    probabilities: Floats,
    truth: Floats,
    *,
    bins: int,
    confidence: float,
    resamples: int,
    seed: int,
    weights: Floats | None = None,
) -> Reliability:
    """Hold probabilities against what came true.

    Args:
        probabilities: Chance that each row says, between 0 and 1, shape (n,).
        truth: 1 where it came true, else 0, shape (n,).
        bins: Most bins; fewer where they would hold fewer than 20 rows.
        confidence: Level of `chance`, one-sided.
        resamples: Draws of outcomes from the probabilities.
        seed: Seed of the draws.
        weights: What each row counts, shape (n,). None: all the same.

    Returns:
        Bins, error, and what chance would give.

    Raises:
        DataRejected: If there are no rows, or a probability is not between 0 and 1.

    Example:
        >>> found = reliability(
        ...     np.array([0.2] * 50 + [0.8] * 50),
        ...     np.array([0.0] * 40 + [1.0] * 50 + [0.0] * 10),
        ...     bins=2,
        ...     confidence=0.95,
        ...     resamples=200,
        ...     seed=0,
        ... )
        >>> round(found.error, 6), found.error < found.chance
        (0.0, True)
    """
    bad = ~((probabilities >= 0) & (probabilities <= 1))
    if bad.any():
        raise DataRejected(
            f"a probability is {probabilities[bad][0]:g}, not between 0 and 1: calibration is of probabilities"
        )
    order, starts = _bins(probabilities, bins)
    chances, counted = probabilities[order], np.ones(len(order))
    if weights is not None:
        counted = weights[order]
    rows = np.add.reduceat(counted, starts)

    def means(values: Floats) -> Floats:
        # A bin whose rows all count nothing has no mean, and counts nothing itself.
        return np.add.reduceat(values * counted, starts) / np.where(rows > 0, rows, 1.0)

    said, came = means(chances), means(truth[order])
    shares = rows / rows.sum()
    error = float(shares @ np.abs(said - came))
    rng = np.random.default_rng(seed)
    by_chance = np.array(
        [
            shares @ np.abs(means((rng.random(len(chances)) < chances).astype(float)) - said)
            for _ in range(resamples)
        ]
    )
    return Reliability(
        said=said,
        came=came,
        rows=rows,
        error=error,
        chance=float(np.quantile(by_chance, confidence)) if resamples else 0.0,
        # With the sample itself counted: no p-value of a finite number of draws is 0.
        p_value=float((1 + (by_chance >= error).sum()) / (1 + resamples)),
        spiegelhalter=_spiegelhalter(probabilities, truth),
    )


def said_and_came(
    truth: npt.ArrayLike, probabilities: Floats, classes: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Return the chance that each row says, and whether it came true.

    Args:
        truth: Labels, shape (n,).
        probabilities: Of every class, shape (n, classes).
        classes: Class of each column. Of two the second one's chance counts; of several, that of the most
            probable one.

    Returns:
        Chances, shape (n,); and 1.0 where it came true, else 0.0.

    Example:
        >>> said_and_came(["a", "b"], np.array([[0.9, 0.1], [0.2, 0.8]]), ["a", "b"])[1].tolist()
        [0.0, 1.0]
    """
    actual, names = np.asarray(truth), np.asarray(classes)
    chosen = np.ones(len(actual), int) if len(names) == 2 else probabilities.argmax(axis=1)
    said = probabilities[np.arange(len(actual)), chosen]
    # Sums of floats leave the interval by a last digit.
    return np.clip(said, 0.0, 1.0), (names[chosen] == actual).astype(float)


def calibration_error(
    truth: npt.ArrayLike,
    probabilities: Floats,
    classes: npt.ArrayLike,
    weights: Floats | None = None,
    bins: int = BINS,
) -> float:
    """Return the expected calibration error alone.

    Args:
        truth: See `said_and_came`.
        probabilities: See `said_and_came`.
        classes: See `said_and_came`.
        weights: See `reliability`.
        bins: See `reliability`.

    Returns:
        0 to 1. Chance alone gives a small positive value.

    Raises:
        DataRejected: If there are no rows.

    Example:
        >>> round(calibration_error(["a", "b"], np.array([[0.4, 0.6], [0.4, 0.6]]), ["a", "b"]), 3)
        0.1
    """
    said, came = said_and_came(truth, probabilities, classes)
    return reliability(
        said, came, bins=bins, weights=weights, confidence=0.5, resamples=0, seed=0
    ).error


def _bins(probabilities: Floats, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the order of the rows from small to large, and where each bin begins in it.

    Equal probabilities are never parted: the error would depend on the order of the rows.
    """
    if len(probabilities) == 0:
        raise DataRejected("no rows to tell by how well probabilities are calibrated")
    count = max(1, min(bins, len(probabilities) // _FEWEST_ROWS_A_BIN))
    order = np.argsort(probabilities, kind="stable")
    ascending = probabilities[order]
    wanted = [part[0] for part in np.array_split(np.arange(len(order)), count)]
    return order, np.unique(np.searchsorted(ascending, ascending[wanted]))


def _spiegelhalter(probabilities: Floats, truth: Floats) -> float:
    tilt = 1 - 2 * probabilities
    spread = float((tilt**2 * probabilities * (1 - probabilities)).sum())
    return float(((truth - probabilities) * tilt).sum() / math.sqrt(spread)) if spread else math.nan


def two_sided(z: float) -> float:
    """Return the chance of a standard normal value as far from 0 as `z`, NaN for NaN."""
    return float(2 * stats.norm.sf(abs(z)))
