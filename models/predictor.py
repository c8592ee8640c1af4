"""Loads models from MLflow without touching its global state, and predicts the same way for every task type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.errors import ModelUnavailable, RegistryUnavailable
from ..core.secret_text import scrubbed
from ..core.settings import TaskType
from ..data.schema import FeatureType, conform
from ..metrics.losses import Floats
from .decision import DecidingModel, Decision
from .mlflow_errors import shown_cause

if TYPE_CHECKING:
    from mlflow import MlflowClient

METADATA_KEY = "prefect_mlops"
TRUSTED_KEY = "trusted_types"
REPLACE = "train(project, replace_champion=True)"
_NOT_FOUND = 404
_UNREACHED = ("Max retries", "Connection", "timed out", "Timeout")


@dataclass(frozen=True)
class Predictor:
    """A loaded model with the schema it was trained on.

    Attributes:
        model: The scikit-learn pipeline, or a foreign model that answers like one.
        task_type: Task type.
        feature_types: Input column to feature type, in the model's order.
        decision: How probabilities become a label. None: the most probable class.
    """

    model: Any
    task_type: TaskType
    feature_types: dict[str, FeatureType]
    decision: Decision | None = None

    @property
    def classes(self) -> np.ndarray | None:
        """Class of each probability column; None for regression."""
        return None if self.task_type == "regression" else np.asarray(self.model.classes_)

    @property
    def deciding(self) -> Any:
        """The model for a library that takes one: its `predict` gives the labels that `labels` gives."""
        return self.model if self.decision is None else DecidingModel(self.model, self.decision)

    def predict(self, frame: pd.DataFrame) -> Floats:
        """Predict.

        Args:
            frame: Rows with at least the model's input columns, of any readable dtype.

        Returns:
            Probabilities of shape (n, classes), or values of shape (n,) for regression.

        Raises:
            DataRejected: If an input column is missing or appears twice.
        """
        return self.predict_conformed(self.prepare(frame))

    def prepare(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return rows as the model takes them. Raises as `predict` does."""
        return conform(frame, self.feature_types)[0]

    def predict_conformed(self, rows: pd.DataFrame) -> Floats:
        """Predict rows that `conform` brought to the model's feature types already.

        Of many columns and few rows, conforming takes longer than predicting.
        """
        if self.task_type == "regression":
            return np.asarray(self.model.predict(rows), dtype=float)
        return np.asarray(self.model.predict_proba(rows), dtype=float)

    def labels(self, predicted: Floats) -> np.ndarray:
        """Return the predicted label of every row, given what `predict` returned."""
        classes = self.classes
        if classes is None:
            return predicted
        if self.decision is not None:
            return classes[self.decision.choose(predicted)]
        return classes[predicted.argmax(axis=1)]


def fetch_model(
    model_uri: str, folder: str, *, tracking_uri: str, registry_uri: str | None = None
) -> str:
    """Download a logged or registered model.

    MLflow's own download resolves `models:/` by its process-wide tracking URI, whatever it is told,
    so the model's place is asked of the right server first.

    Args:
        model_uri: `models:/name/version`, `models:/name@alias`, `models:/id` or `runs:/…`.
        folder: Where to put it, if it is not on a local disk already.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Returns:
        Path of the model's folder.

    Raises:
        ModelUnavailable: If there is no such model, or its files are gone.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException
    from requests import RequestException

    client = MlflowClient(tracking_uri, registry_uri)
    uris = (tracking_uri, registry_uri)
    try:
        return download_artifacts(
            artifact_uri=place_of(client, model_uri), tracking_uri=tracking_uri, dst_path=folder
        )
    except MlflowException as error:
        message = scrubbed(str(error), *uris)
        if any(words in message for words in _UNREACHED):
            raise _unreached(model_uri, message) from shown_cause(error, *uris)
        # MLflow lists its attempts before it says what is wrong.
        reason = message.strip().rpartition("\n")[2]
        raise _gone(model_uri, reason) from shown_cause(error, *uris)
    except RequestException as error:
        message = scrubbed(str(error), *uris)
        answered = error.response is not None and error.response.status_code == _NOT_FOUND
        said = _gone if answered else _unreached
        raise said(model_uri, message) from shown_cause(error, *uris)
    except OSError as error:
        raise _gone(model_uri, scrubbed(str(error), *uris)) from shown_cause(error, *uris)


def _unreached(model_uri: str, reason: str) -> RegistryUnavailable:
    return RegistryUnavailable(f"MLflow cannot be reached for {model_uri}: {reason}")


def _gone(model_uri: str, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"{model_uri} cannot be fetched: {reason.rstrip('.')}. If its files were deleted or moved, bring "
        "them back, roll back to a version that loads, or retrain: train(project) replaces a champion "
        "whose files are gone"
    )


def place_of(client: MlflowClient, model_uri: str) -> str:
    """Return where a model's files are, as the client's own server knows it."""
    if model_uri.startswith("runs:/"):
        return _place_in_run(client, model_uri)
    if not model_uri.startswith("models:/"):
        return model_uri
    name, _, version = model_uri.removeprefix("models:/").partition("/")
    if "@" in name and not version:
        name, _, alias = name.rpartition("@")
        return place_of(client, str(client.get_model_version_by_alias(name, alias).source))
    if version:
        return place_of(client, str(client.get_model_version(name, version).source))
    return str(client.get_logged_model(name).artifact_location)


def _place_in_run(client: MlflowClient, model_uri: str) -> str:
    # Models are no artifacts of their run since MLflow 3, and its own look-up asks the process-wide server.
    run_id, _, name = model_uri.removeprefix("runs:/").partition("/")
    found = client.search_logged_models(
        [client.get_run(run_id).info.experiment_id],
        f"source_run_id = '{run_id}' AND name = '{name}'",
        max_results=1,
    )
    return str(found[0].artifact_location) if found else model_uri
