"""Delivers the requests for retraining that have not been received or answered yet.

The journal's requests are an outbox: what the server did not take is sent again by every later
monitoring run and by `serve`, oldest first. An event can still arrive and start nothing, as when no
automation listened at that moment; then the training is run directly. Its run has the cause as
idempotency key, the event has an id made of the cause, and the training answers a cause once: however
often this is repeated, one training comes of it.

A document of the journal's kind `delivery` has `cause_id`, `reason` (a sentence) and one of:

| field | the request |
| --- | --- |
| `delivered_at` | is on the server since then (UTC, ISO 8601) |
| `superseded_at` | will not be sent, or not be run, any more: it is out of date. It stands even where the request was delivered before |
| `started_at` | was delivered and started nothing, so its training was run directly: `flow_run_id` |
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prefect.client.orchestration import SyncPrefectClient, get_client

from ..core.results import Cause
from ..core.tags import CHAMPION
from ..registry.versions import find_version
from ..runs.events import answering, record_delivery, request_received
from ..runs.outbox import Outbox, read_outbox
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..runs.training_runs import listening_deployment, start_training, training_runs
from .retraining_requests import request_retraining

if TYPE_CHECKING:
    from ..blocks.stores import Stores

GRACE_SECONDS = 60.0


@step()
def deliver_pending(
    *, wait_seconds: float = 20.0, grace_seconds: float = GRACE_SECONDS, stores: Stores
) -> list[Cause]:
    """Send what was not sent, and run what was received and started nothing.

    Args:
        wait_seconds: Longest wait for the server to show an event, seconds.
        grace_seconds: Time an automation has to start a training, seconds.
        stores: Where the model's things are kept.

    Returns:
        Causes whose event this call emitted, oldest first.

    Raises:
        LogUnavailable: If the journal cannot be read or written.
        OrchestratorUnavailable: If the server cannot be reached, refuses, or does not show an event in
            time; what was not sent stays in the journal.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores
        from prefect_mlops.tasks.delivery import deliver_pending

        registry = ModelRegistry.load("registry")
        log = PredictionLog.load("predictions")
        deliver_pending(stores=Stores("telemarketing", registry, log, "/var/lib/mlops/telemarketing"))
        ```
    """
    outbox = read_outbox(stores)
    if not outbox.open:
        return []
    champion = find_version(stores.registry, CHAMPION)
    serving = champion.version if champion else None
    sent: list[Cause] = []
    with answering(), get_client(sync_client=True) as client:
        runs = training_runs(client, stores.name, outbox.open)
        for cause in outbox.open:
            delivered_at = outbox.delivered.get(cause.id)
            if delivered_at is None and (
                runs.get(cause.id) or request_received(client, stores.name, cause)
            ):
                record_delivery(stores, cause, "the server has the request")
            elif runs.get(cause.id) or cause.id in outbox.started:
                continue
            elif why := _superseded(cause, serving, outbox):
                _supersede(stores, cause, why)
            elif delivered_at is None:
                if request_retraining.fn(cause, wait_seconds=wait_seconds, stores=stores):
                    sent.append(cause)
            elif datetime.now(UTC) - delivered_at >= timedelta(seconds=grace_seconds):
                _run(client, stores, cause)
    return sent


def _superseded(cause: Cause, serving: str | None, outbox: Outbox) -> str | None:
    """Return why nobody needs the retraining any more, or None."""
    if serving != cause.champion_version:
        now = f"version {serving} is the champion now" if serving else "there is no champion now"
        return f"it was asked for because of version {cause.champion_version}, and {now}"
    newer = outbox.causes[outbox.causes.index(cause) + 1 :]
    answered = next((later.id for later in newer if later.id in outbox.judged), None)
    return f"retraining {answered} was asked for later and has ended" if answered else None


def _supersede(stores: Stores, cause: Cause, reason: str) -> None:
    document = {
        "cause_id": cause.id,
        "superseded_at": datetime.now(UTC).isoformat(),
        "reason": reason,
    }
    with stores.predictions.get_client() as store:
        store.record("delivery", f"{cause.id}/superseded", stores.name, document)
    run_logger().warning("retraining %s is superseded: %s", cause.id, reason)


def _run(client: SyncPrefectClient, stores: Stores, cause: Cause) -> None:
    deployment = listening_deployment(client, stores.name)
    if deployment is None:
        run_logger().warning(
            "retraining %s was asked for and nobody listens: start "
            "`python -m prefect_mlops.deployments serve %s`, or enable its automation",
            cause.id,
            stores.name,
        )
        return
    run = start_training(client, stores.name, cause, deployment)
    document = {
        "cause_id": cause.id,
        "started_at": datetime.now(UTC).isoformat(),
        "flow_run_id": str(run.id),
        "reason": "the request was received and no training came of it",
    }
    with stores.predictions.get_client() as store:
        store.record("delivery", f"{cause.id}/started", stores.name, document)
    run_logger().warning("retraining %s was run directly: %s", cause.id, document["reason"])
