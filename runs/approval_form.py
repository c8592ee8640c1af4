"""The form in which Prefect asks a person, and the flow runs that wait for it.

A run of a deployment is suspended: it has no process while it waits, and outlives restarts of the server and of
what serves it. Any other run waits in its process. Both are resumed by the form, or by `resume`, with an answer
that was given elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.input import RunInput, keyset_from_paused_state
from prefect.runtime import deployment, flow_run
from prefect.states import Paused, Suspended
from prefect.utilities.engine import propose_state_sync
from pydantic import Field, ValidationError

from ..core.errors import OrchestratorUnavailable
from ..core.results import Approval, ApprovalRequest, WaitingRun
from .run_logger import run_logger

_DECISIONS: dict[str, Literal["approved", "rejected"]] = {
    "approve": "approved",
    "reject": "rejected",
}
# Prefect's names of the states that are not over.
_OVER = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED", "CANCELLING"}


class ApprovalForm(RunInput):
    """What a person fills in to resume a training that waits for approval."""

    decision: Literal["approve", "reject"] = Field(
        title="Decision", description="Whether the version becomes the champion."
    )
    reason: str = Field(
        title="Reason",
        min_length=1,
        pattern=r"\S",
        description="Kept in the promotion log and on the version.",
    )
    approver: str = Field(
        title="Your name",
        min_length=1,
        pattern=r"\S",
        description="Kept beside the reason. It is not checked.",
    )


def next_run(request: ApprovalRequest) -> WaitingRun:
    """Return the current flow run as one that is about to wait, under a key it has not waited under."""
    # Only runs of deployments can be started again, and of those no subflows.
    suspended = deployment.id is not None and flow_run.parent_flow_run_id is None
    before = sum(run.flow_run_id == str(flow_run.id) for run in request.runs)
    state = _state(suspended, _key(request, before + 1))
    return WaitingRun(
        flow_run_id=str(flow_run.id),
        name=flow_run.name or "",
        keyset=dict(keyset_from_paused_state(state)),  # pyright: ignore[reportArgumentType]
        suspended=suspended,
    )


def begin_waiting(request: ApprovalRequest, run: WaitingRun, description: str) -> None:
    """Show the form and let the current flow run wait for it.

    Args:
        request: What is asked.
        run: What `next_run` returned.
        description: Markdown above the form.

    Raises:
        Pause: In a run that is suspended: its process ends, and another one goes on when it is resumed.
        OrchestratorUnavailable: If Prefect refuses.
    """
    before = sum(other.flow_run_id == run.flow_run_id for other in request.runs)
    state = _state(run.suspended, _key(request, before + 1))
    state.state_details.run_input_keyset = run.keyset
    flow_run_id = UUID(run.flow_run_id)
    # Before the run waits: a run that waits without a form could not be resumed.
    _save_form(run, description)
    with get_client(sync_client=True) as client:
        try:
            reached = propose_state_sync(client, state, flow_run_id)
        except Abort as error:
            raise OrchestratorUnavailable(
                f"the run cannot wait for an approval: {error}"
            ) from error
    if not reached.is_paused():
        raise OrchestratorUnavailable(
            f"the run cannot wait for an approval: Prefect made it {reached.name}: {reached.message}"
        )
    if run.suspended:
        raise Pause(state=reached)


def is_waiting(run: WaitingRun) -> bool:
    """Return whether there is such a flow run, and it is not over.

    Raises:
        OrchestratorUnavailable: If the Prefect server does not answer.
    """
    with _answering(), get_client(sync_client=True) as client:
        state = _state_of(client, run)
    return state is not None and state.type.value not in _OVER


def read_form(request: ApprovalRequest) -> Approval | None:
    """Return the answer that a form of one of the waiting runs gave, the earliest, or None.

    Raises:
        OrchestratorUnavailable: If the Prefect server does not answer.
    """
    if not request.runs:
        return None
    with _answering(), get_client(sync_client=True) as client:
        found = [answer for run in request.runs for answer in _answers(client, run)]
    return min(found, key=lambda answer: answer.decided_at, default=None)


def resume(request: ApprovalRequest, approval: Approval) -> list[str]:
    """Resume the flow runs that wait for an answer, with the answer that was given elsewhere.

    Args:
        request: What was asked.
        approval: The answer.

    Returns:
        Names of the runs that go on now.

    Raises:
        OrchestratorUnavailable: If the Prefect server does not answer.
    """
    if not request.runs:
        return []
    verbs = {value: key for key, value in _DECISIONS.items()}
    answer = {
        "decision": verbs[approval.decision],
        "reason": approval.reason,
        "approver": approval.by,
    }
    resumed: list[str] = []
    with _answering(), get_client(sync_client=True) as client:
        for run in request.runs:
            state = _state_of(client, run)
            if state is None or not state.is_paused() or run.name in resumed:
                continue
            if dict(state.state_details.run_input_keyset or {}) != run.keyset:
                continue
            response = client.resume_flow_run(UUID(run.flow_run_id), run_input=answer)
            if response.status == SetStateStatus.ACCEPT:
                resumed.append(run.name)
            else:
                run_logger().warning("%s was not resumed: %s", run.name, response.details)
    return resumed


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        raise OrchestratorUnavailable(
            f"the Prefect server cannot be asked about runs that wait for approval: "
            f"{str(error) or type(error).__name__}. Check PREFECT_API_URL and the server"
        ) from error


def _key(request: ApprovalRequest, number: int) -> str:
    # Prefect allows letters, digits and dashes; a key that was used once is not waited under again.
    version = re.sub(r"[^a-zA-Z0-9]", "-", request.version)
    return f"approval-of-version-{version}-{request.number}-{number}"


def _state(suspended: bool, key: str) -> State[Any]:
    # Without Prefect's own time limit, which would fail the run: what holds then is the project's choice.
    return Suspended(pause_key=key) if suspended else Paused(pause_key=key)


def _save_form(run: WaitingRun, description: str) -> None:
    form = ApprovalForm.with_initial_data(description=description)
    keyset: Any = run.keyset
    try:
        form.save(keyset, flow_run_id=UUID(run.flow_run_id))
    except httpx.HTTPStatusError as error:
        # A process that died right after it had saved the form.
        if error.response.status_code != httpx.codes.CONFLICT:
            raise


def _state_of(client: SyncPrefectClient, run: WaitingRun) -> State[Any] | None:
    try:
        return client.read_flow_run(UUID(run.flow_run_id)).state
    except ObjectNotFound:
        return None


def _answers(client: SyncPrefectClient, run: WaitingRun) -> Iterator[Approval]:
    with suppress(ObjectNotFound):
        for found in client.filter_flow_run_input(
            UUID(run.flow_run_id), key_prefix=run.keyset["response"], limit=1, exclude_keys=set()
        ):
            with suppress(ValidationError):
                form = ApprovalForm.model_validate(found.decoded_value)
                yield Approval(
                    decision=_DECISIONS[form.decision],
                    reason=form.reason.strip(),
                    by=form.approver.strip(),
                    through="prefect",
                    decided_at=found.created or datetime.now(UTC),
                )
