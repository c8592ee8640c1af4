"""Loads the estimator of a model that this package logged: only from skops, only of declared types, with its own code."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import ModelUnavailable
from .predictor import METADATA_KEY, TRUSTED_KEY
from .shipped_code import shipped_code
from .trusted_types import untrusted

if TYPE_CHECKING:
    from mlflow.models import Model

_FLAVOR, _FORMAT = "sklearn", "skops"
# MLflow requires itself of every model, and the model server has its smaller distribution.
_NOT_ASKED = ("", "mlflow")


def load_estimator(logged: Model, folder: Path) -> Any:
    """Load the estimator.

    Args:
        logged: The model's description.
        folder: Its files.

    Returns:
        The fitted estimator.

    Raises:
        ModelUnavailable: If it is kept in a format that runs code when it is loaded, would have types trusted that
            were not declared when it was logged, or needs a package that is not installed here.
    """
    from mlflow import sklearn as mlflow_sklearn

    flavor: dict[str, Any] = logged.flavors.get(_FLAVOR) or {}
    if flavor.get("serialization_format") != _FORMAT:
        raise ModelUnavailable(
            f"the model is kept as {flavor.get('serialization_format')!r}, and this package logs {_FORMAT!r} only: "
            "its files are not those that were logged"
        )
    declared = (logged.metadata or {})[METADATA_KEY].get(TRUSTED_KEY) or []
    added = untrusted(flavor.get("skops_trusted_types") or [], declared)
    if added:
        raise ModelUnavailable(
            f"the model asks to trust {', '.join(added)}, which nobody declared when it was logged: its files are "
            "not those that were logged"
        )
    code = flavor.get("code")
    try:
        with shipped_code(folder / code if code else None):
            return mlflow_sklearn.load_model(str(folder))
    except ImportError as error:
        missing = missing_packages(folder)
        if not missing:
            raise
        raise ModelUnavailable(
            f"the model needs {', '.join(missing)}, not installed here ({error}). Install it in this environment; "
            "docs/model-server.md says how for the model server"
        ) from error


def missing_packages(folder: Path) -> list[str]:
    """Return what a logged model requires and this environment has not, in any version.

    Args:
        folder: The model's files.

    Returns:
        Requirements with their versions, such as `lightgbm==4.6.0`.
    """
    try:
        lines = (folder / "requirements.txt").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [line for line in lines if _is_missing(line.partition("==")[0].strip())]


def _is_missing(package: str) -> bool:
    if package in _NOT_ASKED:
        return False
    try:
        version(package)
    except (PackageNotFoundError, ValueError):
        return True
    return False
