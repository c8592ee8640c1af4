"""What the journal says about requests for retraining: sent, answered, ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prefect.client.orchestration import get_client

from ..core.results import Cause, Decision
from ..monitoring.retraining_history import JUDGED
from .endings import record_end
from .events import answering
from .run_logger import run_logger
from .training_runs import training_runs, unwritten_end

if TYPE_CHECKING:
    from ..blocks.stores import Stores


@dataclass(frozen=True)
class Outbox:
    """What the journal says about a project's requests.

    Attributes:
        causes: Every request, oldest first.
        delivered: Cause id to when the server had it.
        closed: Causes that are superseded, or whose retraining ended.
        started: Causes whose training was run directly.
        judged: Causes that were answered.
    """

    causes: list[Cause]
    delivered: Mapping[str, datetime]
    closed: set[str]
    started: set[str]
    judged: set[str]

    @property
    def open(self) -> list[Cause]:
        """Requests that still wait for an answer, oldest first."""
        return [cause for cause in self.causes if cause.id not in self.closed]


def undelivered(stores: Stores) -> list[Cause]:
    """Return the requests for retraining that the server is not known to have, oldest first.

    Args:
        stores: Where the model's things are kept.

    Returns:
        Causes that were neither delivered nor superseded, and whose retraining did not end.

    Raises:
        LogUnavailable: If the journal cannot be read.
    """
    outbox = read_outbox(stores)
    return [cause for cause in outbox.open if cause.id not in outbox.delivered]


def note_ended_runs(stores: Stores) -> list[Cause]:
    """Write down which retrainings were cancelled, crashed or failed without saying so themselves.

    Args:
        stores: Where the model's things are kept.

    Returns:
        Their causes, oldest first.

    Raises:
        LogUnavailable: If the journal cannot be read or written.
        OrchestratorUnavailable: If the server cannot be reached.
    """
    waiting = read_outbox(stores).open
    if not waiting:
        return []
    ends = {}
    with answering(), get_client(sync_client=True) as client:
        for cause_id, runs in training_runs(client, stores.name, waiting).items():
            if end := unwritten_end(client, runs):
                ends[cause_id] = end
    # Read again: a run may have written its own ending after the first look.
    noted = [cause for cause in read_outbox(stores).open if cause.id in ends]
    for cause in noted:
        run, outcome, reason = ends[cause.id]
        ending = {"outcome": outcome, "reasons": [reason], "version": None, "repaired": None}
        record_end(stores, cause, ending, flow_run_id=str(run.id))
        run_logger().warning("retraining %s: %s", cause.id, reason)
    return noted


def read_outbox(stores: Stores) -> Outbox:
    """Return what the journal says about a project's requests.

    Raises:
        LogUnavailable: If the journal cannot be read.
    """
    with stores.predictions.get_client() as store:
        requests = store.journal("request", stores.name)
        deliveries = store.journal("delivery", stores.name)
        endings = store.journal("retraining", stores.name)
    decisions = [Decision.model_validate(request) for request in requests]
    return Outbox(
        causes=[past.cause for past in reversed(decisions) if past.cause is not None],
        delivered={
            found["cause_id"]: datetime.fromisoformat(found["delivered_at"])
            for found in deliveries
            if "delivered_at" in found
        },
        closed={end["cause_id"] for end in endings} | _with(deliveries, "superseded_at"),
        started=_with(deliveries, "started_at"),
        judged={end["cause_id"] for end in endings if end["outcome"] in JUDGED},
    )


def _with(deliveries: list[dict[str, Any]], field: str) -> set[str]:
    return {found["cause_id"] for found in deliveries if field in found}
