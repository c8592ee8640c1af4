"""Evaluates a model that was fitted elsewhere: holdout metrics, promise, feature importance, reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.settings import Columns
from ..data.row_weights import weights_of
from ..data.schema import conform
from ..data.timestamps import parse_timestamps
from ..metrics.losses import row_losses
from ..metrics.promise import promise_of
from ..models.evaluation import aligned_labels, metrics_of, own_labels
from ..models.importance import permutation_importance
from ..models.predictor import Predictor
from ..monitoring.reference import build_reference
from .recipe_evaluation import Evaluation

# Of fewer rows than this, a period says little.
_FEWEST_ROWS = 50


def evaluate_model(
    predictor: Predictor,
    holdout: pd.DataFrame,
    columns: Columns,
    *,
    metric: str,
    periods: int,
    seed: int,
) -> Evaluation:
    """Take the evidence of a fitted model on rows that it never saw.

    No earlier model can be fitted here, as `recipe_evaluation` does for the promise: the rows themselves
    are cut into periods instead.

    Args:
        predictor: The model.
        holdout: Rows with the target, in time order if they have one.
        columns: What each column is for.
        metric: Metric to promise; lower is better.
        periods: Periods beside the newest one, of at least 50 rows each; 0 without a time order.
        seed: Seed of every draw.

    Returns:
        The model and its evidence.

    Raises:
        DataRejected: If the target, an input or the weight column is missing, or the target is none for the task.
    """
    truth, classes = aligned_labels(predictor, holdout, columns.target)
    rows, _ = conform(holdout, predictor.feature_types)
    predicted = predictor.predict_conformed(rows)
    losses = row_losses(metric, truth, predicted, classes)
    own = np.empty(len(truth), dtype=object)
    own[:] = own_labels(predictor, holdout, columns.target)
    importance = permutation_importance(predictor, rows, own, metric=metric, seed=seed)
    reference = build_reference(
        rows,
        predicted,
        pd.Series(truth),
        task_type=predictor.task_type,
        classes=classes,
        feature_types=predictor.feature_types,
        importance=importance,
        losses=losses,
        metric=metric,
        seed=seed,
        decided=None if predictor.decision is None else predictor.labels(predicted),
    )
    parts = min(periods + 1, len(losses) // _FEWEST_ROWS)
    if parts > 1:
        newest_first = list(reversed(np.array_split(losses, parts)))
        reference = replace(reference, promise=promise_of(metric, newest_first))
    metrics = metrics_of(predictor, truth, predicted, classes, weights_of(holdout, columns))
    return Evaluation(predictor, metrics, importance, reference)


def in_time_order(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return rows in the order of their timestamps, or as they are without any.

    Args:
        frame: Rows.
        columns: What each column is for.

    Returns:
        The rows, with a fresh index.

    Raises:
        DataRejected: If the timestamp column is missing, or holds something that is no moment.
    """
    name = columns.timestamp
    if name is None:
        return frame.reset_index(drop=True)
    if name not in frame:
        raise DataRejected(
            f"timestamp column {name!r} is missing; found {list(frame)}", column=name
        )
    moments = parse_timestamps(frame[name]).reset_index(drop=True)
    wrong = moments.isna().to_numpy()
    if wrong.any():
        raise DataRejected(
            f"timestamp column {name!r} has {int(wrong.sum())} values that are no moments, first "
            f"{str(frame[name].to_numpy()[wrong][0])!r}: expected ISO 8601 with an offset",
            column=name,
        )
    return frame.iloc[np.argsort(moments.to_numpy(), kind="stable")].reset_index(drop=True)
