"""Scores a model on the rows that it was fitted on and on those that it was not, with intervals, and by slice."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from ..core.results import MetricInterval, RowScores
from ..core.settings import Columns, GateSettings
from ..data.class_labels import class_text
from ..metrics.bootstrap import Interval, metric_interval
from ..metrics.score_intervals import score_intervals
from ..models.evaluation import aligned_labels, losses_of
from ..models.predictor import Predictor


def row_scores(
    predictor: Predictor,
    rows: pd.DataFrame,
    columns: Columns,
    *,
    of: str,
    digest: str | None = None,
    settings: GateSettings,
    seed: int = 0,
) -> RowScores:
    """Return every metric of a model on some rows, with its interval.

    Args:
        predictor: The model.
        rows: Rows with its input columns and the target.
        columns: What each column is for.
        of: Which rows they are.
        digest: Digest of their snapshot, or None.
        settings: Confidence and resamples.
        seed: Seed of the resamples.

    Returns:
        The metrics.

    Raises:
        DataRejected: If a column is missing, or a label is none.
    """
    truth, classes = aligned_labels(predictor, rows, columns.target)
    found = score_intervals(
        predictor.task_type,
        truth,
        predictor.predict(rows),
        classes,
        confidence=settings.confidence,
        resamples=min(settings.resamples, 1_000),
        seed=seed,
    )
    return RowScores(of=of, rows=len(rows), digest=digest, metrics=_metrics(found))


def slice_scores(
    predictor: Predictor,
    rows: pd.DataFrame,
    columns: Columns,
    *,
    metric: str,
    settings: GateSettings,
    seed: int = 0,
) -> list[RowScores]:
    """Return the metric to decide by on each slice of `columns.slices`, with its interval.

    Args:
        predictor: The model.
        rows: Holdout rows with its input columns and the target.
        columns: What each column is for.
        metric: Metric to decide by; lower is better.
        settings: Confidence, resamples, and fewest rows of a slice.
        seed: Seed of the resamples.

    Returns:
        One a value that has `minimum_slice_rows`, by column and value; a missing value is one too.

    Raises:
        DataRejected: If a column is missing, or a label is none.
    """
    losses = losses_of(metric, predictor, rows, columns.target)
    found: list[RowScores] = []
    for column in columns.slices:
        # As objects: a column of categories takes no other ones.
        values = rows[column].reset_index(drop=True).astype(object)
        texts = values.map(class_text, na_action="ignore").fillna("missing")
        for value in sorted(texts.unique()):
            chosen = losses[(texts == value).to_numpy()]
            if len(chosen) < settings.minimum_slice_rows:
                continue
            interval = metric_interval(
                metric,
                chosen,
                confidence=settings.confidence,
                resamples=settings.resamples,
                seed=seed,
            )
            name = f"{column} = {value}"
            found.append(RowScores(of=name, rows=len(chosen), metrics=_metrics({metric: interval})))
    return found


def _metrics(found: Mapping[str, Interval]) -> list[MetricInterval]:
    return [
        MetricInterval(
            name=name,
            value=interval.value,
            low=interval.low if math.isfinite(interval.low) else None,
            high=interval.high if math.isfinite(interval.high) else None,
        )
        for name, interval in found.items()
    ]
