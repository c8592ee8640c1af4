"""Checks whether a model's files are in the artifact store, apart from a store that does not answer."""

from __future__ import annotations

import posixpath
import tempfile
from pathlib import Path

from ..core.secret_text import public_uri
from .mlflow_errors import mlflow_errors
from .predictor import place_of

_NOT_THERE = "RESOURCE_DOES_NOT_EXIST"


def missing_files(
    model_uri: str, *, tracking_uri: str, registry_uri: str | None = None
) -> str | None:
    """Return what is gone of a model, None when its files are there.

    Only a store that answers can say so: it lists the folder without the file. A file that is there
    but damaged, or that this environment cannot load, is not gone.

    Args:
        model_uri: `models:/name/version` or `models:/id`.
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry; None: the tracking server's own.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store does not answer, or with an error.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    with mlflow_errors(tracking_uri, registry_uri):
        try:
            place = place_of(MlflowClient(tracking_uri, registry_uri), model_uri)
            names = _names(place, tracking_uri)
            if names is None:
                return None
            if "MLmodel" in names:
                needed = _parts(place, tracking_uri) - names
                return _said(place, sorted(needed)) if needed else None
        except MlflowException as error:
            if error.error_code != _NOT_THERE:
                raise
            return f"MLflow knows no model {model_uri} any more"
    return _said(place, ["MLmodel"])


def _said(place: str, names: list[str]) -> str:
    return f"{public_uri(place)} holds no {', '.join(names)}"


def _names(place: str, tracking_uri: str) -> set[str] | None:
    """Return the names in a folder; None for a store that cannot list, or says so in words of its own."""
    from mlflow.artifacts import list_artifacts
    from mlflow.exceptions import MlflowException

    try:
        found = list_artifacts(artifact_uri=place, tracking_uri=tracking_uri)
    except (MlflowException, OSError):
        raise
    except Exception:
        return None
    return {posixpath.basename(file.path) for file in found}


def _parts(place: str, tracking_uri: str) -> set[str]:
    """Return the files and folders that the model's description names as its own."""
    import yaml
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory() as folder:
        path = download_artifacts(
            artifact_uri=f"{place.rstrip('/')}/MLmodel", tracking_uri=tracking_uri, dst_path=folder
        )
        described = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    flavors = described.get("flavors", {}) if isinstance(described, dict) else {}
    keys = ("model_path", "pickled_model", "code")
    named = [flavor.get(key) for flavor in flavors.values() for key in keys]
    return {str(name).partition("/")[0] for name in named if name}
