"""Asks Prefect for a retraining, by an event that is known to have arrived."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.events import emit_event

from ..core.errors import OrchestratorUnavailable
from ..runs.events import (
    KEPT,
    RETRAINING_REQUESTED,
    answering,
    has_event,
    record_delivery,
    request_id,
    resource_of,
)
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Cause


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
    event_id = request_id(stores.name, cause)
    with answering(), get_client(sync_client=True) as client:
        if has_event(client, event_id):
            record_delivery(stores, cause, "the server has the request")
            return False
        emit_event(
            RETRAINING_REQUESTED,
            resource=resource_of(stores.name),
            payload={"cause": cause.model_dump(mode="json"), "project": stores.name},
            id=event_id,
        )
        until = time.monotonic() + wait_seconds
        while not has_event(client, event_id):
            if time.monotonic() > until:
                raise OrchestratorUnavailable(
                    f"the Prefect server did not take the request for retraining {cause.id} within "
                    f"{wait_seconds:g} s. {KEPT}"
                )
            time.sleep(0.2)
    record_delivery(stores, cause, "the server has the request")
    run_logger().info("retraining requested: %s", cause.reason)
    return True
