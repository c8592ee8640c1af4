"""Interface of drift methods, and the pair of columns that they score."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import pandas as pd

from ...core.settings import DriftThresholds
from ...data.schema import FeatureType
from ...metrics.losses import Floats
from ..profile import Profile, measurable, profile_of

Measure = Literal["distance", "nulls", "new_categories"]
MEASURES: tuple[Measure, ...] = ("distance", "nulls", "new_categories")


@dataclass(frozen=True)
class ColumnPair:
    """One column in the reference and in a window.

    Numbers are floats, moments seconds since 1970, categories text, booleans the texts `0` and `1`.

    Attributes:
        name: Feature, `score.<class>`, `prediction` or `label`.
        feature_type: What the values are.
        profile: The whole reference in short.
        sample: Present values of a sample of the reference, of at most 5,000 rows; can be empty.
        values: Present values of the window, at least one.
        rows: Rows of the window, missing values included.
    """

    name: str
    feature_type: FeatureType
    profile: Profile
    sample: Floats | pd.Series
    values: Floats | pd.Series
    rows: int

    @classmethod
    def of(
        cls, reference: pd.Series, window: pd.Series, feature_type: FeatureType, name: str = ""
    ) -> Self:
        """Make a pair of two columns of conformed frames (see `data.schema`).

        Args:
            reference: The reference's values, missing ones included.
            window: The window's values, missing ones included.
            feature_type: What they are.
            name: Name of the column.

        Returns:
            The pair.

        Example:
            >>> pair = ColumnPair.of(pd.Series([1.0, 2.0, None]), pd.Series([3.0, None]), "number")
            >>> pair.sample.tolist(), pair.values.tolist(), pair.rows
            ([1.0, 2.0], [3.0], 2)
        """
        return cls(
            name=name,
            feature_type=feature_type,
            profile=profile_of(reference, feature_type),
            sample=measurable(reference, feature_type),
            values=measurable(window, feature_type),
            rows=len(window),
        )


class DriftMethod(Protocol):
    """Scores a column of a window against the reference.

    A column drifted when its score is above both the smallest effect and the null threshold: the one
    says what matters, the other what chance explains. Both are asked after the score, of columns with
    a spread in the reference and a value in the window.
    """

    @property
    def name(self) -> str:
        """Short name, shown in reports; no two methods have the same."""
        ...

    @property
    def measures(self) -> Measure:
        """What the score is of.

        `distance` of two distributions, which is never drift for a feature that only rises; `nulls`, the
        share of missing values; or `new_categories`.
        """
        ...

    @property
    def feature_types(self) -> Collection[FeatureType]:
        """For which columns it is: `number`, `boolean`, `category`, `datetime`."""
        ...

    def score(self, pair: ColumnPair) -> float:
        """Return how far the window is from the reference; more is farther.

        Args:
            pair: The column.
        """
        ...

    def null_threshold(self, pair: ColumnPair, alpha: float) -> float:
        """Return the score that chance exceeds with probability `alpha` where nothing drifted.

        Args:
            pair: The column; what counts are the sizes of reference and window.
            alpha: Probability, 0 to 1.
        """
        ...

    def smallest_effect(self, thresholds: DriftThresholds) -> float:
        """Return the smallest score that matters, in the score's own unit.

        Args:
            thresholds: The project's drift settings.
        """
        ...
