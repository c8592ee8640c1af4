"""A scikit-learn model that other code logged and nobody adopted, scored on the rows that it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..core.errors import DataRejected, ModelUnavailable
from ..core.settings import TaskType
from ..data.schema import infer_feature_types
from ..metrics.losses import Floats
from .predictor import Predictor


@dataclass(frozen=True)
class PlainInputs:
    """What a model that other code logged is fed with: it says little of its columns itself.

    Attributes:
        rows: Rows to be scored.
        features: Which of their columns, where neither its signature nor the estimator names any.
    """

    rows: pd.DataFrame
    features: list[str]


@dataclass(frozen=True)
class PlainPredictor(Predictor):
    """A scikit-learn model that other code logged: it is given its columns as they are.

    How it was fed when it was fitted, nobody knows: bringing rows to types of ours could rename what
    it knows by another name.
    """

    def prepare(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the model's columns as they are. Raises `DataRejected` if one is missing."""
        missing = [name for name in self.feature_types if name not in frame]
        if missing:
            raise DataRejected(
                f"column {missing[0]!r} is missing, which the model was fitted on. Columns found: "
                f"{list(frame)}",
                column=missing[0],
            )
        return frame[list(self.feature_types)]

    def predict_conformed(self, rows: pd.DataFrame) -> Floats:
        """Predict. Raises `DataRejected` with what the model said if it cannot."""
        try:
            return super().predict_conformed(rows)
        except Exception as error:
            raise DataRejected(
                f"the model cannot score these rows: {type(error).__name__}: {error}. Give it the columns "
                "and types that it was fitted on"
            ) from error


def plain_predictor(
    model: Any, task_type: TaskType, plain: PlainInputs, model_uri: str, named: list[str]
) -> PlainPredictor:
    """Return a model with the columns that its signature, itself or else its rows name.

    Args:
        model: The estimator.
        task_type: What it is asked for.
        plain: What to feed it with.
        model_uri: What an error calls it.
        named: Columns of its signature, if it has one.

    Raises:
        ModelUnavailable: If it does not answer as the task needs.
        DataRejected: If a column is missing from the rows, or mixes types.
    """
    needed = ["predict"] if task_type == "regression" else ["predict_proba", "classes_"]
    lacking = [name for name in needed if not hasattr(model, name)]
    if lacking:
        raise ModelUnavailable(
            f"{model_uri} is a {type(model).__name__} without {' and '.join(lacking)}, which a {task_type} model "
            "needs"
        )
    own = [str(name) for name in getattr(model, "feature_names_in_", [])]
    names = named or own or plain.features
    feature_types = infer_feature_types(plain.rows, names)
    return PlainPredictor(model=model, task_type=task_type, feature_types=feature_types)
