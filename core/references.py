"""Fetches the reference that was stored with a model version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .drift_profile import Reference
from .errors import ModelUnavailable, RegistryUnavailable
from .mlflow_errors import mlflow_errors


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
        try:
            with mlflow_errors(tracking_uri):
                path = download_artifacts(
                    artifact_uri=uri, tracking_uri=tracking_uri, dst_path=folder
                )
        except RegistryUnavailable as error:
            cause = error.__cause__
            gone = isinstance(cause, FileNotFoundError) or (
                isinstance(cause, MlflowException) and cause.error_code == "RESOURCE_DOES_NOT_EXIST"
            )
            if not gone:
                raise
            raise ModelUnavailable(
                f"the reference {uri} is not there: {str(cause).rstrip('.')}. Check that the run's artifacts were not "
                "deleted, or retrain"
            ) from cause
        return Reference.load(Path(path))
