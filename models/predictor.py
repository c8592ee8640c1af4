"""Loads models from MLflow without touching its global state, and predicts the same way for every task type."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.errors import DataRejected, ModelUnavailable, RegistryUnavailable
from ..core.secret_text import scrubbed
from ..core.settings import TaskType
from ..data.schema import FeatureType, conform, infer_feature_types
from ..metrics.losses import Floats
from .mlflow_errors import shown_cause

if TYPE_CHECKING:
    from mlflow import MlflowClient

METADATA_KEY = "prefect_mlops"
REPLACE = "train(project, replace_champion=True)"
_NOT_FOUND = 404
_UNREACHED = ("Max retries", "Connection", "timed out", "Timeout")


@dataclass(frozen=True)
class Predictor:
    """A loaded model with the schema it was trained on.

    Attributes:
        model: The scikit-learn pipeline.
        task: Task type.
        feature_types: Input column to feature type, in the model's order.
    """

    model: Any
    task: TaskType
    feature_types: dict[str, FeatureType]

    @property
    def classes(self) -> np.ndarray | None:
        """Class of each probability column; None for regression."""
        return None if self.task == "regression" else np.asarray(self.model.classes_)

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
        if self.task == "regression":
            return np.asarray(self.model.predict(rows), dtype=float)
        return np.asarray(self.model.predict_proba(rows), dtype=float)

    def labels(self, predicted: Floats) -> np.ndarray:
        """Return the predicted label of every row, given what `predict` returned."""
        classes = self.classes
        return predicted if classes is None else classes[predicted.argmax(axis=1)]


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


def _place_in_run(client: MlflowClient, model_uri: str) -> str:
    # Models are no artifacts of their run since MLflow 3, and its own look-up asks the process-wide server.
    run_id, _, name = model_uri.removeprefix("runs:/").partition("/")
    found = client.search_logged_models(
        [client.get_run(run_id).info.experiment_id],
        f"source_run_id = '{run_id}' AND name = '{name}'",
        max_results=1,
    )
    return str(found[0].artifact_location) if found else model_uri


def load_predictor(
    model_uri: str,
    task: TaskType,
    *,
    tracking_uri: str,
    registry_uri: str | None = None,
    plain: PlainInputs | None = None,
) -> Predictor:
    """Load a logged or registered model.

    Args:
        model_uri: `models:/name/version`, `models:/name@alias`, `models:/id` or `runs:/…`.
        task: Task type.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.
        plain: What to feed the model with if it was not logged by this package. None: it is refused.

    Returns:
        The model, ready to predict.

    Raises:
        ModelUnavailable: If there is no such model, it does not load, or it was not logged by this
            package and is refused or no scikit-learn model for the task.
        DataRejected: If a column of such a model is missing from its rows.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow import pyfunc
    from mlflow import sklearn as mlflow_sklearn
    from mlflow.models import Model

    with tempfile.TemporaryDirectory() as temporary:
        folder = fetch_model(
            model_uri, temporary, tracking_uri=tracking_uri, registry_uri=registry_uri
        )
        try:
            described = Model.load(folder)
            metadata = described.metadata or {}
            feature_types = metadata[METADATA_KEY]["kinds"] if METADATA_KEY in metadata else None
            model = None
            if feature_types is not None:
                model = mlflow_sklearn.load_model(folder)
            elif plain is not None:
                # LightGBM's and XGBoost's classifiers answer like scikit-learn's, in flavours of their own.
                model = pyfunc.load_model(folder).get_raw_model()
        except Exception as error:
            uris = (tracking_uri, registry_uri)
            reason = scrubbed(str(error), *uris)
            raise ModelUnavailable(
                f"{model_uri} does not load: {type(error).__name__}: {reason}. Roll back to a version "
                f"that does, or retrain; to replace it as the champion: {REPLACE}"
            ) from shown_cause(error, *uris)
    if feature_types is None and plain is not None:
        signature = described.signature
        named = signature.inputs.input_names() if signature and signature.inputs else []
        return _plain_predictor(model, task, plain, model_uri, list(map(str, named)))
    if feature_types is None:
        raise ModelUnavailable(
            f"{model_uri} was not logged by this package: its columns are unknown. To replace it as the "
            f"champion: {REPLACE}"
        )
    return Predictor(model=model, task=task, feature_types=feature_types)


def _plain_predictor(
    model: Any, task: TaskType, plain: PlainInputs, model_uri: str, named: list[str]
) -> PlainPredictor:
    needed = ["predict"] if task == "regression" else ["predict_proba", "classes_"]
    lacking = [name for name in needed if not hasattr(model, name)]
    if lacking:
        raise ModelUnavailable(
            f"{model_uri} is a {type(model).__name__} without {' and '.join(lacking)}, which a {task} model "
            "needs"
        )
    own = [str(name) for name in getattr(model, "feature_names_in_", [])]
    names = named or own or plain.features
    feature_types = infer_feature_types(plain.rows, names)
    return PlainPredictor(model=model, task=task, feature_types=feature_types)
