"""What a person sees of a run: artifacts in the Prefect UI, with links into MLflow."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.utilities.urls import url_for

from ..gates.skipping import is_skipped
from .gate_words import MARKS, deciding_first, gates_in_words, mark_of, notes_of

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.results import (
        Cause,
        Comparison,
        Gate,
        TrainingOutcome,
    )


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


def mlflow_version_url(registry: ModelRegistry, name: str, version: str) -> str | None:
    """Return the address of a version in the MLflow UI, or None when MLflow is not behind HTTP."""
    base = _mlflow_base(registry)
    return base and f"{base}/#/models/{quote(name)}/versions/{version}"


def _mlflow_base(registry: ModelRegistry) -> str | None:
    parts = urlsplit(registry.tracking_uri.get_secret_value())
    if parts.scheme not in ("http", "https"):
        return None
    # Without user and password: the address is shown to people.
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{parts.path.rstrip('/')}"


def gate_rows(gates: list[Gate]) -> list[dict[str, Any]]:
    """Return gates as rows of a table artifact: those that decide first, what stood in the way before all."""
    rows = []
    for gate in deciding_first(gates):
        # The table does not wrap: a condition in words would push the verdict off the page.
        name, _, condition = gate.name.partition(": ")
        rows.append(
            {
                "kind": "decides" if gate.blocking else "advice",
                "gate": name,
                "verdict": mark_of(gate),
                "value": _number(gate.value),
                "threshold": _number(gate.threshold),
                "detectable": _number(gate.detectable),
                "reason": gate.reason.replace("\n", " "),
                "condition": condition,
            }
        )
    return rows


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


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
        Outcome, reasons, comparison, cause and repair, with a link to the monitoring run that asked; then
        the gates, those that decide apart from advice.
    """
    lines = [f"# {project_name}: {outcome.outcome}", ""]
    if outcome.version:
        lines += [f"**{outcome.version.name} version {outcome.version.version}**", ""]
    if outcome.gates:
        lines += [f"{_sentence(gates_in_words(outcome.gates))}.", ""]
    lines += [f"- {reason}" for reason in outcome.reasons]
    if outcome.approval is not None and outcome.approval.decision == "approved":
        lines += [f"- {outcome.approval.sentence}"]
    if comparison is not None:
        lines += ["", *comparison_lines(comparison)]
    if cause is not None:
        lines += ["", *cause_lines(cause)]
    if outcome.repair is not None:
        repair = outcome.repair
        lines += ["", "## Repair", "", f"{MARKS[repair.verdict]}: {repair.reason}"]
    if outcome.gates:
        lines += ["", *_gate_lines(outcome.gates)]
    return "\n".join(lines)


def cause_lines(cause: Cause) -> list[str]:
    """Return why a training was asked for, in Markdown, with a link to the monitoring run that asked."""
    lines = ["## Cause", "", f"`{cause.id}`: {cause.reason}", ""]
    if cause.drifted_columns:
        lines += [f"Drifted, most important first: {', '.join(cause.drifted_columns)}.", ""]
    asked = cause.monitoring_run_id and url_for("flow-run", cause.monitoring_run_id)
    if asked:
        lines.append(f"Asked for by [this monitoring run]({asked}).")
    return lines


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
        *report_lines(stores.registry, outcome.run_id, reports),
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
        description=f"Training of {stores.name}: {outcome.outcome}, {gates_in_words(outcome.gates)}",
    )
    create_table_artifact(
        gate_rows(outcome.gates),
        key=artifact_key("gates", stores.name),
        description=f"Every gate of the training of {stores.name}: {gates_in_words(outcome.gates)}",
    )


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


def _gate_lines(gates: list[Gate]) -> list[str]:
    """Return a table of what decides, and apart from it what was skipped and what was noted."""
    shown = deciding_first(gates)
    lines = ["## Gates that decide", "", "| | gate | why |", "| --- | --- | --- |"]
    lines += [
        f"| {mark_of(gate)} | {_cell(gate.name)} | {_cell(gate.reason)} |"
        for gate in shown
        if gate.blocking
    ]
    left_out = [gate for gate in shown if is_skipped(gate)]
    if left_out:
        lines += ["", "## Skipped, as the project asked (gates.skip)", ""]
        lines += [f"- **{gate.name}**: {gate.reason}" for gate in left_out]
    advice = [gate for gate in shown if not gate.blocking and not is_skipped(gate)]
    if advice:
        notes = notes_of(advice)
        quiet = len(advice) - len(notes)
        lines += ["", "## Advice, which decides nothing", ""]
        lines += [f"- {mark_of(gate)}, **{gate.name}**: {_said(gate)}" for gate in notes]
        lines += [f"- {quiet} more with nothing to note"] if quiet else []
    return lines


def _said(gate: Gate) -> str:
    # Some begin with the name of the gate, which stands before them already.
    return " ".join(gate.reason.split()).removeprefix(f"{gate.name}: ")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return the scores of candidate and champion with the interval of the improvement, in Markdown."""
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
    if comparison.detectable_effect is not None:
        rows.append(
            f"| detectable: told four times in five if real | {comparison.detectable_effect:.4f} |"
        )
    return rows


def report_lines(
    registry: ModelRegistry, run_id: str | None, reports: dict[str, str | None]
) -> list[str]:
    """Return the lines of an artifact that link to reports in MLflow, or say that there are none."""
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
