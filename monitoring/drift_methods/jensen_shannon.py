"""Jensen-Shannon distance of categories and booleans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
from scipy.special import rel_entr

from ...core.settings import DriftThresholds
from ...data.schema import FeatureType
from ...metrics.losses import Floats
from ..null_threshold import RESAMPLES, SEED, upper_quantile
from ..profile import CategoryProfile
from .base import ColumnPair, Measure


@dataclass(frozen=True)
class JensenShannon:
    """Jensen-Shannon distance (natural logarithm); rare and new categories count as one."""

    name: str = "jensen_shannon"
    measures: Measure = "distance"
    feature_types: tuple[FeatureType, ...] = ("category", "boolean")

    def score(self, pair: ColumnPair) -> float:
        """Return the distance, between 0 and the root of log 2."""
        profile = cast(CategoryProfile, pair.profile)
        counts = pd.Series(pair.values).value_counts()
        known = np.array([counts.get(name, 0) for name in profile.shares], dtype=float)
        after = np.append(known, counts.sum() - known.sum()) / counts.sum()
        return float(jensen_shannon(_shares(profile), after))

    def null_threshold(self, pair: ColumnPair, alpha: float) -> float:
        """Return the distance that chance exceeds with probability `alpha`."""
        profile = cast(CategoryProfile, pair.profile)
        shares, rows = _shares(profile), len(pair.values)
        shares = shares / shares.sum()
        rng = np.random.default_rng(SEED)
        before = rng.multinomial(profile.present, shares, size=RESAMPLES) / profile.present
        after = rng.multinomial(rows, shares, size=RESAMPLES) / rows
        return upper_quantile(jensen_shannon(before, after), alpha)

    def smallest_effect(self, thresholds: DriftThresholds) -> float:
        """Return `distance` of the settings."""
        return thresholds.distance


def _shares(profile: CategoryProfile) -> Floats:
    return np.array([*profile.shares.values(), profile.rest])


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
    divergence = (rel_entr(before, middle) + rel_entr(after, middle)).sum(axis=-1) / 2.0
    # scipy.spatial.distance.jensenshannon takes this root without a floor: NaN where rounding is below 0.
    return np.sqrt(np.maximum(divergence, 0.0))
