"""What a person reads before approving a promotion: all evidence on one page, an artifact in Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run
from prefect.utilities.urls import url_for

from .artifacts import (
    MARKS,
    artifact_key,
    cause_lines,
    comparison_lines,
    mlflow_version_url,
    report_lines,
)

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import (
        ApprovalRequest,
        Candidate,
        Cause,
        Comparison,
        Gate,
        Split,
    )


def approval_page(
    stores: Stores,
    request: ApprovalRequest,
    *,
    split: Split,
    candidate: Candidate,
    comparison: Comparison,
    gates: list[Gate],
    cause: Cause | None,
    reports: dict[str, str | None],
) -> str:
    """Return the evidence for a version that waits, in Markdown.

    Args:
        stores: Where the model's things are kept.
        request: What is asked.
        split: Rows fitted on and decided on.
        candidate: The model.
        comparison: Candidate against champion.
        gates: Every other gate.
        cause: Why the training was asked for, or None.
        reports: Title to URI or path below the MLflow run's artifacts.

    Returns:
        Question and time limit, how to answer, comparison, gates, data, cause and reports.
    """
    version = f"{request.model} version {request.version}"
    serving = f"version {comparison.champion_version}" if comparison.champion_version else "nobody"
    url = mlflow_version_url(stores.registry, request.model, request.version)
    everything = [*comparison.gates, *gates]
    lines = [
        f"# May {version} become the champion?",
        "",
        f"It passed every gate, and waits for a person until **{request.until:%Y-%m-%d %H:%M} UTC**; "
        f"without an answer it is {_then(request)} then. The champion is {serving}.",
        "",
        *([f"In MLflow: [{version}]({url})", ""] if url else []),
        *answer_lines(stores, request),
        "",
        *comparison_lines(comparison),
        "",
        "## Gates",
        "",
        # A table would cut the reasons off: it does not wrap.
        *(_gate_line(gate) for gate in everything),
        "",
        "## Data",
        "",
        *_data_lines(split, candidate),
        "",
        *(
            cause_lines(cause)
            if cause
            else ["## Cause", "", "Nobody's: started by hand or schedule."]
        ),
        "",
        "## Reports",
        "",
        *report_lines(stores.registry, candidate.run_id, reports),
    ]
    return "\n".join(lines)


def show_page(stores: Stores, request: ApprovalRequest, page: str) -> str | None:
    """Create the artifact; return its address in the Prefect UI, if that is known."""
    created = create_markdown_artifact(
        page,
        key=artifact_key("approval", stores.name),
        description=f"{request.model} version {request.version} waits for approval",
    )
    run = url_for("flow-run", flow_run.id) if flow_run.id else None
    # Prefect makes no address of an artifact.
    return run and f"{run.partition('/runs/flow-run/')[0]}/artifacts/artifact/{created}"


def form_description(request: ApprovalRequest, page: str | None) -> str:
    """Return what stands above the form, in Markdown."""
    evidence = f"[The evidence]({page})" if page else "The evidence is among the run's artifacts"
    lines = [
        f"May **{request.model} version {request.version}** become the champion?",
        request.reason,
        f"{evidence}. Without an answer it is {_then(request)} on {request.until:%Y-%m-%d %H:%M} UTC.",
    ]
    return "\n\n".join(lines)


def answer_lines(stores: Stores, request: ApprovalRequest) -> list[str]:
    """Return the three ways to answer, in Markdown."""
    run = url_for("flow-run", flow_run.id) if flow_run.id else None
    here = f"[this flow run]({run})" if run else "the flow run"
    command = f"python -m prefect_mlops.flows approve {stores.name} --version {request.version}"
    return [
        "## How to answer",
        "",
        f"- **Prefect**: *Resume* on {here}.",
        f'- **Command line**: `{command} --reason "…" --by "…"`, and `--reject` to reject.',
        f"- **MLflow**: set the tag `prefect_mlops.approval` of version {request.version} to "
        "`approved: REASON by NAME` or `rejected: REASON by NAME`.",
    ]


def _then(request: ApprovalRequest) -> str:
    return "approved" if request.at_timeout == "approve" else "rejected"


def _gate_line(gate: Gate) -> str:
    said = gate.reason.replace("\n", " ")
    advice = "" if gate.blocking else " (advice, does not block)"
    return f"- {MARKS[gate.verdict]}{advice}: **{gate.name}**, {said}"


def _data_lines(split: Split, candidate: Candidate) -> list[str]:
    holdout = split.holdout
    period = ""
    if holdout.first is not None and holdout.last is not None:
        period = f", {holdout.first:%Y-%m-%d %H:%M} to {holdout.last:%Y-%m-%d %H:%M} UTC"
    return [
        f"- Evaluated on {holdout.rows:,} holdout rows{period}, after fitting on {split.train.rows:,}; "
        f"held out by {split.method}.",
        f"- Served is what was fitted on {candidate.fitted_rows:,} rows"
        + (f", until {candidate.cutoff:%Y-%m-%d %H:%M} UTC." if candidate.cutoff else "."),
        f"- Estimator `{candidate.estimator}`; rows `{candidate.fitted_digest[:16]}`, holdout "
        f"`{holdout.digest[:16]}`.",
    ]
