"""Waits for a person between the last gate and the promotion.

A run of a deployment is suspended and goes on through its checkpoints when it is resumed, in whichever process;
any other run waits in its own. Answers are looked for by whoever is there: the run itself, the command line,
`serve` and every monitoring run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from prefect.exceptions import CancelledRun
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from ..core import tags
from ..core.errors import MLOpsError, ModelUnavailable
from ..core.results import ApprovalRequest, Comparison, TrainingOutcome
from ..registry.approval_tags import write_approval
from ..registry.tracking import flow_run_link
from ..registry.versions import get_version
from ..runs.approval_form import begin_waiting, is_waiting, next_run, resume
from ..runs.approval_page import approval_page, form_description, show_page
from ..runs.approvals import (
    approval_requests,
    open_requests,
    record_closed,
    record_waiting,
    request_for,
)
from ..runs.events import APPROVAL_REQUESTED, emit
from ..tasks.approval import find_approval, request_approval
from ..tasks.registration import finalise
from .notifying import tell_waiting

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..core.results import Candidate, Cause, Gate, ModelVersion, Split, WaitingRun

# Logs the reports and creates the artifacts of an outcome; returns the reports.
Keep = Callable[[TrainingOutcome, Comparison], dict[str, str | None]]
POLL_SECONDS = 5.0


def needs_approval(project: MLProject, version: ModelVersion) -> bool:
    """Return whether a person has the last word on a version; one who was asked keeps it."""
    if project.gates.approval.by == "person":
        return True
    return request_for(project.stores, version) is not None


def wait_for_approval(
    project: MLProject,
    version: ModelVersion,
    *,
    split: Split,
    candidate: Candidate,
    comparison: Comparison,
    gates: list[Gate],
    cause: Cause | None,
    attempt: str,
    outcome: TrainingOutcome,
    keep: Keep,
) -> ApprovalRequest:
    """Ask a person whether a version may become the champion, and wait for the answer.

    Args:
        project: The project.
        version: The version, registered.
        split: Rows fitted on and decided on.
        candidate: The model.
        comparison: Candidate against champion.
        gates: Every other gate.
        cause: Why the training was asked for, or None.
        attempt: Key of the training's checkpoints.
        outcome: How the training would end without an answer.
        keep: Logs the reports and creates the artifacts of an outcome; returns the reports.

    Returns:
        The request with its `approval`.

    Raises:
        Pause: In a run of a deployment, whose process ends while it waits.
        CancelledRun: If the run is ended while it waits in its process.
        LogUnavailable: If the journal cannot be reached.
        OrchestratorUnavailable: If Prefect does not let the run wait.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    stores = project.stores
    request = request_approval(
        version,
        next(f"{gate.name}: {gate.reason}" for gate in comparison.gates),
        attempt,
        expected=comparison.champion_version,
        cause_id=cause.id if cause else None,
        **project.arguments(request_approval),
    )
    if request.approval is None:
        request = find_approval(request, **project.arguments(find_approval))
    if request.approval is None:
        if not request.runs:
            finalise(version, tags.CHALLENGER, outcome.reasons, **project.arguments(finalise))
        page = approval_page(
            stores,
            request,
            split=split,
            candidate=candidate,
            comparison=comparison,
            gates=gates,
            cause=cause,
            reports=keep(outcome, comparison),
        )
        address = show_page(stores, request, page)
        announce(project, request, address)
        request = _wait(project, request, form_description(request, address))
    assert request.approval is not None
    try:
        write_approval(project.registry, request, request.approval)
    except ModelUnavailable as error:
        get_run_logger().warning("%s", error)
    get_run_logger().info("version %s was %s", version.version, request.approval.sentence)
    record_closed(stores, request)
    return request


def announce(project: MLProject, request: ApprovalRequest, page: str | None = None) -> None:
    """Emit the event of a request and tell everybody who is to know, once.

    Args:
        project: The project.
        request: What waits for a person.
        page: Address of the evidence, if it is known.
    """
    link = flow_run_link()
    payload = {
        **request.model_dump(mode="json", exclude={"runs", "approval", "closed", "attempt"}),
        "until": request.until.isoformat(),
        "project": project.name,
        "flow_run_id": link.id,
        "flow_run_url": link.url,
        "evidence_url": page,
    }
    emit(project.name, APPROVAL_REQUESTED, payload, about=request.key)
    tell_waiting(project, request, payload, page)


def waits_elsewhere(
    project: MLProject, cause: Cause | None, attempt: str
) -> TrainingOutcome | None:
    """Return the outcome of this run where its training waits for a person in another run, or None.

    Args:
        project: The project.
        cause: Why this run was asked for, or None.
        attempt: Key of this run's checkpoints, which this process holds.

    Returns:
        The version that waits, as a challenger.

    Raises:
        LogUnavailable: If the journal cannot be read.
        OrchestratorUnavailable: If the Prefect server does not answer.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    for request in open_requests(project.stores):
        same = request.attempt == attempt or (cause and request.cause_id == cause.id)
        if not same or any(run.flow_run_id == str(flow_run.id) for run in request.runs):
            continue
        # One that waits in its process holds the attempt: here it is held, so that process is gone.
        if any(run.suspended and is_waiting(run) for run in request.runs):
            version = get_version(project.registry, request.version)
            return TrainingOutcome(
                outcome="challenger",
                reasons=[
                    f"approval: version {request.version} waits for a person since "
                    f"{request.requested_at:%Y-%m-%d %H:%M} UTC, until {request.until:%Y-%m-%d %H:%M} UTC; "
                    "nothing was trained again"
                ],
                version=version,
                training_key=version.tags.get(tags.TRAINING_KEY, ""),
                run_id=version.run_id,
                champion_version=request.champion_version,
                cause_id=cause.id if cause else None,
            )
    return None


def attempt_of_this_run(project: MLProject) -> str | None:
    """Return the attempt that this run was suspended in: it goes on, also where settings were edited since."""
    mine = str(flow_run.id)
    requests = approval_requests(project.stores)
    waited = {
        (found.version, found.run_id)
        for found in requests
        if not found.closed and any(run.flow_run_id == mine for run in found.runs)
    }
    # A canary may have asked anew about the version of a training.
    attempts = [found.attempt for found in requests if (found.version, found.run_id) in waited]
    return next(filter(None, attempts), None)


def _wait(project: MLProject, request: ApprovalRequest, description: str) -> ApprovalRequest:
    run = next_run(request)
    record_waiting(project.stores, request, run)
    begin_waiting(request, run, description)
    get_run_logger().info(
        "version %s waits for approval until %s", request.version, request.until.isoformat()
    )
    while True:
        time.sleep(POLL_SECONDS)
        try:
            request = find_approval.fn(request, **project.arguments(find_approval))
            if request.approval is not None:
                resume(request, request.approval)
                return request
            _still_waiting(run)
        except MLOpsError as error:
            get_run_logger().warning("nobody can be asked for an approval now: %s", error)


def _still_waiting(run: WaitingRun) -> None:
    if not is_waiting(run):
        raise CancelledRun("the run was ended while it waited for an approval")
