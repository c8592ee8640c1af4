"""Null threshold of any score, by resampling the reference's sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from ...metrics.losses import Floats
from ..null_threshold import SEED, upper_quantile
from .base import ColumnPair


def resampled_threshold(
    score: Callable[[ColumnPair], float], pair: ColumnPair, alpha: float, *, resamples: int = 200
) -> float:
    """Return the score that chance exceeds with probability `alpha`.

    A sample and a window of the pair's own sizes are drawn from the reference's sample, with replacement,
    and scored. The tail is read as in `monitoring.null_threshold`: it fits scores that behave like
    distances (never negative, tails like a normal's or lighter).

    Args:
        score: Scores a pair by its `sample` and `values`, not by its `profile`, which stays as it is.
        pair: The column.
        alpha: Probability, 0 to 1.
        resamples: How often to score; it takes as long as that many scores.

    Returns:
        The score; infinity where the reference's sample has no value.

    Example:
        >>> def gap(pair):
        ...     return abs(float(np.mean(pair.values) - np.mean(pair.sample)))
        >>> noise = np.random.default_rng(0).normal(size=1_000)
        >>> pair = ColumnPair.of(pd.Series(noise), pd.Series(noise[:100]), "number")
        >>> bool(0.2 < resampled_threshold(gap, pair, 0.01) < 0.35)  # 2.58 * sqrt(1/1000 + 1/100) = 0.27
        True
    """
    if not len(pair.sample):
        return np.inf
    rng = np.random.default_rng(SEED)
    scores = [
        score(
            replace(
                pair,
                sample=_drawn(rng, pair, len(pair.sample)),
                values=_drawn(rng, pair, len(pair.values)),
            )
        )
        for _ in range(resamples)
    ]
    return upper_quantile(np.array(scores, dtype=float), alpha)


def _drawn(rng: np.random.Generator, pair: ColumnPair, rows: int) -> Floats | pd.Series:
    chosen = rng.integers(0, len(pair.sample), rows)
    if isinstance(pair.sample, pd.Series):
        return pair.sample.iloc[chosen].reset_index(drop=True)
    return pair.sample[chosen]
