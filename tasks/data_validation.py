"""Holds a snapshot against a Great Expectations suite: broken data stops here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import MLOpsError
from ..core.results import DataValidation, Gate, digest_of
from ..core.settings import DataSettings
from ..core.workspace import as_workspace
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..blocks.stores import Stores
    from ..core.results import Cause
    from ..core.settings import Columns, Source, TaskType
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows


@step()
def validate_data(
    rows: Rows,
    reference: Rows | None = None,
    cause: Cause | None = None,
    *,
    columns: Columns,
    task_type: TaskType,
    workspace: Workspace | str,
    suite: Mapping[str, Any] | None = None,
    settings: DataSettings | None = None,
    source: Source | None = None,
    redacted: Sequence[str] = (),
    stores: Stores | None = None,
) -> DataValidation:
    """Hold rows against a suite, or against one inferred from known good rows.

    Beside the suite, the rows that are new are judged by how they differ from the known ones: broken
    data is refused, drifted data is not (`validation.broken_data`). Where the project brings a suite, that
    judgement is advice.

    With `data.on_failure="quarantine"`, rows that break an expectation are set aside as long as their
    share stays within `data.quarantine_budget`.

    Args:
        rows: The rows: a snapshot, a pandas frame or an Arrow table.
        reference: Rows the champion was trained on. None: the suite is inferred from `rows`.
        cause: Why the training was asked for: columns whose drift it names may have left their range.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        workspace: Where snapshots, suites and reports are written: a path, a URL or a workspace.
        suite: A Great Expectations suite, as `ExpectationSuite.to_json_dict` gives it. None: the one that
            `settings.suite` names, or one is inferred.
        settings: Data validation and splitting. None: the defaults.
        source: Where the rows come from: those of the prediction log are not compared with it.
        redacted: Features that are logged redacted.
        stores: Whose prediction log the rows are compared with, and the name that suites are kept under.
            None: they are compared with none.

    Returns:
        One gate a broken expectation or sign of broken data, advice on columns of text and ids, and whether
        columns agree with the prediction log; the rows to go on with; the suite and the Data Docs page.

    Raises:
        ConfigurationError: If the project's suite cannot be read or understood.
        LogUnavailable: If the prediction log cannot be read.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..data.snapshots import as_snapshot, load_frame
    from ..sources.logged_rows import agreement_with_log
    from ..validation.column_advice import column_advice
    from ..validation.gx_runner import check_rows
    from ..validation.log_agreement import agreed_gates
    from ..validation.quarantine import set_aside
    from ..validation.row_gates import findings_beside, gate_of, library_failed, suite_for, weight
    from ..validation.suites import read_suite

    workspace, settings = as_workspace(workspace), settings or DataSettings()
    name = stores.name if stores else "rows"
    snapshot = as_snapshot(rows, workspace, timestamp=columns.timestamp)
    frame, known, agreed = load_frame(snapshot), None, None
    if reference is not None:
        known = load_frame(as_snapshot(reference, workspace, timestamp=columns.timestamp))
        if stores is not None:
            agreed = agreement_with_log(
                known, frame, stores=stores, source=source, columns=columns, redacted=redacted
            )
    brought = read_suite(settings.suite) if suite is None else dict(suite)
    used, judged = suite_for(
        frame,
        known,
        cause,
        agreed,
        brought=brought,
        project_name=name,
        columns=columns,
        task_type=task_type,
        settings=settings,
    )
    suite_uri = workspace.write_json(f"suites/{name}/{digest_of(used)}.json", used)
    docs_uri = None
    quarantined = None
    try:
        findings, page = check_rows(frame, used)
    except MLOpsError:
        raise
    except Exception as error:
        gates = [library_failed(error)]
    else:
        docs_uri = workspace.write_bytes(f"reports/{snapshot.digest}/data_docs.html", page.encode())
        findings = sorted(
            [*findings_beside(judged, findings, brought=brought is not None), *findings], key=weight
        )
        gates = [gate_of(finding) for finding in findings if not finding.held]
        if settings.on_failure == "quarantine":
            gates, snapshot, quarantined = set_aside(
                snapshot,
                findings,
                workspace=workspace,
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
        gates=[*gates, *agreed_gates(agreed), *column_advice(frame, columns)],
        quarantined=quarantined,
        suite_uri=suite_uri,
        docs_uri=docs_uri,
        inferred=brought is None,
    )
    run_logger().info(
        "data validation: %s, %d expectations broken, %d rows set aside",
        validation.verdict,
        sum(gate.verdict != "passed" for gate in gates),
        quarantined.rows if quarantined else 0,
    )
    return validation
