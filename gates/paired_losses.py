"""Two models on the same rows: the improvement with its interval, what the rows would tell, and both in words."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..core.settings import GateSettings
from ..metrics.bootstrap import Interval, paired_difference
from ..metrics.losses import Floats, metric_value
from ..metrics.power import detectable_effect, paired_error, rows_that_tell
from ..metrics.sampling import Sampling


@dataclass(frozen=True)
class Paired:
    """Losses of two models on the same rows, compared.

    Attributes:
        metric: Name of the loss.
        before: Metric of the model to beat.
        after: Metric of the candidate.
        rows: How many rows.
        groups: How many groups they are of; None where every row stands for itself.
        confidence: Level of the interval, two-sided.
        interval: The improvement and its bounds.
        error: Standard error of the improvement.
    """

    metric: str
    before: float
    after: float
    rows: int
    groups: int | None
    confidence: float
    interval: Interval
    error: float

    @property
    def detectable(self) -> float:
        """How far from a bound the true improvement must lie for four of five such holdouts to tell it."""
        return detectable_effect(self.error, confidence=self.confidence)

    def words(self, whose: str) -> str:
        """Return both scores and the improvement; `whose` is the model to beat, as in `the champion's`."""
        found = self.interval
        return (
            f"on {self.rows} rows{_of(self.groups)} {self.metric} is {self.after:.4g}, {whose} {self.before:.4g}: an "
            f"improvement of {found.value:.4g}, between {found.low:.4g} and {found.high:.4g} with "
            f"{self.confidence:.0%} confidence"
        )

    def telling(self, threshold: float, limit: str) -> str:
        """Return which true improvement such rows tell, and how many rows would tell the one that was seen.

        Args:
            threshold: What the lower bound must exceed.
            limit: Setting that brings more rows.
        """
        if not math.isfinite(self.error):
            return ""
        said = f"; {self.rows} rows{_of(self.groups)} tell a true improvement of {threshold + self.detectable:.4g} four times in five"
        seen = self.interval.value - threshold
        if seen <= 0 or self.interval.low > threshold:
            return said
        needed = rows_that_tell(seen, rows=self.rows, error=self.error, confidence=self.confidence)
        # Two digits: the improvement itself is known no better.
        return (
            f"{said}; about {float(f'{needed:.1e}'):,.0f} rows would tell, if it is real ({limit})"
        )


def _of(groups: int | None) -> str:
    return "" if groups is None else f" of {groups} groups"


def paired(
    metric: str,
    before: Floats,
    after: Floats,
    *,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> Paired:
    """Compare two models.

    Args:
        metric: Name of a loss.
        before: Losses of the model to beat, shape (n,).
        after: The candidate's, of the same rows.
        settings: Confidence and resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Raises:
        DataRejected: If there are no rows, or a loss is not finite.
    """
    interval = paired_difference(
        metric,
        before,
        after,
        confidence=settings.confidence,
        resamples=settings.resamples,
        seed=seed,
        sampling=sampling,
    )
    weights = None if sampling is None else sampling.weights
    return Paired(
        metric=metric,
        before=metric_value(metric, before, weights),
        after=metric_value(metric, after, weights),
        rows=len(after) if sampling is None else sampling.counting(len(after)),
        groups=None if sampling is None else sampling.clusters,
        confidence=settings.confidence,
        interval=interval,
        error=paired_error(metric, before, after, sampling),
    )
