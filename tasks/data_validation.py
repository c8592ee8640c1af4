"""Holds a snapshot against a Great Expectations suite: broken data stops here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.errors import ConfigurationError, MLOpsError, WorkspaceUnavailable
from ..core.results import DataValidation, Gate, Snapshot, digest_of
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.project import MLProject
    from ..core.results import Cause
    from ..validation.gx_runner import Finding
    from ..validation.known_rows import Judgement
    from ..validation.log_agreement import Agreement


@task(
    name="validate_data",
    task_run_name="validate {snapshot.rows} rows",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def validate_data(
    project: MLProject,
    snapshot: Snapshot,
    reference: Snapshot | None = None,
    cause: Cause | None = None,
) -> DataValidation:
    """Hold a snapshot against the project's suite, or against one inferred from known good rows.

    Beside the suite, the rows that are new are judged by how they differ from the known ones: broken
    data is refused, drifted data is not (`validation.broken_data`). Where the project brings a suite, that
    judgement is advice.

    With `data.on_failure="quarantine"`, rows that break an expectation are set aside as long as their
    share stays within `data.quarantine_budget`.

    Args:
        project: The project.
        snapshot: The rows.
        reference: Rows the champion was trained on. None: the suite is inferred from `snapshot`.
        cause: Why the training was asked for: columns whose drift it names may have left their range.

    Returns:
        One gate a broken expectation or sign of broken data, and advice on columns of text and ids; the rows
        to go on with; the suite and the Data Docs page.

    Raises:
        ConfigurationError: If the project's suite cannot be read or understood.
        LogUnavailable: If the prediction log cannot be read.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..data.snapshots import load_frame
    from ..sources.logged_rows import agreement_with_log
    from ..validation.column_advice import column_advice
    from ..validation.gx_runner import check_rows

    workspace = project.open_workspace()
    frame = load_frame(snapshot)
    known = load_frame(reference) if reference is not None else None
    agreed = None if known is None else agreement_with_log(project, known, frame)
    suite, judged = _suite_for(project, frame, known, cause, agreed)
    suite_uri = workspace.write_json(f"suites/{project.name}/{digest_of(suite)}.json", suite)
    docs_uri = None
    quarantined = None
    try:
        findings, page = check_rows(frame, suite)
    except MLOpsError:
        raise
    except Exception as error:
        gates = [_library_failed(error)]
    else:
        docs_uri = workspace.write_bytes(f"reports/{snapshot.digest}/data_docs.html", page.encode())
        findings = sorted([*_beside(project, judged, findings), *findings], key=_weight)
        gates = [_gate(finding) for finding in findings if not finding.held]
        if project.data.on_failure == "quarantine":
            gates, snapshot, quarantined = _set_aside(project, snapshot, findings)
        gates = gates or [
            Gate(
                name="expectations",
                verdict="passed",
                reason=f"all {len(findings)} expectations hold on {len(frame)} rows",
                value=float(len(findings)),
            )
        ]
    validation = DataValidation(
        snapshot=snapshot,
        gates=[*gates, *column_advice(frame, project.dataset.columns)],
        quarantined=quarantined,
        suite_uri=suite_uri,
        docs_uri=docs_uri,
        inferred=project.data.suite is None,
    )
    run_logger().info(
        "data validation: %s, %d expectations broken, %d rows set aside",
        validation.verdict,
        sum(gate.verdict != "passed" for gate in gates),
        quarantined.rows if quarantined else 0,
    )
    return validation


def validate_rows(
    project: MLProject, frame: pd.DataFrame, known: pd.DataFrame, cause: Cause | None
) -> list[Gate]:
    """Return the gates that rows do not pass, leaving no trace and asking no prediction log.

    Args:
        project: The project.
        frame: The rows.
        known: Rows the champion was trained on.
        cause: Why the training was asked for, or None.

    Raises:
        ConfigurationError: If the project's suite cannot be read or understood.
    """
    from ..validation.gx_runner import check_rows

    suite, judged = _suite_for(project, frame, known, cause, None)
    try:
        findings, _ = check_rows(frame, suite)
    except MLOpsError:
        raise
    except Exception as error:
        return [_library_failed(error)]
    findings = sorted([*_beside(project, judged, findings), *findings], key=_weight)
    return [_gate(finding) for finding in findings if not finding.held]


