"""Scores the labelled rows of a window again, with the champion before and the one after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import Cause, ModelVersion, WindowData
from ..monitoring.window_rows import labelled_rows
from .versions import get_version

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import PerformanceThresholds, TaskType
    from ..metrics.bootstrap import Interval


@dataclass(frozen=True)
class RescoredWindow:
    """Both champions on the labelled rows of the window."""

    metric: str
    before: float
    after: float
    interval: Interval
    rows: int
    fitted: float

    def __str__(self) -> str:
        share = f"; {self.fitted:.0%} of them had been fitted on" if self.fitted else ""
        return (
            f"{self.metric} {self.before:.4g} before, {self.after:.4g} after, on {self.rows:,} rows of "
            f"the window{share}; improvement {self.interval.value:+.4g}, interval "
            f"{self.interval.low:+.4g} to {self.interval.high:+.4g}"
        )


def score_again(
    cause: Cause,
    version: ModelVersion,
    data: WindowData,
    *,
    task_type: TaskType,
    metric: str,
    thresholds: PerformanceThresholds,
    resamples: int,
    seed: int,
    redacted: list[str],
    registry: ModelRegistry,
) -> RescoredWindow | str:
    """Return how both champions score the window, or why nobody can tell."""
    rows = labelled_rows(data, task_type=task_type)
    minimum = thresholds.minimum_labels
    if redacted:
        named = ", ".join(redacted)
        return f"{named} are logged redacted, so nobody can score these rows again"
    if len(rows) < minimum:
        return f"too few labels to compare {metric}"
    try:
        return _by_performance(
            cause,
            version,
            rows,
            minimum,
            registry=registry,
            task_type=task_type,
            metric=metric,
            thresholds=thresholds,
            resamples=resamples,
            seed=seed,
        )
    except ModelUnavailable as error:
        # The old champion's files may be gone: that is why it was replaced.
        return f"{metric} cannot be compared, {error}"


def _by_performance(
    cause: Cause,
    version: ModelVersion,
    rows: pd.DataFrame,
    minimum: int,
    *,
    task_type: TaskType,
    metric: str,
    thresholds: PerformanceThresholds,
    resamples: int,
    seed: int,
    registry: ModelRegistry,
) -> RescoredWindow:
    import pandas as pd

    from ..data.class_labels import to_classes
    from ..metrics.bootstrap import paired_difference
    from ..metrics.losses import metric_value, row_losses

    cutoff = version.tags.get(tags.EVALUATED_CUTOFF)
    # Without timestamps nobody can tell which rows were fitted on: assume all of them.
    seen = rows["at"] <= pd.Timestamp(cutoff) if cutoff else pd.Series(True, index=rows.index)
    unseen = rows[~seen]
    judged, fitted = (unseen, 0.0) if len(unseen) >= minimum else (rows, float(seen.mean()))

    def losses(uri: str):  # noqa: ANN202
        model = registry.load_model(uri, task_type)
        classes = model.classes
        labels = judged["label"] if classes is None else to_classes(judged["label"], classes)
        return row_losses(metric, labels, model.predict(judged), classes)

    before_version = get_version(registry, cause.champion_version)
    before = losses(before_version.tags.get(tags.EVALUATED_URI, before_version.uri))
    after = losses(version.tags[tags.EVALUATED_URI])
    interval = paired_difference(
        metric,
        before,
        after,
        confidence=thresholds.confidence,
        resamples=resamples,
        seed=seed,
    )
    return RescoredWindow(
        metric=metric,
        before=metric_value(metric, before),
        after=metric_value(metric, after),
        interval=interval,
        rows=len(judged),
        fitted=fitted,
    )
