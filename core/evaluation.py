"""Brings labels to a model's own classes, so that losses and scores compare like with like."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .errors import DataRejected
from .labels import class_text, match_classes
from .metrics import Floats, row_losses
from .models import Predictor


def aligned(predictor: Predictor, labels: pd.Series) -> tuple[np.ndarray, np.ndarray | None]:
    """Return labels and classes in one type.

    Args:
        predictor: The model.
        labels: True labels, without missing ones.

    Returns:
        For classes, labels and classes as text; a label that is no class of the model stays what it
        is, as text. For regression, labels as floats and None.

    Raises:
        DataRejected: If a label of a regression is not a number.
    """
    if predictor.classes is None:
        numbers = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=float)
        if np.isnan(numbers).any():
            example = labels[np.isnan(numbers)].iloc[0]
            raise DataRejected(
                f"target {labels.name!r} has values that are no numbers, first {example!r}: clean them "
                "at the source, or use a classification task",
                column=str(labels.name),
            )
        return numbers, None
    classes = [class_text(name) for name in predictor.classes]
    values = labels.tolist()
    matched = match_classes(values, classes)
    texts = [found or class_text(value) for found, value in zip(matched, values, strict=True)]
    return np.asarray(texts, dtype=object), np.asarray(classes, dtype=object)


def losses_of(metric: str, predictor: Predictor, rows: pd.DataFrame, target: str) -> Floats:
    """Return a model's loss on every row.

    Args:
        metric: Name of a loss.
        predictor: The model.
        rows: Rows with the model's input columns and the target.
        target: Target column.

    Returns:
        Shape (rows,).

    Raises:
        DataRejected: If an input column is missing, or a label is a class the model does not know.
    """
    truth, classes = aligned(predictor, rows[target])
    if classes is not None:
        unknown = sorted(set(truth) - set(classes))
        if unknown:
            raise DataRejected(
                f"the model does not know the class {', '.join(map(repr, unknown[:5]))} of target "
                f"{target!r}; it knows {classes.tolist()[:20]}",
                column=target,
            )
    return row_losses(metric, truth, predictor.predict(rows), classes)