def _library_failed(error: Exception) -> Gate:
    # Whatever went wrong inside the library, rows that were not checked do not count as good.
    return _not_run("expectations", f"{type(error).__name__}: {error}")


def _suite_for(
    project: MLProject,
    frame: pd.DataFrame,
    known: pd.DataFrame | None,
    cause: Cause | None,
    agreed: Agreement | None,
) -> tuple[dict[str, Any], Judgement]:
    """Return the suite to hold rows against, and what is said beside it."""
    from ..validation.broken_data import judge_rows
    from ..validation.expectations import infer_suite
    from ..validation.suites import read_suite

    suite = read_suite(project.data.suite)
    columns, task = project.dataset.columns, project.task
    judged = judge_rows(
        known,
        frame,
        columns=columns,
        task=task,
        caused=cause.drifted_columns if cause is not None else (),
        logged=agreed.same if agreed is not None else (),
    )
    if agreed is not None:
        judged.findings += agreed.findings
    if suite is None:
        suite = infer_suite(
            project.name,
            frame,
            known,
            columns=columns,
            task=task,
            minimum_rows=project.data.minimum_rows,
            moved=judged.moved,
            rising=judged.rising,
        )
    return suite, judged


def _beside(project: MLProject, judged: Judgement, findings: list[Finding]) -> list[Finding]:
    """Return what is said beside the suite, without what the suite says already."""
    from dataclasses import replace

    said = {finding.name for finding in findings if not finding.held}
    kept = [f for f in judged.findings if f.name.removesuffix(" in new rows") not in said]
    if project.data.suite is None:
        return kept
    return [replace(finding, blocking=False) for finding in kept]


def _not_run(name: str, why: str, *, blocking: bool = True) -> Gate:
    return Gate(
        name=name, verdict="not_run", reason=f"{name}: not checked, {why}", blocking=blocking
    )


def _weight(finding: Finding) -> tuple[bool, bool, bool]:
    # What is wrong comes before what could not be checked because of it.
    return not finding.blocking, bool(finding.error), finding.share is not None


def _gate(finding: Finding) -> Gate:
    if finding.error:
        return _not_run(finding.name, finding.error, blocking=finding.blocking)
    return Gate(
        name=finding.name,
        verdict="failed",
        reason=finding.reason,
        value=finding.share,
        threshold=finding.tolerated,
        blocking=finding.blocking,
    )


def _set_aside(
    project: MLProject, snapshot: Snapshot, findings: list[Finding]
) -> tuple[list[Gate], Snapshot, Snapshot | None]:
    """Set rows aside if that mends everything that is broken and keeps within the budget."""
    import numpy as np

    from ..data.snapshots import load_table, save_snapshot

    gates = [_gate(finding) for finding in findings if not finding.held]
    broken = [finding for finding in findings if not finding.held and finding.blocking]
    bad = np.zeros(snapshot.rows, dtype=bool)
    for finding in broken:
        bad[finding.rows] = True
    if not broken or not all(finding.rows for finding in broken):
        return gates, snapshot, None
    budget = project.data.quarantine_budget
    share = float(bad.mean())
    kept = snapshot.rows - int(bad.sum())
    if share > budget or kept < project.data.minimum_rows:
        why = (
            f"{int(bad.sum())} of {snapshot.rows} rows ({share:.2%}) would be set aside: allowed are "
            f"{budget:.2%} (data.quarantine_budget), and {project.data.minimum_rows} rows must remain"
        )
        gate = Gate(name="quarantine", verdict="failed", reason=why, value=share, threshold=budget)
        return [*gates, gate], snapshot, None
    workspace, timestamp = project.open_workspace(), project.dataset.columns.timestamp
    table = load_table(snapshot)
    good, aside = (
        save_snapshot(workspace, table.filter(rows), snapshot.source, timestamp=timestamp)
        for rows in (~bad, bad)
    )
    mended = {finding.name for finding in broken}
    gates = [
        gate.model_copy(update={"verdict": "passed", "reason": f"{gate.reason}; set aside"})
        if gate.name in mended
        else gate
        for gate in gates
    ]
    return gates, good, aside
