"""Fetches the reference that was stored with a model version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ..core.errors import ModelUnavailable
from ..models.mlflow_errors import mlflow_errors, reason_of, shown_cause
from .reference import Reference


def fetch_reference(uri: str, *, tracking_uri: str) -> Reference:
    """Fetch a reference from MLflow.

    Args:
        uri: URI of its folder, `runs:/<run id>/reference`.
        tracking_uri: MLflow tracking server or database.

    Returns:
        The reference.

    Raises:
        ModelUnavailable: If it is not there or does not load.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.exceptions import MlflowException

    with tempfile.TemporaryDirectory() as folder:
        with mlflow_errors(tracking_uri):
            try:
                path = download_artifacts(
                    artifact_uri=uri, tracking_uri=tracking_uri, dst_path=folder
                )
            except (FileNotFoundError, MlflowException) as error:
                code = getattr(error, "error_code", "RESOURCE_DOES_NOT_EXIST")
                if code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                reason = reason_of(error, tracking_uri).rstrip(".")
                raise ModelUnavailable(
                    f"the reference {uri} is not there: {reason}. Check that the run's artifacts were not "
                    "deleted, or retrain"
                ) from shown_cause(error, tracking_uri)
        return Reference.load(Path(path))
