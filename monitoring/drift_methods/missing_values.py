"""Rise of the share of missing values."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.settings import DriftThresholds
from ...data.schema import FeatureType
from ..null_threshold import chance_of_rise
from .base import ColumnPair, Measure


@dataclass(frozen=True)
class MissingValues:
    """Share of missing values in the window, less that in the reference."""

    name: str = "missing_values"
    measures: Measure = "nulls"
    feature_types: tuple[FeatureType, ...] = ("number", "boolean", "category", "datetime")

    def score(self, pair: ColumnPair) -> float:
        """Return the rise, -1 to 1."""
        return 1.0 - len(pair.values) / pair.rows - pair.profile.null_rate

    def null_threshold(self, pair: ColumnPair, alpha: float) -> float:
        """Return the rise that chance exceeds with probability `alpha`."""
        profile = pair.profile
        missing = profile.rows - profile.present + pair.rows - len(pair.values)
        share = missing / (profile.rows + pair.rows)
        return chance_of_rise(share, pair.rows, profile.rows, alpha)

    def smallest_effect(self, thresholds: DriftThresholds) -> float:
        """Return `null_rise` of the settings."""
        return thresholds.null_rise
