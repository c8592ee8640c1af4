"""What a person sees of a run: artifacts in the Prefect UI, with links into MLflow."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.utilities.urls import url_for

from ..core.tags import REASONS

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.results import (
        CanaryOutcome,
        CanaryVerdict,
        Cause,
        Comparison,
        Gate,
        ModelVersion,
        MonitoringOutcome,
        TrainingOutcome,
    )

# Signs of ordinary fonts: many a server's browser has no emoji.
_MARKS = {"passed": "✓ passed", "failed": "✗ failed", "not_run": "⚠ not run"}


def artifact_key(*parts: str) -> str:
    """Return an artifact key: lowercase letters, digits and dashes.

    Example:
        >>> artifact_key("training", "My Model_2")
        'training-my-model-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", "-".join(parts).lower()).strip("-")


def mlflow_run_url(registry: ModelRegistry, run_id: str | None) -> str | None:
    """Return the address of a run in the MLflow UI, or None when MLflow is not behind HTTP."""
    base = _mlflow_base(registry)
    if base is None or run_id is None:
        return None
    experiment = registry.get_client().get_run(run_id).info.experiment_id
    return f"{base}/#/experiments/{experiment}/runs/{run_id}"


def mlflow_artifact_url(registry: ModelRegistry, run_id: str, path: str) -> str | None:
    """Return the address of an artifact in the MLflow UI, or None when MLflow is not behind HTTP.

    The UI shows the page; the address of its content would download it.
    """
    run = mlflow_run_url(registry, run_id)
    return run and f"{run}/artifacts/{quote(path)}"


def _mlflow_base(registry: ModelRegistry) -> str | None:
    parts = urlsplit(registry.tracking_uri.get_secret_value())
    if parts.scheme not in ("http", "https"):
        return None
    # Without user and password: the address is shown to people.
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def gate_rows(gates: list[Gate]) -> list[dict[str, Any]]:
    """Return gates as rows of a table artifact: first what stood in the way, then what could have."""
    rows = []
    for gate in sorted(gates, key=lambda gate: (not gate.blocks, not gate.blocking)):
        # The table does not wrap: a condition in words would push the verdict off the page.
        name, _, condition = gate.name.partition(": ")
        rows.append(
            {
                "gate": name,
                "verdict": _MARKS[gate.verdict],
                "blocks": "yes" if gate.blocking else "no",
                "value": "" if gate.value is None else f"{gate.value:.4g}",
                "threshold": "" if gate.threshold is None else f"{gate.threshold:.4g}",
                "reason": gate.reason.replace("\n", " "),
                "condition": condition,
            }
        )
    return rows


def training_summary(
    project_name: str,
    outcome: TrainingOutcome,
    *,
    comparison: Comparison | None,
    cause: Cause | None,
) -> str:
    """Return what a training came to, in Markdown.

    Args:
        project_name: Name of the project.
        outcome: How it ended.
        comparison: Candidate against champion, when it got that far.
        cause: Why it was asked for.

    Returns:
        Outcome, reasons, comparison, cause and repair, with a link to the monitoring run that asked.
    """
    lines = [f"# {project_name}: {outcome.outcome}", ""]
    if outcome.version:
        lines += [f"**{outcome.version.name} version {outcome.version.version}**", ""]
    lines += [f"- {reason}" for reason in outcome.reasons]
    if comparison is not None:
        lines += ["", *_comparison_lines(comparison)]
    if cause is not None:
        lines += ["", "## Cause", "", f"`{cause.id}`: {cause.reason}", ""]
        if cause.drifted_columns:
            lines += [f"Drifted, most important first: {', '.join(cause.drifted_columns)}.", ""]
        asked = cause.monitoring_run_id and url_for("flow-run", cause.monitoring_run_id)
        if asked:
            lines.append(f"Asked for by [this monitoring run]({asked}).")
    if outcome.repair is not None:
        repair = outcome.repair
        lines += ["", "## Repair", "", f"{_MARKS[repair.verdict]}: {repair.reason}"]
    return "\n".join(lines)


def report_training(
    stores: Stores,
    outcome: TrainingOutcome,
    summary: str,
    *,
    reports: dict[str, str | None],
    curves: bytes | None,
) -> None:
    """Create the artifacts of a training run.

    Args:
        stores: Where the model's things are kept.
        outcome: How it ended.
        summary: What `training_summary` returned.
        reports: Title to URI or path below the MLflow run's artifacts.
        curves: A PNG, or None.
    """
    lines = [
        summary,
        "",
        "## Reports",
        "",
        *_report_lines(stores.registry, outcome.run_id, reports),
    ]
    if curves is not None:
        # An address would have to be one that the browser can reach.
        image = "data:image/png;base64," + base64.b64encode(curves).decode()
        lines += ["", "## The candidate on the holdout", "", f"![Curves]({image})"]
    if outcome.seconds:
        lines += ["", "## Time", "", "| step | seconds |", "| --- | ---: |"]
        lines += [f"| {step} | {seconds:.1f} |" for step, seconds in outcome.seconds.items()]
    create_markdown_artifact(
        "\n".join(lines),
        key=artifact_key("training", stores.name),
        description=f"Training of {stores.name}: {outcome.outcome}",
    )
    create_table_artifact(
        gate_rows(outcome.gates),
        key=artifact_key("gates", stores.name),
        description=f"Every gate of the training of {stores.name}",
    )


def _comparison_lines(comparison: Comparison) -> list[str]:
    rows = [
        f"## {comparison.metric} on {comparison.rows:,} holdout rows (lower is better)",
        "",
        "| | value |",
        "| --- | ---: |",
        f"| candidate | {comparison.candidate_score:.4f} |",
    ]
    if comparison.champion_score is not None and comparison.improvement is not None:
        rows += [
            f"| champion, version {comparison.champion_version} | {comparison.champion_score:.4f} |",
            f"| improvement | {comparison.improvement:+.4f} |",
        ]
    if comparison.interval is not None:
        low, high = comparison.interval
        rows.append(f"| {comparison.confidence:.0%} interval | {low:+.4f} to {high:+.4f} |")
    return rows


def _report_lines(
    registry: ModelRegistry, run_id: str | None, reports: dict[str, str | None]
) -> list[str]:
    lines = []
    run = mlflow_run_url(registry, run_id)
    if run:
        lines.append(f"- [MLflow run]({run})")
    elif run_id:
        lines.append(f"- MLflow run `{run_id}`")
    for title, place in reports.items():
        if place is None:
            continue
        url = mlflow_artifact_url(registry, run_id, place) if run_id else None
        lines.append(f"- [{title}]({url})" if url else f"- {title}: `{place}`")
    return lines or ["none"]


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
        f"| drift | {_MARKS[drift.verdict]} | {drift.reason} |",
        f"| performance | {_MARKS[performance.verdict]} | {performance.reason} |",
        "",
        f"Window {decision.window.key}, {decision.rows:,} predictions, champion version "
        f"{decision.champion_version}. Decision `{decision.id}`.",
        "",
        "## Reports",
        *_report_lines(stores.registry, run_id, {"Evidently drift report": drift_path}),
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
            *(
                f"| {gate.name} | {_MARKS[gate.verdict]} | {gate.reason} |"
                for gate in verdict.gates
            ),
            "",
            *_look_lines(verdict),
        ]
        found = challenger.tags.get(REASONS, "[]") if challenger else "[]"
        if found != "[]":
            lines += ["", f"Why its training did not promote it: `{found}`"]
        run_id = challenger.run_id if challenger else None
        lines += ["", "## Reports", *_report_lines(stores.registry, run_id or None, {})]
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
