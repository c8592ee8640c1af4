"""The monitoring flow: from a window of predictions to a decision, and to a request when it is due."""

from __future__ import annotations

from prefect import flow
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Completed

from ..blocks.project import MLProject
from ..core.results import MonitoringOutcome, UtcDatetime, Window
from ..monitoring.window_rows import report_path
from ..registry.versions import get_champion
from ..runs.approvals import open_requests
from ..runs.decisions import reminder_of
from ..runs.events import RETRAINING_STOPPED, emit
from ..runs.monitoring_artifacts import report_monitoring
from ..runs.outbox import note_ended_runs
from ..tasks.approval import settle_approvals
from ..tasks.delivery import deliver_pending
from ..tasks.drift import measure_drift
from ..tasks.governor import decide
from ..tasks.performance import measure_performance
from ..tasks.windows import prune_predictions, read_labelled_window, read_window
from .notifying import tell
from .project_flow import project_flow
from .projects import load_project, run_name


@project_flow
@flow(name="monitor", flow_run_name=lambda: run_name("monitor"), persist_result=False)
def monitor(
    project: MLProject | str,
    start: UtcDatetime | None = None,
    end: UtcDatetime | None = None,
) -> MonitoringOutcome:
    """Measure drift and performance on a window, decide, and ask for a retraining when it is due.

    The decision is kept before anybody is asked, under an id made of champion and window: running
    this flow again on the same window gives the same decision and asks at most once. What an earlier
    run could not ask for is asked for now, and how retrainings ended that cannot say so is noted.

    Args:
        project: The project, or the name its block was saved under.
        start: First moment of the window. Empty: the latest predictions, as many as
            `monitoring.window_rows`.
        end: First moment after the window.

    Returns:
        How it ended, as the data of a state named after the decision.

    Raises:
        ModelUnavailable: If there is no champion yet.
        LogUnavailable: If the prediction log cannot be reached.
        OrchestratorUnavailable: If the request for retraining did not reach the server.

    Example:
        ```python
        from prefect_mlops.flows.monitoring import monitor

        outcome = monitor("telemarketing")
        print(outcome.decision.action, outcome.decision.reason)
        ```
    """
    found = load_project(project)
    champion = get_champion(found.registry)
    window = Window(start=start, end=end) if start or end else None
    data = read_window(window, **found.arguments(read_window))
    drift = measure_drift(data, champion, **found.arguments(measure_drift))
    labelled = read_labelled_window(data, **found.arguments(read_labelled_window))
    performance = measure_performance(
        labelled, champion, data, **found.arguments(measure_performance)
    )
    run_id = flow_run.id
    note_ended_runs(found.stores)
    if open_requests(found.stores):
        settle_approvals(**found.arguments(settle_approvals))
    decision = decide(
        data,
        drift,
        performance,
        champion,
        str(run_id) if run_id else None,
        **found.arguments(decide),
    )
    # Whatever was decided now: an earlier request that the server did not take is sent too.
    sent = deliver_pending(**found.arguments(deliver_pending))
    requested = decision.cause in sent
    for cause in [*sent, decision.cause]:
        # Asked for by a run that died before it could say so: said now.
        if cause is not None:
            asked = {"cause": cause.model_dump(mode="json"), "project": found.name}
            tell(found, cause, payload=asked, once=cause.id)
    if decision.action == "stop":
        about = reminder_of(decision, **found.arguments(reminder_of))
        emit(found.name, RETRAINING_STOPPED, decision.model_dump(mode="json"), about=about)
        tell(found, decision, once=about)
    elif decision.action == "hold" and decision.harm:
        tell(found, decision, once=decision.id)
    outcome = MonitoringOutcome(
        decision=decision, drift=drift, performance=performance, requested=requested
    )
    drift_path = report_path(decision.window) if drift.report_uri else None
    report_monitoring(found.stores, outcome, champion.run_id, drift_path)
    # Last: a window that was read is judged before anything of it expires.
    if found.predictions.retention_days is not None:
        prune_predictions(**found.arguments(prune_predictions))
    get_run_logger().info("%s: %s", decision.action, decision.reason)
    return Completed(  # pyright: ignore[reportReturnType]
        name=decision.action.capitalize() if decision.action != "none" else "Healthy",
        message=decision.reason,
        data=outcome,
    )
