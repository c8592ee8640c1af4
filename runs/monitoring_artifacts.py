"""What a person sees of a monitored window and of a canary in the Prefect UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from ..core.tags import REASONS
from .artifacts import artifact_key, report_lines
from .gate_words import MARKS

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import (
        CanaryOutcome,
        CanaryVerdict,
        ModelVersion,
        MonitoringOutcome,
    )


def report_monitoring(
    stores: Stores, outcome: MonitoringOutcome, run_id: str, drift_path: str | None
) -> None:
    """Create the artifacts of a monitoring run.

    Args:
        stores: Where the model's things are kept.
        outcome: How it ended.
        run_id: MLflow run of the champion, which keeps the drift report.
        drift_path: Path of the report below that run's artifacts, or None.
    """
    decision, drift, performance = outcome.decision, outcome.drift, outcome.performance
    lines = [
        f"# {stores.name}: {decision.action}",
        "",
        f"{decision.reason}",
        "",
        "| | verdict | why |",
        "| --- | --- | --- |",
        f"| drift | {MARKS[drift.verdict]} | {drift.reason} |",
        f"| performance | {MARKS[performance.verdict]} | {performance.reason} |",
        "",
        f"Window {decision.window.key}, {decision.rows:,} predictions, champion version "
        f"{decision.champion_version}. Decision `{decision.id}`.",
        "",
        "## Reports",
        *report_lines(stores.registry, run_id, {"Evidently drift report": drift_path}),
    ]
    create_markdown_artifact(
        "\n".join(lines),
        key=artifact_key("monitoring", stores.name),
        description=f"Monitoring of {stores.name}: {decision.action}",
    )
    rows = [
        {
            "column": column.column,
            "measure": column.kind,
            "method": column.method,
            "score": "" if column.score is None else f"{column.score:.4f}",
            "threshold": "" if column.threshold is None else f"{column.threshold:.4f}",
            "drifted": "yes" if column.drifted else "",
            "importance": f"{column.importance:.3f}",
            "reason": column.reason,
        }
        for column in sorted(drift.columns, key=lambda c: (not c.drifted, -c.importance))
    ]
    if rows:
        create_table_artifact(
            rows,
            key=artifact_key("drift", stores.name),
            description=f"Every column of the window {decision.window.key}",
        )


def report_canary(
    stores: Stores, outcome: CanaryOutcome, challenger: ModelVersion | None = None
) -> None:
    """Create the artifact of a judgement on a challenger.

    Args:
        stores: Where the model's things are kept.
        outcome: The verdict and what became of it.
        challenger: The version that was judged, or None.
    """
    verdict = outcome.verdict
    if verdict is None:
        lines = [f"# {stores.name}: no challenger", "", outcome.reason]
    else:
        said = verdict.verdict.replace("_", " ")
        lines = [
            f"# {stores.name}: {said if outcome.action == 'none' else outcome.action}",
            "",
            f"**Version {verdict.challenger_version} against champion version "
            f"{verdict.champion_version}.** {outcome.reason}",
            "",
            "| gate | verdict | why |",
            "| --- | --- | --- |",
            *(f"| {gate.name} | {MARKS[gate.verdict]} | {gate.reason} |" for gate in verdict.gates),
            "",
            *_look_lines(verdict),
        ]
        found = challenger.tags.get(REASONS, "[]") if challenger else "[]"
        if found != "[]":
            lines += ["", f"Why its training did not promote it: `{found}`"]
        run_id = challenger.run_id if challenger else None
        lines += ["", "## Reports", *report_lines(stores.registry, run_id or None, {})]
    create_markdown_artifact(
        "\n".join(lines),
        key=artifact_key("canary", stores.name),
        description=f"Canary of {stores.name}: {outcome.reason}",
    )


def _look_lines(verdict: CanaryVerdict) -> list[str]:
    lines = []
    if verdict.interval is not None and verdict.error is not None:
        low, high = verdict.interval
        lines += [
            f"## {verdict.metric} on {verdict.labelled:,} labelled requests (lower is better)",
            "",
            "| | value |",
            "| --- | ---: |",
            f"| challenger | {verdict.challenger_score:.4f} |",
            f"| champion | {verdict.champion_score:.4f} |",
            f"| improvement | {verdict.improvement:+.4f} |",
            f"| bounds at look {verdict.look}, each wrong with chance {verdict.error:.2g} "
            f"| {low:+.4f} to {high:+.4f} |",
            "",
        ]
    if verdict.start is not None and verdict.end is not None:
        lines.append(
            f"{verdict.challenger_rows:,} predictions of the challenger ({verdict.evidence}), "
            f"{verdict.champion_rows:,} of the champion, {verdict.start:%Y-%m-%d %H:%M} to "
            f"{verdict.end:%Y-%m-%d %H:%M} UTC; {verdict.labelled:,} labelled requests, "
            f"{verdict.needed:,} needed for the next look."
        )
    return lines
