"""Measures whether the model is worse than promised, on the predictions whose labels have arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import ModelVersion, PerformanceReport, WindowData
from ..core.settings import PerformanceThresholds
from ..monitoring.window_rows import load_window
from ..registry.references import reference_of
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry


@step()
def measure_performance(
    data: WindowData,
    champion: ModelVersion,
    asked: WindowData | None = None,
    *,
    metric: str,
    thresholds: PerformanceThresholds | None = None,
    resamples: int = 2_000,
    seed: int = 0,
    registry: ModelRegistry,
) -> PerformanceReport:
    """Hold the champion's realised metric against what it promised.

    Judged on what was logged, not on a model run again, and only on predictions of this version. The
    metric is the one that was promised. A window is worse than promised when it is so beyond the
    tolerance, beyond chance, and beyond what the promise's periods ordinarily differ by.

    Args:
        data: The window to judge, see `read_labelled_window`.
        champion: The champion.
        asked: The window that was asked for, when its labels are not complete yet; None: `data`.
        metric: Metric to decide by; lower is better.
        thresholds: When the metric counts as worse than promised. None: the defaults.
        resamples: Bootstrap resamples.
        seed: Seed of every draw.
        registry: Where runs and models are kept.

    Returns:
        The verdict; `not_run` with fewer than `monitoring.performance.minimum_labels` usable rows, or
        while the labels are not complete enough.

    Raises:
        ModelUnavailable: If the champion's reference cannot be fetched or does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    from ..monitoring.performance import realised

    logger, thresholds = run_logger(), thresholds or PerformanceThresholds()
    if data.labelled < thresholds.minimum_labels:
        report = PerformanceReport(
            verdict="not_run",
            reason=f"{data.labelled} labelled predictions; performance needs at least "
            f"{thresholds.minimum_labels}",
            metric=metric,
            rows=data.labelled,
        )
    else:
        report = realised(
            reference_of(registry, champion),
            load_window(data),
            version=champion.version,
            policy=thresholds,
            resamples=resamples,
            seed=seed,
        )
    if asked is not None and asked.window != data.window:
        report = _of_earlier(report, data, asked)
    logger.info("performance %s: %s", report.verdict, report.reason)
    return report


def _of_earlier(
    report: PerformanceReport, data: WindowData, asked: WindowData
) -> PerformanceReport:
    """Say that the labels of the window that was asked for are still coming, and since when."""
    delay = None
    if asked.window.end is not None and data.window.end is not None:
        delay = asked.window.end - data.window.end
    days = f"{delay.total_seconds() / 86_400:.3g} days " if delay is not None else ""
    return report.model_copy(
        update={
            "window": data.window,
            "delay_seconds": delay.total_seconds() if delay is not None else None,
            "reason": f"{report.reason}; judged on predictions made {days}earlier: of the latest "
            f"{asked.labelled} of {asked.rows} labels are there",
        }
    )
