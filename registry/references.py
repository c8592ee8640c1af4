"""The reference that was stored with a model version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import ModelUnavailable
from ..core.results import DriftReport, ModelVersion, WindowData
from ..core.tags import PROFILE_URI
from ..monitoring.window_rows import load_window

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import DriftThresholds
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


def measure_features(
    data: WindowData,
    version: ModelVersion,
    *,
    thresholds: DriftThresholds,
    redacted: list[str],
    registry: ModelRegistry,
) -> DriftReport:
    """Measure the drift of a window's features, whoever made its predictions, without writing a report.

    Args:
        data: The window.
        version: The version whose reference to compare with.
        thresholds: What counts as drift.
        redacted: Features that are logged redacted.
        registry: Where runs and models are kept.

    Returns:
        As `measure_drift`, without predictions, labels and `report_uri`.

    Raises:
        ModelUnavailable: If the reference cannot be fetched or does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    from ..monitoring.drift_verdict import feature_drift

    reference = reference_of(registry, version)
    return feature_drift(reference, load_window(data), thresholds, redacted)
