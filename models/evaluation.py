"""Evaluates a model on rows, also where the labels' data type differs from training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..data.class_labels import class_text, match_classes
from ..data.training_rows import labels_of
from ..metrics.losses import Floats, row_losses, scores
from .predictor import Predictor


def aligned_labels(
    predictor: Predictor, rows: pd.DataFrame, target: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return labels and a model's classes in one type.

    Args:
        predictor: The model.
        rows: Rows with the target.
        target: Target column.

    Returns:
        For classes, labels and classes as text; a label that is no class of the model stays what it
        is, as text. For regression, labels as floats and None.

    Raises:
        DataRejected: If the target is missing or is not what the task needs.
    """
    labels = labels_of(rows, target, predictor.task_type)
    if predictor.classes is None:
        return labels, None
    classes = [class_text(name) for name in predictor.classes]
    values = labels.tolist()
    matched = match_classes(values, classes)
    texts = [found or class_text(value) for found, value in zip(matched, values, strict=True)]
    return np.asarray(texts, dtype=object), np.asarray(classes, dtype=object)


def own_labels(predictor: Predictor, rows: pd.DataFrame, target: str) -> list[Any]:
    """Return labels in the type of the model's classes; one that is no class stays what it is.

    Raises:
        DataRejected: If the target is missing or is not what the task needs.
    """
    truth, classes = aligned_labels(predictor, rows, target)
    if classes is None or predictor.classes is None:
        return truth.tolist()
    own = dict(zip(classes, predictor.classes.tolist(), strict=True))
    raw = rows[target].tolist()
    return [own.get(text, value) for text, value in zip(truth, raw, strict=True)]


def metrics_of(
    predictor: Predictor,
    truth: np.ndarray,
    predicted: Floats,
    classes: np.ndarray | None,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Return every metric that fits the task, those of labels for the labels that are decided on.

    Args:
        predictor: The model.
        truth: True labels, shape (n,).
        predicted: What `predict` returned for these rows.
        classes: The model's classes, in the type of the labels; None for regression.
        weights: What each row counts, shape (n,). None: all the same.

    Returns:
        As `metrics.losses.scores`; of a model that decides by costs also `cost`, the mean cost of a row,
        and `cost_of_most_probable`, the same for the most probable classes.
    """
    decision = predictor.decision
    if decision is None or classes is None:
        return scores(predictor.task_type, truth, predicted, classes, weights=weights)
    decided = classes[decision.choose(predicted)]
    task = predictor.task_type
    found = scores(task, truth, predicted, classes, decided=decided, weights=weights)
    return found | decision.metrics(truth, predicted, weights)


def losses_of(metric: str, predictor: Predictor, rows: pd.DataFrame, target: str) -> Floats:
    """Return a model's loss on every row.

    Args:
        metric: Name of a loss.
        predictor: The model.
        rows: Rows with the model's input columns and the target.
        target: Target column.

    Returns:
        Shape (rows,). A label that the model has no class for costs as much as being surely wrong.

    Raises:
        DataRejected: If an input column or the target is missing.
    """
    truth, classes = aligned_labels(predictor, rows, target)
    return row_losses(metric, truth, predictor.predict(rows), classes)


def unknown_classes(predictor: Predictor, rows: pd.DataFrame, target: str) -> list[str]:
    """Return the labels that a model has no class for, as text, sorted."""
    truth, classes = aligned_labels(predictor, rows, target)
    return [] if classes is None else sorted(set(truth) - set(classes))
