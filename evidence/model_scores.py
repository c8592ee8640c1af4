"""Scores a model on the rows that it was fitted on and on those that it was not, with intervals, and by slice."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from ..core.results import MetricInterval, RowScores
from ..core.settings import Columns, GateSettings
from ..data.class_labels import class_text
from ..data.row_weights import FEWEST_GROUPS, groups_of, weights_of
from ..metrics.bootstrap import Interval, metric_interval
from ..metrics.sampling import Sampling
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
    """Return every metric of a model on some rows, with its interval: the numbers that its run has.

    Rows count what `columns.weight` says, those of one `columns.group` are drawn together, and metrics of labels are
    of the labels that are decided on.

    Args:
        predictor: The model.
        rows: Rows with its input columns and the target.
        columns: What each column is for.
        of: Which rows they are.
        digest: Digest of their snapshot, or None.
        settings: Confidence and resamples.
        seed: Seed of the resamples.

    Returns:
        The metrics; without bounds where there are fewer than 20 groups, of which nobody can tell the spread.

    Raises:
        DataRejected: If a column is missing, or a label, weight or group is none.
    """
    truth, classes = aligned_labels(predictor, rows, columns.target)
    predicted, sampling = predictor.predict(rows), _sampling(rows, columns)
    decided = None
    if predictor.decision is not None and classes is not None:
        decided = classes[predictor.decision.choose(predicted)]
    found = score_intervals(
        predictor.task_type,
        truth,
        predicted,
        classes,
        decided=decided,
        sampling=sampling,
        confidence=settings.confidence,
        resamples=min(settings.resamples, 1_000),
        seed=seed,
    )
    return RowScores(of=of, rows=len(rows), digest=digest, metrics=_metrics(found, sampling))


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
        One a value that has `minimum_slice_rows`, by column and value; a missing value is one too. Weights and groups
        count as in `row_scores`; a slice whose rows all weigh nothing is left out.

    Raises:
        DataRejected: If a column is missing, or a label, weight or group is none.
    """
    losses = losses_of(metric, predictor, rows, columns.target)
    whole = _sampling(rows, columns)
    found: list[RowScores] = []
    for column in columns.slices:
        # As objects: a column of categories takes no other ones.
        values = rows[column].reset_index(drop=True).astype(object)
        texts = values.map(class_text, na_action="ignore").fillna("missing")
        for value in sorted(texts.unique()):
            mask = (texts == value).to_numpy()
            chosen, sampling = losses[mask], whole.take(mask)
            weighs = sampling.weights is None or sampling.weights.sum() > 0
            if len(chosen) < settings.minimum_slice_rows or not weighs:
                continue
            interval = metric_interval(
                metric,
                chosen,
                confidence=settings.confidence,
                resamples=settings.resamples,
                seed=seed,
                sampling=sampling,
            )
            metrics = _metrics({metric: interval}, sampling)
            found.append(RowScores(of=f"{column} = {value}", rows=len(chosen), metrics=metrics))
    return found


def _sampling(rows: pd.DataFrame, columns: Columns) -> Sampling:
    return Sampling(weights_of(rows, columns), groups_of(rows, columns))


def _metrics(found: Mapping[str, Interval], sampling: Sampling) -> list[MetricInterval]:
    told = sampling.clusters is None or sampling.clusters >= FEWEST_GROUPS
    return [
        MetricInterval(
            name=name,
            value=interval.value,
            low=interval.low if told and math.isfinite(interval.low) else None,
            high=interval.high if told and math.isfinite(interval.high) else None,
        )
        for name, interval in found.items()
    ]
