"""Emits events and makes sure that the server has them.

`emit_event` is fire and forget: it returns even when the server refused. A request for retraining
that nobody received is a silent failure, so it is looked up afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events import emit_event
from prefect.events.filters import (
    EventFilter,
    EventIDFilter,
    EventNameFilter,
    EventOccurredFilter,
)

from ..core.errors import OrchestratorUnavailable
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Cause

RETRAINING_REQUESTED = "prefect-mlops.retraining.requested"
RETRAINING_STOPPED = "prefect-mlops.retraining.stopped"
MODEL_PROMOTED = "prefect-mlops.model.promoted"
CANDIDATE_REFUSED = "prefect-mlops.candidate.refused"
REPAIR_VERIFIED = "prefect-mlops.repair.verified"
CANARY_DECIDED = "prefect-mlops.canary.decided"

_KEPT = (
    "The decision is kept: the next monitoring run sends what was not sent, whatever its window, and so "
    "does `serve`"
)


def resource_id(project_name: str) -> str:
    """Return the id of a project's resource in Prefect's events."""
    return f"prefect-mlops.project.{project_name}"


def announce(
    project_name: str, event: str, payload: dict[str, Any], *, about: str | None = None
) -> None:
    """Emit an event about a project; whoever listens, listens.

    Args:
        project_name: Name of the project.
        event: Name of the event.
        payload: JSON-serialisable content.
        about: What happened once: emitted again, it is the same event. None: another one each time.
    """
    once = uuid5(NAMESPACE_URL, f"{resource_id(project_name)}/{event}/{about}") if about else None
    emit_event(event, resource=_resource(project_name), payload=payload, id=once)


@step("request retraining {cause.id}", retry_on=Exception, retries=2, retry_delay_seconds=2)
def request_retraining(cause: Cause, *, wait_seconds: float = 20.0, stores: Stores) -> bool:
    """Ask for a retraining, at most once for a cause, and check that the server has the request.

    The event's id is made of the cause, so asking again after a crash or a retry finds the first one.
    Once the server shows the event, the journal says that the request was delivered.

    Args:
        cause: Why; it becomes the parameter of the training.
        wait_seconds: Longest wait for the server to show the event, seconds.
        stores: Where the model's things are kept.

    Returns:
        Whether this call emitted the event; False when it was there already.

    Raises:
        LogUnavailable: If the journal cannot be written; the next call finds the event.
        OrchestratorUnavailable: If the server cannot be reached, refuses, or does not have the event in
            time.
    """
    event_id = _request_id(stores.name, cause)
    with answering(), get_client(sync_client=True) as client:
        if _has_event(client, event_id):
            record_delivery(stores, cause, "the server has the request")
            return False
        emit_event(
            RETRAINING_REQUESTED,
            resource=_resource(stores.name),
            payload={"cause": cause.model_dump(mode="json"), "project": stores.name},
            id=event_id,
        )
        until = time.monotonic() + wait_seconds
        while not _has_event(client, event_id):
            if time.monotonic() > until:
                raise OrchestratorUnavailable(
                    f"the Prefect server did not take the request for retraining {cause.id} within "
                    f"{wait_seconds:g} s. {_KEPT}"
                )
            time.sleep(0.2)
    record_delivery(stores, cause, "the server has the request")
    run_logger().info("retraining requested: %s", cause.reason)
    return True


def request_received(client: SyncPrefectClient, project_name: str, cause: Cause) -> bool:
    """Return whether the server has the request of a cause."""
    return _has_event(client, _request_id(project_name, cause))


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
            f"{str(error) or type(error).__name__}. Check PREFECT_API_URL and the server. {_KEPT}"
        ) from error


def _request_id(project_name: str, cause: Cause) -> UUID:
    return uuid5(NAMESPACE_URL, f"{resource_id(project_name)}/{cause.id}")


def _has_event(client: SyncPrefectClient, event_id: UUID) -> bool:
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


def _resource(project_name: str) -> dict[str, str]:
    return {
        "prefect.resource.id": resource_id(project_name),
        "prefect.resource.name": project_name,
    }
