"""Inference: a model version predicts the rows of one request, whatever the protocol."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ..core.table_columns import SCORE_PREFIX
from ..models.predictor import Predictor
from ..storage.predictions import Role
from .input_frame import InputFrame
from .served_models import ServedModel
from .v2_codec import InputColumns


@dataclass(frozen=True)
class DecodedRequest:
    """A request whose inputs were decoded.

    Attributes:
        request: The request's id.
        ids: Id of every row.
        columns: Column to a value a row.
        at: When it came.
    """

    request: str
    ids: list[str]
    columns: InputColumns
    at: datetime


@dataclass(frozen=True)
class InferenceResult:
    """What a request is answered with.

    Attributes:
        version: Version that predicted, as it is logged.
        role: `champion`, `challenger`, or `shadow` if the caller does not see it.
        ids: Id of every row, as it is logged: labels are attached by it.
        labels: Predicted label, or number, of every row.
        scores: Class (as text) to the probability of every row; empty for regression.
        latency_seconds: How long the model took for all rows, seconds.
        logged: Whether the rows are logged.
    """

    version: str
    role: Role
    ids: list[str]
    labels: list[Any]
    scores: dict[str, list[float]]
    latency_seconds: float
    logged: bool = False

    def outputs(self) -> dict[str, list[Any]]:
        """Return what a caller sees: output to a value a row."""
        scores = {f"{SCORE_PREFIX}{name}": values for name, values in self.scores.items()}
        return {"prediction": self.labels, **scores, "id": self.ids}


def output_names(predictor: Predictor) -> list[str]:
    """Return the outputs of a model's answers."""
    classes = [] if predictor.classes is None else predictor.classes.tolist()
    return ["prediction", *(f"{SCORE_PREFIX}{name}" for name in classes), "id"]


def predict(
    model: ServedModel, role: Role, decoded: DecodedRequest, rows: InputFrame
) -> InferenceResult:
    """Answer a request, without logging it.

    Args:
        model: The version that answers.
        role: As what.
        decoded: The request.
        rows: Its rows as the version takes them.

    Returns:
        The answer.

    Raises:
        Exception: Whatever the model raises.
    """
    predictor = model.predictor
    begun = time.perf_counter()
    # `input_frame` made what `conform` would make.
    if predictor.classes is None:
        values = np.asarray(predictor.model.predict(rows.frame), dtype=float)
    else:
        values = np.asarray(predictor.model.predict_proba(rows.frame), dtype=float)
    labels = predictor.labels(values).tolist()
    latency_seconds = time.perf_counter() - begun
    classes = [] if predictor.classes is None else [str(c) for c in predictor.classes.tolist()]
    return InferenceResult(
        version=model.version,
        role=role,
        ids=decoded.ids,
        labels=labels,
        scores=dict(zip(classes, values.T.tolist(), strict=True)) if classes else {},
        latency_seconds=latency_seconds,
    )
