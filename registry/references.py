"""The reference that was stored with a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import ModelUnavailable
from ..core.results import ModelVersion
from ..core.tags import PROFILE_URI

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..monitoring.reference import Reference


def reference_of(registry: ModelRegistry, version: ModelVersion) -> Reference:
    """Return the reference stored with a version.

    Raises:
        ModelUnavailable: If it has none, or it does not load.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from ..models.predictor import REPLACE
    from ..monitoring.stored_reference import fetch_reference

    uri = version.tags.get(PROFILE_URI)
    if not uri:
        raise ModelUnavailable(
            f"{version.name} version {version.version} has no tag {PROFILE_URI}: it was not registered "
            f"by the training flow. To replace it as the champion: {REPLACE}"
        )
    return fetch_reference(uri, tracking_uri=registry.tracking_uri.get_secret_value())
