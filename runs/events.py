"""Emits events and makes sure that the server has them.

`emit_event` is fire and forget: it returns even when the server refused. A request for retraining
that nobody received is a silent failure, so it is looked up afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.events import emit_event
from prefect.events.filters import (
    EventFilter,
    EventIDFilter,
    EventNameFilter,
    EventOccurredFilter,
)

from ..core.errors import OrchestratorUnavailable

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Cause

RETRAINING_REQUESTED = "prefect-mlops.retraining.requested"
RETRAINING_STOPPED = "prefect-mlops.retraining.stopped"
MODEL_PROMOTED = "prefect-mlops.model.promoted"
CANDIDATE_REFUSED = "prefect-mlops.candidate.refused"
REPAIR_VERIFIED = "prefect-mlops.repair.verified"
APPROVAL_REQUESTED = "prefect-mlops.approval.requested"
CANARY_DECIDED = "prefect-mlops.canary.decided"

KEPT = (
    "The decision is kept: the next monitoring run sends what was not sent, whatever its window, and so "
    "does `serve`"
)


def resource_id(project_name: str) -> str:
    """Return the id of a project's resource in Prefect's events."""
    return f"prefect-mlops.project.{project_name}"


def emit(
    project_name: str, event: str, payload: dict[str, Any], *, about: str | None = None
) -> None:
    """Emit an event about a project.

    Args:
        project_name: Name of the project.
        event: Name of the event.
        payload: JSON-serialisable content.
        about: What happened once: emitted again, it is the same event. None: another one each time.
    """
    once = uuid5(NAMESPACE_URL, f"{resource_id(project_name)}/{event}/{about}") if about else None
    emit_event(event, resource=resource_of(project_name), payload=payload, id=once)


def request_received(client: SyncPrefectClient, project_name: str, cause: Cause) -> bool:
    """Return whether the server has the request of a cause."""
    return has_event(client, request_id(project_name, cause))


def record_delivery(stores: Stores, cause: Cause, reason: str) -> None:
    """Write in the journal that a request arrived, unless that is there already.

    Raises:
        LogUnavailable: If the journal cannot be written.
    """
    document = {
        "cause_id": cause.id,
        "delivered_at": datetime.now(UTC).isoformat(),
        "reason": reason,
    }
    with stores.predictions.get_client() as store:
        store.record("delivery", cause.id, stores.name, document)


@contextmanager
def answering() -> Iterator[None]:
    """Raise `OrchestratorUnavailable` when the Prefect server does not answer inside the block."""
    try:
        yield
    except httpx.HTTPError as error:
        raise OrchestratorUnavailable(
            f"the Prefect server cannot be asked about requests for retraining: "
            f"{str(error) or type(error).__name__}. Check PREFECT_API_URL and the server. {KEPT}"
        ) from error


def request_id(project_name: str, cause: Cause) -> UUID:
    """Return the id of the event that asks for a retraining: the same for the same cause."""
    return uuid5(NAMESPACE_URL, f"{resource_id(project_name)}/{cause.id}")


def has_event(client: SyncPrefectClient, event_id: UUID) -> bool:
    """Return whether the server shows a request of the last 30 days."""
    # The filter's default period ends when the filter is made, too early for an event still to come.
    today = datetime.now(UTC)
    found = client.read_events(
        EventFilter(
            occurred=EventOccurredFilter.model_validate(
                {"since": today - timedelta(days=30), "until": today + timedelta(days=1)}
            ),
            event=EventNameFilter(name=[RETRAINING_REQUESTED]),
            id=EventIDFilter(id=[event_id]),
        ),
        limit=1,
    )
    return bool(found.events)


def resource_of(project_name: str) -> dict[str, str]:
    """Return a project as the resource of an event."""
    return {
        "prefect.resource.id": resource_id(project_name),
        "prefect.resource.name": project_name,
    }
