"""Share of rows with categories that the reference does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pandas as pd

from ...core.settings import DriftThresholds
from ...data.schema import FeatureType
from ..null_threshold import chance_of_rise
from ..profile import CategoryProfile
from .base import ColumnPair, Measure


@dataclass(frozen=True)
class NewCategories:
    """Share of the window's values that are none of the profile's categories, less that of its rare ones."""

    name: str = "new_categories"
    measures: Measure = "new_categories"
    feature_types: tuple[FeatureType, ...] = ("category",)

    def score(self, pair: ColumnPair) -> float:
        """Return the share, 0 to 1."""
        profile = cast(CategoryProfile, pair.profile)
        unknown = 1.0 - float(pd.Series(pair.values).isin(list(profile.shares)).mean())
        return max(unknown - profile.rest, 0.0)

    def null_threshold(self, pair: ColumnPair, alpha: float) -> float:
        """Return the share that chance exceeds with probability `alpha`.

        What is expected without drift is the Good-Turing estimate: categories seen once / values.
        """
        profile = cast(CategoryProfile, pair.profile)
        expected = min(profile.rest + profile.unseen, 1.0)
        rise = chance_of_rise(expected, len(pair.values), profile.present, alpha)
        return profile.unseen + rise

    def smallest_effect(self, thresholds: DriftThresholds) -> float:
        """Return `new_category_share` of the settings."""
        return thresholds.new_category_share
