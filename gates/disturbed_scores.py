"""Scores one set of rows with one model, as they are and disturbed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.losses import Floats, row_losses
from ..models.evaluation import aligned_labels
from ..models.predictor import Predictor


@dataclass(frozen=True)
class Disturbed:
    """What a model makes of disturbed rows.

    Attributes:
        losses: Its losses on them, shape (n,); None where it could not score them.
        flips: Share of the rows whose predicted class is another one; None for numbers.
        error: What it raised, or gave instead.
    """

    losses: Floats | None
    flips: float | None = None
    error: str = ""


class DisturbedScores:
    """Scores the same rows again and again.

    Args:
        predictor: The model.
        holdout: The rows, with their target.
        target: Target column.
        metric: Name of a loss.

    Attributes:
        rows: The rows as the model takes them.
        clean: Its losses on them, shape (n,).

    Raises:
        DataRejected: If the model cannot score the rows as they are.
    """

    def __init__(
        self, predictor: Predictor, holdout: pd.DataFrame, target: str, metric: str
    ) -> None:
        self._predictor = predictor
        self._metric = metric
        self._truth, self._classes = aligned_labels(predictor, holdout, target)
        self.rows = predictor.prepare(holdout)
        predicted = predictor.predict_conformed(self.rows)
        self._labels = predictor.labels(predicted)
        self.clean = row_losses(metric, self._truth, predicted, self._classes)

    def of(self, rows: pd.DataFrame) -> Disturbed:
        """Return what the model makes of the same rows, disturbed; conformed."""
        try:
            predicted = self._predictor.predict_conformed(rows)
            losses = row_losses(self._metric, self._truth, predicted, self._classes)
        # Whatever a model raises of rows like these, that is the verdict on it.
        except Exception as error:
            return Disturbed(None, error=f"{type(error).__name__}: {error}")
        if not np.isfinite(losses).all():
            return Disturbed(None, error="it answers with what is no number")
        if self._classes is None:
            return Disturbed(losses)
        changed = self._predictor.labels(predicted) != self._labels
        return Disturbed(losses, float(changed.mean()))
