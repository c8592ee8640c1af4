"""How well probabilities keep what they say: reliability by bins, its error, and what chance alone would give.

The expected calibration error is the mean distance, over rows, between the probability that a bin says and the
share that comes true in it (Naeini et al., AAAI 2015); of several classes, that of the most probable one (Guo et
al., ICML 2017). Bins hold equally many rows. A perfectly calibrated model has an error above 0 too, by chance:
consistency resampling draws outcomes from the probabilities themselves to find how much (Broecker and Smith,
*Weather and Forecasting* 22, 2007, 651-661).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..core.errors import DataRejected
from .losses import Floats

_FEWEST_ROWS_A_BIN = 20


@dataclass(frozen=True)
class Reliability:
    """Probabilities held against what came true, by bins of equally many rows.

    Attributes:
        said: Mean probability of each bin, ascending, shape (bins,).
        came: Share that came true in it, shape (bins,).
        rows: Rows of each bin, shape (bins,).
        error: Expected calibration error.
        chance: Error that a perfectly calibrated model stays below, with the asked confidence.
        p_value: Chance of an error as large, if the model is perfectly calibrated.
        spiegelhalter: Spiegelhalter's z: about standard normal if it is (*Statistics in Medicine* 5, 1986,
            421-433). NaN where every probability is 0, 1/2 or 1.
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
) -> Reliability:
    """Hold probabilities against what came true.

    Args:
        probabilities: Chance that each row says, between 0 and 1, shape (n,).
        truth: 1 where it came true, else 0, shape (n,).
        bins: Most bins; fewer where they would hold fewer than 20 rows.
        confidence: Level of `chance`, one-sided.
        resamples: Draws of outcomes from the probabilities.
        seed: Seed of the draws.

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
    if len(probabilities) == 0:
        raise DataRejected("no rows to tell by how well probabilities are calibrated")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise DataRejected("a probability is not between 0 and 1: calibration is of probabilities")
    count = max(1, min(bins, len(probabilities) // _FEWEST_ROWS_A_BIN))
    order = np.argsort(probabilities, kind="stable")
    parts = [part for part in np.array_split(order, count) if len(part)]
    rows = np.array([len(part) for part in parts], dtype=float)
    said = np.array([probabilities[part].mean() for part in parts])
    came = np.array([truth[part].mean() for part in parts])
    weights = rows / rows.sum()
    error = float(weights @ np.abs(said - came))
    rng = np.random.default_rng(seed)
    drawn = np.column_stack(
        [(rng.random((resamples, len(part))) < probabilities[part]).mean(axis=1) for part in parts]
    )
    by_chance = np.abs(drawn - said) @ weights
    return Reliability(
        said=said,
        came=came,
        rows=rows,
        error=error,
        chance=float(np.quantile(by_chance, confidence)),
        # With the sample itself counted: no p-value of a finite number of draws is 0.
        p_value=float((1 + (by_chance >= error).sum()) / (1 + resamples)),
        spiegelhalter=_spiegelhalter(probabilities, truth),
    )


def _spiegelhalter(probabilities: Floats, truth: Floats) -> float:
    tilt = 1 - 2 * probabilities
    spread = float((tilt**2 * probabilities * (1 - probabilities)).sum())
    return float(((truth - probabilities) * tilt).sum() / math.sqrt(spread)) if spread else math.nan


def two_sided(z: float) -> float:
    """Return the chance of a standard normal value as far from 0 as `z`, NaN for NaN."""
    return float(2 * stats.norm.sf(abs(z)))
