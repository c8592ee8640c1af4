"""Wasserstein distance of numbers and moments, in standard deviations of the reference."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np

from ...core.settings import DriftThresholds
from ...data.schema import FeatureType
from ...metrics.losses import Floats
from ..null_threshold import RESAMPLES, SEED, upper_quantile
from ..profile import NumberProfile, block_means
from .base import ColumnPair, Measure

_LEVELS = 1_024


@dataclass(frozen=True)
class Wasserstein:
    """Wasserstein distance of the values winsorised to the reference's bounds."""

    name: str = "wasserstein"
    measures: Measure = "distance"
    feature_types: tuple[FeatureType, ...] = ("number", "datetime")

    def score(self, pair: ColumnPair) -> float:
        """Return the distance in standard deviations of the reference."""
        profile = cast(NumberProfile, pair.profile)
        numbers = np.sort(np.clip(np.asarray(pair.values, dtype=float), profile.low, profile.high))
        gaps = np.abs(profile.blocks - block_means(numbers, len(profile.blocks)))
        return float(gaps.mean() / profile.std)

    def null_threshold(self, pair: ColumnPair, alpha: float) -> float:
        """Return the distance that chance exceeds with probability `alpha`."""
        profile = cast(NumberProfile, pair.profile)
        at = ((np.arange(_LEVELS) + 0.5) / _LEVELS * len(profile.blocks)).astype(int)
        steps = np.diff(profile.blocks[at])
        gaps = _rank_gaps(_rounded(len(pair.values)), _rounded(profile.present))
        return upper_quantile(gaps @ steps / profile.std, alpha)

    def smallest_effect(self, thresholds: DriftThresholds) -> float:
        """Return `distance` of the settings."""
        return thresholds.distance


@lru_cache(maxsize=8)
def _rank_gaps(rows: int, reference_rows: int) -> Floats:
    # The gaps between two empirical distribution functions at equal-mass levels depend on the sizes
    # alone: one draw serves every column, whose distance is a weighted sum of them.
    rng = np.random.default_rng(SEED)
    gaps = np.abs(_distribution(rng, rows) - _distribution(rng, reference_rows))
    gaps.flags.writeable = False
    return gaps


def _distribution(rng: np.random.Generator, rows: int) -> Floats:
    if rows <= 4 * _LEVELS:
        ranks = rng.integers(0, _LEVELS, size=(RESAMPLES, rows))
        ranks += np.arange(RESAMPLES)[:, None] * _LEVELS
        counts = np.bincount(ranks.ravel(), minlength=RESAMPLES * _LEVELS)
        counts = counts.reshape(RESAMPLES, _LEVELS)
    else:
        counts = rng.multinomial(rows, np.full(_LEVELS, 1.0 / _LEVELS), size=RESAMPLES)
    return np.cumsum(counts, axis=1)[:, :-1] / rows


def _rounded(rows: int) -> int:
    # Null rates differ by column; two digits, rounded down, make the cache work and err to caution.
    unit = 10 ** max(len(str(rows)) - 2, 0)
    return rows // unit * unit
