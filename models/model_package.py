"""Opens the files of a logged model: one that this package logged, or a foreign one that was adopted."""

from __future__ import annotations

import tempfile
import weakref
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import tags
from ..core.errors import ModelUnavailable, RegistryUnavailable
from ..core.former_names import with_task_type
from ..core.secret_text import scrubbed
from ..core.settings import TaskType
from .adopted_model import AdoptedModel, Adoption
from .decision import Decision, probabilities_of
from .mlflow_errors import mlflow_errors, reason_of, shown_cause
from .package_loading import load_estimator
from .predictor import METADATA_KEY, REPLACE, Predictor, fetch_model
from .shipped_code import shipped_code

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.models import Model
    from mlflow.pyfunc import PyFuncModel

ADOPT = "adopt(model, rows)"


class NotAdopted(ModelUnavailable):
    """The model is there, but nothing is known of its columns: this package did not log it."""


@dataclass(frozen=True)
class ModelPackage:
    """A model that is loaded, and what is stored with it.

    Attributes:
        task_type: What it predicts.
        predictor: The model, ready to predict.
        example: A few rows that it must be able to score.
    """

    task_type: TaskType
    predictor: Predictor
    example: pd.DataFrame | None


def load_predictor(
    model_uri: str, task_type: TaskType, *, tracking_uri: str, registry_uri: str | None = None
) -> Predictor:
    """Load a logged or registered model.

    Args:
        model_uri: `models:/name/version`, `models:/id` or `runs:/…`; a foreign model is known by the
            version that was adopted.
        task_type: Task type.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Returns:
        The model, ready to predict.

    Raises:
        ModelUnavailable: If there is no such model, it does not load, is of another task type, or was neither
            logged by this package nor adopted.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    package = load_package(model_uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
    if package.task_type != task_type:
        raise ModelUnavailable(
            f"{model_uri} is a {package.task_type} model, and {task_type} is expected"
        )
    return package.predictor


def load_package(
    model_uri: str, *, tracking_uri: str, registry_uri: str | None = None
) -> ModelPackage:
    """Load a logged or registered model with its input example.

    Args:
        model_uri: As for `load_predictor`.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Returns:
        The model; without an example if it cannot be read.

    Raises:
        ModelUnavailable: If there is no such model, it does not load, or it was neither logged by this
            package nor adopted.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.models import Model

    uris = (tracking_uri, registry_uri)
    with ExitStack() as files:
        place = files.enter_context(tempfile.TemporaryDirectory())
        folder = fetch_model(model_uri, place, tracking_uri=tracking_uri, registry_uri=registry_uri)
        try:
            logged = Model.load(folder)
            if METADATA_KEY in (logged.metadata or {}):
                return _own(logged, folder)
            found = _fetch_adoption(model_uri, place, *uris)
            if found is not None:
                adoption, example = found
                model = AdoptedModel(_pyfunc(model_uri, folder, files, *uris), adoption)
                predictor = Predictor(
                    model, adoption.task_type, adoption.feature_types, adoption.decision
                )
                return ModelPackage(adoption.task_type, predictor, example)
        except (ModelUnavailable, RegistryUnavailable):
            raise
        except Exception as error:
            reason = scrubbed(str(error), *uris)
            raise ModelUnavailable(
                f"{model_uri} does not load: {type(error).__name__}: {reason}. Roll back to a version "
                f"that does, or retrain; to replace it as the champion: {REPLACE}"
            ) from shown_cause(error, *uris)
    raise NotAdopted(
        f"{model_uri} was not logged by this package: its columns are unknown. To work with it: {ADOPT}; to "
        f"replace it as the champion: {REPLACE}"
    )


def load_foreign(
    model_uri: str, *, tracking_uri: str, registry_uri: str | None = None
) -> PyFuncModel:
    """Load a model of any flavour as a pyfunc, whoever logged it.

    Args:
        model_uri: As for `load_predictor`.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Returns:
        The model. Its files stay as long as it is used: a model may read them when it predicts.

    Raises:
        ModelUnavailable: If there is no such model, it has no pyfunc, or it does not load.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    with ExitStack() as files:
        place = files.enter_context(tempfile.TemporaryDirectory())
        folder = fetch_model(model_uri, place, tracking_uri=tracking_uri, registry_uri=registry_uri)
        return _pyfunc(model_uri, folder, files, tracking_uri, registry_uri)


def _pyfunc(model_uri: str, folder: str, files: ExitStack, *uris: str | None) -> PyFuncModel:
    """Load fetched files as a pyfunc with its own code, and keep them as long as the model is used."""
    from mlflow import pyfunc
    from mlflow.models import Model

    try:
        code = Model.load(folder).flavors.get(pyfunc.FLAVOR_NAME, {}).get(pyfunc.CODE)
        with shipped_code(Path(folder, code) if code else None):
            model = pyfunc.load_model(folder)
    except Exception as error:
        raise ModelUnavailable(
            f"{model_uri} does not load: {type(error).__name__}: {scrubbed(str(error), *uris)}. It needs a "
            "pyfunc, and here the packages that it was logged with"
        ) from shown_cause(error, *uris)
    weakref.finalize(model, files.pop_all().close)
    return model


def _own(logged: Model, folder: str) -> ModelPackage:
    stored: dict[str, Any] = with_task_type((logged.metadata or {})[METADATA_KEY])
    model, decision = load_estimator(logged, Path(folder)), None
    if stored.get("decision") is not None:
        model, decision = probabilities_of(model), Decision.stored(stored["decision"])
    predictor = Predictor(model, stored["task_type"], stored["kinds"], decision)
    example: Any = None
    # Only the model server needs one, and says so.
    with suppress(Exception):
        example = logged.load_input_example(folder)
    return ModelPackage(stored["task_type"], predictor, example)


def _fetch_adoption(
    model_uri: str, folder: str, tracking_uri: str, registry_uri: str | None
) -> tuple[Adoption, pd.DataFrame] | None:
    """Return what was stored when a version was adopted, None if it never was."""
    from mlflow import MlflowClient
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    name, _, version = model_uri.removeprefix("models:/").partition("/")
    if not model_uri.startswith("models:/") or not version:
        return None
    uris = (tracking_uri, registry_uri)
    with mlflow_errors(*uris):
        found = MlflowClient(*uris).get_model_version(name, version)
        place = (found.tags or {}).get(tags.ADOPTION_URI)
        if not place:
            return None
        beside = Path(folder, "adoption")
        beside.mkdir()
        try:
            path = download_artifacts(
                artifact_uri=place, tracking_uri=tracking_uri, dst_path=str(beside)
            )
        except (FileNotFoundError, MlflowException) as error:
            if getattr(error, "error_code", "RESOURCE_DOES_NOT_EXIST") != "RESOURCE_DOES_NOT_EXIST":
                raise
            reason = reason_of(error, tracking_uri).rstrip(".")
            raise ModelUnavailable(
                f"what was stored when {model_uri} was adopted is not there: {reason}. Adopt it again"
            ) from shown_cause(error, tracking_uri)
    return Adoption.load(Path(path))
