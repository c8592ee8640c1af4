"""Holds a snapshot against a Great Expectations suite: broken data stops here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.errors import MLOpsError
from ..core.results import DataValidation, Gate, Snapshot, digest_of
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.results import Cause
    from ..core.settings import Columns, DataSettings, Source, TaskType
    from ..core.workspace import Workspace
    from ..validation.gx_runner import Finding
    from ..validation.log_agreement import Agreement
    from ..validation.row_comparison import Judgement


@task(
    name="validate_data",
    task_run_name="validate {snapshot.rows} rows",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def validate_data(
    snapshot: Snapshot,
    reference: Snapshot | None = None,
    cause: Cause | None = None,
    *,
    source: Source,
    columns: Columns,
    task_type: TaskType,
    settings: DataSettings,
    redacted: list[str],
    stores: Stores,
) -> DataValidation:
    """Hold a snapshot against the project's suite, or against one inferred from known good rows.

    RowComparison the suite, the rows that are new are judged by how they differ from the known ones: broken
    data is refused, drifted data is not (`validation.broken_data`). Where the project brings a suite, that
    judgement is advice.

    With `data.on_failure="quarantine"`, rows that break an expectation are set aside as long as their
    share stays within `data.quarantine_budget`.

    Args:
        snapshot: The rows.
        reference: Rows the champion was trained on. None: the suite is inferred from `snapshot`.
        cause: Why the training was asked for: columns whose drift it names may have left their range.
        source: Where the rows come from.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: Data validation and splitting.
        redacted: Features that are logged redacted.
        stores: Where the model's things are kept.

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

    workspace = stores.open_workspace()
    frame = load_frame(snapshot)
    known = load_frame(reference) if reference is not None else None
    agreed = (
        None
        if known is None
        else agreement_with_log(
            known, frame, stores=stores, source=source, columns=columns, redacted=redacted
        )
    )
    suite, judged = _suite_for(
        frame,
        known,
        cause,
        agreed,
        project_name=stores.name,
        columns=columns,
        task_type=task_type,
        settings=settings,
    )
    suite_uri = workspace.write_json(f"suites/{stores.name}/{digest_of(suite)}.json", suite)
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
        findings = sorted([*_beside(judged, findings, settings=settings), *findings], key=_weight)
        gates = [_gate(finding) for finding in findings if not finding.held]
        if settings.on_failure == "quarantine":
            gates, snapshot, quarantined = _set_aside(
                snapshot,
                findings,
                workspace=stores.open_workspace(),
                columns=columns,
                settings=settings,
            )
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
        gates=[*gates, *column_advice(frame, columns)],
        quarantined=quarantined,
        suite_uri=suite_uri,
        docs_uri=docs_uri,
        inferred=settings.suite is None,
    )
    run_logger().info(
        "data validation: %s, %d expectations broken, %d rows set aside",
        validation.verdict,
        sum(gate.verdict != "passed" for gate in gates),
        quarantined.rows if quarantined else 0,
    )
    return validation


def validate_rows(
    frame: pd.DataFrame,
    known: pd.DataFrame,
    cause: Cause | None,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: DataSettings,
    project_name: str,
) -> list[Gate]:
    """Return the gates that rows do not pass, leaving no trace and asking no prediction log.

    Args:
        frame: The rows.
        known: Rows the champion was trained on.
        cause: Why the training was asked for, or None.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: Data validation and splitting.
        project_name: Name of the project.

    Raises:
        ConfigurationError: If the project's suite cannot be read or understood.
    """
    from ..validation.gx_runner import check_rows

    suite, judged = _suite_for(
        frame,
        known,
        cause,
        None,
        project_name=project_name,
        columns=columns,
        task_type=task_type,
        settings=settings,
    )
    try:
        findings, _ = check_rows(frame, suite)
    except MLOpsError:
        raise
    except Exception as error:
        return [_library_failed(error)]
    findings = sorted([*_beside(judged, findings, settings=settings), *findings], key=_weight)
    return [_gate(finding) for finding in findings if not finding.held]


def _library_failed(error: Exception) -> Gate:
    # Whatever went wrong inside the library, rows that were not checked do not count as good.
    return _not_run("expectations", f"{type(error).__name__}: {error}")


def _suite_for(
    frame: pd.DataFrame,
    known: pd.DataFrame | None,
    cause: Cause | None,
    agreed: Agreement | None,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: DataSettings,
    project_name: str,
) -> tuple[dict[str, Any], Judgement]:
    """Return the suite to hold rows against, and what is said beside it."""
    from ..validation.broken_data import judge_rows
    from ..validation.expectations import infer_suite
    from ..validation.suites import read_suite

    suite = read_suite(settings.suite)
    task = task_type
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
            project_name,
            frame,
            known,
            columns=columns,
            task=task,
            minimum_rows=settings.minimum_rows,
            moved=judged.moved,
            rising=judged.rising,
        )
    return suite, judged


def _beside(judged: Judgement, findings: list[Finding], *, settings: DataSettings) -> list[Finding]:
    """Return what is said beside the suite, without what the suite says already."""
    from dataclasses import replace

    said = {finding.name for finding in findings if not finding.held}
    kept = [f for f in judged.findings if f.name.removesuffix(" in new rows") not in said]
    if settings.suite is None:
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
    snapshot: Snapshot,
    findings: list[Finding],
    *,
    columns: Columns,
    settings: DataSettings,
    workspace: Workspace,
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
    budget = settings.quarantine_budget
    share = float(bad.mean())
    kept = snapshot.rows - int(bad.sum())
    if share > budget or kept < settings.minimum_rows:
        why = (
            f"{int(bad.sum())} of {snapshot.rows} rows ({share:.2%}) would be set aside: allowed are "
            f"{budget:.2%} (data.quarantine_budget), and {settings.minimum_rows} rows must remain"
        )
        gate = Gate(name="quarantine", verdict="failed", reason=why, value=share, threshold=budget)
        return [*gates, gate], snapshot, None
    timestamp = columns.timestamp
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
