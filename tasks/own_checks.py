"""Runs what the user brings: a Great Expectations suite, a Deepchecks suite, an Evidently report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import MLOpsError
from ..core.results import CheckReport, Gate, digest_of
from ..core.workspace import as_workspace
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..core.settings import Columns, TaskType
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows


@step()
def run_expectations(rows: Rows, suite: Any, *, workspace: Workspace | str) -> CheckReport:
    """Hold rows against a Great Expectations suite or checkpoint of your own.

    Args:
        rows: A snapshot, a pandas frame or an Arrow table.
        suite: A `great_expectations.ExpectationSuite`, one as JSON, or a `Checkpoint` on whole data frames.
        workspace: Where the Data Docs page is written: a path, a URL or a workspace.

    Returns:
        One gate an expectation that does not hold, or one that passed; the page.

    Raises:
        ConfigurationError: If it is no suite, or has nothing to check.
        WorkspaceUnavailable: If the workspace cannot be written.

    Example:
        ```python
        import great_expectations as gx
        from prefect_mlops.tasks import run_expectations

        suite = gx.ExpectationSuite(name="calls")
        suite.add_expectation(gx.expectations.ExpectColumnValuesToNotBeNull(column="age"))
        found = run_expectations(frame, suite, workspace="workspace")
        print(found.verdict, found.report_uri)
        ```
    """
    from ..data.snapshots import as_frame
    from ..validation.own_suites import check_against
    from ..validation.row_gates import gate_of, weight

    frame = as_frame(rows)
    findings, page = check_against(frame, suite)
    broken = sorted((f for f in findings if not f.held), key=weight)
    gates = [gate_of(finding) for finding in broken] or [
        Gate(
            name="expectations",
            verdict="passed",
            reason=f"all {len(findings)} expectations hold on {len(frame)} rows",
            value=float(len(findings)),
        )
    ]
    return _kept("great_expectations", gates, page, workspace)


@step()
def run_deepchecks(
    suite: Any,
    train: Rows,
    test: Rows,
    model: Any = None,
    *,
    columns: Columns,
    task_type: TaskType,
    workspace: Workspace | str,
) -> CheckReport:
    """Run a Deepchecks suite of your own on rows and a model.

    Import Deepchecks by `prefect_mlops.gates.deepchecks_compat.load()`: as it is, it fails on current NumPy.

    Args:
        suite: A `deepchecks.tabular.Suite`, a check with conditions, or a list of such checks.
        train: Rows the model was fitted on.
        test: Rows it never saw.
        model: Anything with scikit-learn's `predict`, and `predict_proba` for classes. None: for suites
            that look at rows only.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        workspace: Where the report is written: a path, a URL or a workspace.

    Returns:
        One gate a condition, and one for every check that did not run; the report.

    Raises:
        ConfigurationError: If it is no suite of Deepchecks for tables.
        DataRejected: If a column with a role is missing.
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    from ..data.snapshots import as_frame
    from ..gates.deepchecks_suite import run_suite

    found = run_suite(
        suite, as_frame(train), as_frame(test), model, columns=columns, task_type=task_type
    )
    return _kept("deepchecks", found.gates, found.report.decode(), workspace)


@step()
def run_evidently(
    report: Any,
    current: Rows,
    reference: Rows | None = None,
    definition: Any = None,
    *,
    workspace: Workspace | str,
) -> CheckReport:
    """Run an Evidently report of your own.

    Args:
        report: An `evidently.Report` of any metrics and presets. With `include_tests=True`, or tests of its
            metrics, it has something to pass.
        current: The rows to look at.
        reference: The rows to compare with, or None.
        definition: An `evidently.DataDefinition`. None: Evidently guesses from the columns' types.
        workspace: Where the page is written: a path, a URL or a workspace.

    Returns:
        One gate a test; the page.

    Raises:
        ConfigurationError: If it is no report.
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    from ..data.snapshots import as_frame
    from ..monitoring.own_reports import run_report

    known = None if reference is None else as_frame(reference)
    try:
        gates, page = run_report(report, as_frame(current), known, definition)
    except MLOpsError:
        raise
    except Exception as error:
        # Rows that the library could not look at do not count as good.
        reason = f"{type(error).__name__}: {error}"
        gates = [Gate(name="report", verdict="not_run", reason=reason)]
        page = "<!doctype html><title>not run</title><p>The report did not run.</p>"
    return _kept("evidently", gates, page, workspace)


def _kept(library: str, gates: list[Gate], page: str, workspace: Workspace | str) -> CheckReport:
    if not gates:
        reason = "it has no test or condition that could fail: add some, its page is kept"
        gates = [Gate(name=library, verdict="not_run", reason=reason)]
    name = digest_of({"page": page})[:16]
    uri = as_workspace(workspace).write_bytes(f"reports/{library}/{name}.html", page.encode())
    found = CheckReport(library=library, gates=gates, report_uri=uri)
    run_logger().info("%s: %s, page %s", library, found.verdict, uri)
    return found
