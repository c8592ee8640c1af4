"""Reads model versions and aliases from the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import ModelUnavailable
from ..core.results import ModelVersion
from ..core.tags import CHAMPION, EVIDENCE_RUN_ID
from .tracking import registry_errors

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion as MlflowVersion

    from ..blocks.model_registry import ModelRegistry


def as_result(version: MlflowVersion) -> ModelVersion:
    """Turn MLflow's entity into our result."""
    tags = {key: str(value) for key, value in (version.tags or {}).items()}
    return ModelVersion(
        name=version.name,
        version=str(version.version),
        # An adopted version's own run, if it has one, is its maker's.
        run_id=tags.get(EVIDENCE_RUN_ID) or version.run_id or "",
        uri=f"models:/{version.name}/{version.version}",
        aliases=sorted(version.aliases or []),
        tags=tags,
    )


def find_version(
    registry: ModelRegistry, alias: str, *, name: str | None = None
) -> ModelVersion | None:
    """Return the version behind an alias, of the registry's model or another; None when there is none.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    client = registry.get_client()
    with registry_errors(registry):
        try:
            found = client.get_model_version_by_alias(name or registry.model_name, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
    return as_result(found)


def get_version(registry: ModelRegistry, version: str, *, name: str | None = None) -> ModelVersion:
    """Return one version, of the registry's model or another.

    Raises:
        ModelUnavailable: If there is no such version.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    client, model = registry.get_client(), name or registry.model_name
    with registry_errors(registry):
        try:
            return as_result(client.get_model_version(model, version))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise ModelUnavailable(f"{model} has no version {version}") from error


def get_champion(registry: ModelRegistry) -> ModelVersion:
    """Return the champion.

    Raises:
        ModelUnavailable: If there is none yet.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    champion = find_version(registry, CHAMPION)
    if champion is None:
        raise ModelUnavailable(
            f"{registry.model_name} has no champion yet: run the training flow first, or adopt a model"
        )
    return champion
