"""Measures how a window of predictions differs from the champion's reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import DriftReport, ModelVersion, WindowData, digest_of
from ..monitoring.window_rows import load_window, report_path
from ..registry.references import reference_of
from ..registry.tracking import registry_errors
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import DriftThresholds
    from ..monitoring.drift import ScoredColumn


@step()
def measure_drift(
    data: WindowData,
    champion: ModelVersion,
    *,
    thresholds: DriftThresholds,
    redacted: list[str],
    stores: Stores,
) -> DriftReport:
    """Measure drift, and write the Evidently report.

    Features that are logged redacted are left out; the report says so.

    The report goes to the workspace and, as `report_path` says, to the champion's MLflow run.

    Args:
        data: The window.
        champion: The version whose reference to compare with.
        thresholds: What counts as drift.
        redacted: Features that are logged redacted.
        stores: Where the model's things are kept.

    Returns:
        The verdict; `not_run`, without a report, with fewer than `monitoring.drift.minimum_rows`.

    Raises:
        ConfigurationError: If one of `thresholds.methods` is no drift method.
        ModelUnavailable: If the champion's reference cannot be fetched or does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    report, scored = _measure(
        data, champion, registry=stores.registry, thresholds=thresholds, redacted=redacted
    )
    if scored:
        from ..monitoring.evidently_report import render_report

        title = f"{stores.name}, version {champion.version}, {data.window.key}"
        html = render_report(report, scored, title)
        name = digest_of({"window": data.snapshot.digest, "version": champion.version})[:16]
        uri = stores.open_workspace().write_bytes(f"reports/drift/{name}.html", html.encode())
        with registry_errors(stores.registry):
            stores.registry.get_client().log_text(champion.run_id, html, report_path(data.window))
        report = report.model_copy(update={"report_uri": uri})
    run_logger().info("drift %s: %s", report.verdict, report.reason)
    return report


def _measure(
    data: WindowData,
    version: ModelVersion,
    *,
    thresholds: DriftThresholds,
    redacted: list[str],
    registry: ModelRegistry,
) -> tuple[DriftReport, list[ScoredColumn]]:
    from ..monitoring.drift import score_window
    from ..monitoring.drift_verdict import judge, too_few_rows

    if data.rows < thresholds.minimum_rows:
        return too_few_rows(data.rows, thresholds), []
    reference = reference_of(registry, version)
    scored = score_window(reference, load_window(data), thresholds, redacted)
    return judge(scored, data.rows, thresholds), scored
