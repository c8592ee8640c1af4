"""Holds rows against their suite, and says what they break: one gate each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import MLOpsError
from ..core.results import Gate

if TYPE_CHECKING:
    import pandas as pd

    from ..core.results import Cause
    from ..core.settings import Columns, DataSettings, TaskType
    from .gx_runner import Finding
    from .log_agreement import Agreement
    from .row_comparison import Judgement


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
    from .gx_runner import check_rows
    from .suites import read_suite

    brought = read_suite(settings.suite)
    suite, judged = suite_for(
        frame,
        known,
        cause,
        None,
        brought=brought,
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
        return [library_failed(error)]
    findings = sorted(
        [*findings_beside(judged, findings, brought=brought is not None), *findings], key=weight
    )
    return [gate_of(finding) for finding in findings if not finding.held]


def library_failed(error: Exception) -> Gate:
    """Return the gate of rows that the library could not check."""
    # Whatever went wrong inside the library, rows that were not checked do not count as good.
    return _not_run("expectations", f"{type(error).__name__}: {error}")


def suite_for(
    frame: pd.DataFrame,
    known: pd.DataFrame | None,
    cause: Cause | None,
    agreed: Agreement | None,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: DataSettings,
    project_name: str,
    brought: dict[str, Any] | None,
) -> tuple[dict[str, Any], Judgement]:
    """Return the suite to hold rows against, and what is said beside it."""
    from ..validation.broken_data import judge_rows
    from ..validation.expectations import infer_suite

    judged = judge_rows(
        known,
        frame,
        columns=columns,
        task=task_type,
        caused=cause.drifted_columns if cause is not None else (),
        logged=agreed.same if agreed is not None else (),
    )
    if agreed is not None:
        judged.findings += agreed.findings
    suite = brought
    if suite is None:
        suite = infer_suite(
            project_name,
            frame,
            known,
            columns=columns,
            task=task_type,
            minimum_rows=settings.minimum_rows,
            moved=judged.moved,
            rising=judged.rising,
        )
    return suite, judged


def findings_beside(judged: Judgement, findings: list[Finding], *, brought: bool) -> list[Finding]:
    """Return what is said beside the suite, without what the suite says already."""
    from dataclasses import replace

    said = {finding.name for finding in findings if not finding.held}
    kept = [f for f in judged.findings if f.name.removesuffix(" in new rows") not in said]
    if not brought:
        return kept
    return [replace(finding, blocking=False) for finding in kept]


def _not_run(name: str, why: str, *, blocking: bool = True) -> Gate:
    return Gate(
        name=name, verdict="not_run", reason=f"{name}: not checked, {why}", blocking=blocking
    )


def weight(finding: Finding) -> tuple[bool, bool, bool]:
    """Return the key by which findings are sorted for people."""
    # What is wrong comes before what could not be checked because of it.
    return not finding.blocking, bool(finding.error), finding.share is not None


def gate_of(finding: Finding) -> Gate:
    """Return a finding as the gate that it does not pass."""
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
