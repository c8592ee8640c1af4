"""Fetches the reference that was stored with a model version."""

from __future__ import annotations

import tempfile
from pathlib import Path

from .drift_profile import Reference
from .errors import ModelUnavailable, RegistryUnavailable


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
            path = download_artifacts(artifact_uri=uri, tracking_uri=tracking_uri, dst_path=folder)
        except MlflowException as error:
            if "Max retries" in str(error) or "Connection" in str(error):
                raise RegistryUnavailable(f"MLflow cannot be reached for {uri}") from error
            raise ModelUnavailable(
                f"the reference {uri} cannot be fetched: {error}. Retrain, so that the champion has one"
            ) from error
        except OSError as error:
            raise ModelUnavailable(
                f"the reference {uri} cannot be fetched: {error}. Check that the run's artifacts were "
                "not deleted"
            ) from error
        return Reference.load(Path(path))
