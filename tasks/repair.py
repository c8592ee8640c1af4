"""Verifies whether a new champion fixes the window that caused its training.

The served model may have been fitted on that window's rows, so it is not asked: the evaluated model
is, on the rows after its own cutoff, which it has never seen. Only where too few of those are
labelled are all rows used, and the result says which share had been fitted on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tags
from ..core.results import Cause, DriftReport, ModelVersion, Repair, Verdict, WindowData
from ..monitoring.window_rows import load_window
from ..registry.references import reference_of
from ..registry.rescoring import RescoredWindow, score_again
from ..registry.tracking import registry_errors
from ..runs.run_logger import run_logger
from ..runs.step import step
from .windows import read_window

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import DriftThresholds, PerformanceThresholds, TaskType


@step("verify repair by version {version.version}")
def verify_repair(
    cause: Cause,
    version: ModelVersion,
    *,
    task_type: TaskType,
    metric: str,
    performance_thresholds: PerformanceThresholds,
    drift_thresholds: DriftThresholds,
    window_rows: int,
    resamples: int,
    seed: int,
    redacted: list[str],
    stores: Stores,
) -> Repair:
    """Look whether what was wrong in the window that caused a training is mended.

    What was wrong decides what is looked at. Asked for by **performance**: the metric of both champions
    on the window's labelled rows; repaired when it is surely better, and by more than
    `performance.tolerance`, not repaired when it is surely worse by more than that. Asked for by **drift** alone: repaired when the window no longer drifts
    from the new champion's reference and the metric is not surely worse. Everything between cannot be
    told yet: the verdict is `not_run`, and the governor goes by the new champion's next window.

    Args:
        cause: Why the training was asked for.
        version: The version that was promoted.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        performance_thresholds: When the metric counts as worse than promised.
        drift_thresholds: What counts as drift.
        window_rows: Rows of a monitoring window.
        resamples: Bootstrap resamples.
        seed: Seed of every draw.
        redacted: Features that are logged redacted.
        stores: Where the model's things are kept.

    Returns:
        The verdict; it is written to the journal and to the version's tags too.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        ModelUnavailable: If the new champion has no reference.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from ..gates.repair import repair_of_drift, repair_of_performance

    data = read_window.fn(cause.window, stores=stores, window_rows=window_rows)
    drift = None
    if "performance" not in cause.signals:
        drift = measure_features(
            data,
            version,
            registry=stores.registry,
            thresholds=drift_thresholds,
            redacted=redacted,
        )
    scored = score_again(
        cause,
        version,
        data,
        registry=stores.registry,
        task_type=task_type,
        metric=metric,
        thresholds=performance_thresholds,
        resamples=resamples,
        seed=seed,
        redacted=redacted,
    )
    found = None if isinstance(scored, str) else scored
    if drift is None:
        old, tolerance = found.before if found else 0.0, performance_thresholds.tolerance
        verdict, told = repair_of_performance(found and found.interval, old, tolerance)
        reason = f"{scored}; {told}"
    else:
        verdict, told = repair_of_drift(drift.verdict, found and found.interval)
        reason = f"against the new reference: {drift.reason}; {scored}; {told}"
    repair = _repair(cause, version, verdict, reason, scored=found, rows=data.rows, metric=metric)
    with stores.predictions.get_client() as store:
        store.record("repair", cause.id, stores.name, repair.model_dump(mode="json"))
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        client.set_model_version_tag(version.name, version.version, tags.REPAIR, repair.verdict)
    run_logger().info("repair of %s: %s, %s", cause.id, repair.verdict, repair.reason)
    return repair


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


def _repair(
    cause: Cause,
    version: ModelVersion,
    verdict: Verdict,
    reason: str,
    *,
    scored: RescoredWindow | None = None,
    rows: int = 0,
    metric: str,
) -> Repair:
    return Repair(
        cause_id=cause.id,
        version=version.version,
        verdict=verdict,
        reason=reason.removesuffix("; "),
        metric=metric,
        signals=cause.signals,
        before=scored.before if scored else None,
        after=scored.after if scored else None,
        fitted_on_window=scored.fitted if scored else 0.0,
        rows=scored.rows if scored else rows,
    )
