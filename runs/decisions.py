"""Decisions and endings as the journal has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..core.results import (
    Decision,
)
from ..monitoring.retraining_history import JUDGED, History
from ..monitoring.stops import stopped_since
from .approvals import decided_by_cause

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import GovernorPolicy
    from ..storage.interface import JournalKind, PredictionStore


def reminder_of(decision: Decision, *, policy: GovernorPolicy, stores: Stores) -> str:
    """Return what a stop is announced under: the same text until it is time to say it again.

    Args:
        decision: A decision to stop, in the journal already.
        policy: When to retrain.
        stores: Where the model's things are kept.

    Returns:
        The first of the stops that have followed each other, and how often
        `monitoring.governor.reminder_seconds` have passed since.

    Raises:
        LogUnavailable: If the journal cannot be read.
    """
    with stores.predictions.get_client() as store:
        decisions = _merged(_decisions(store, "decision", stores.name), [])
    first = stopped_since(History(decisions), decision.champion_version) or decision
    passed = (datetime.now(UTC) - first.decided_at).total_seconds()
    return f"{first.id}/{int(passed // policy.reminder_seconds)}"


def ended_retrainings(stores: Stores) -> dict[str, dict[str, Any]]:
    """Return how retrainings ended, by cause id.

    Args:
        stores: Where the model's things are kept.

    Returns:
        Cause id to the journal's document, see `runs.endings`. Where a run that judged nothing was
        followed by one that did, that one.

    Raises:
        LogUnavailable: If the journal cannot be read.
    """
    with stores.predictions.get_client() as store:
        return _endings(store, stores.name)


def _history(store: PredictionStore, project: str, decisions: list[Decision]) -> History:
    return History(
        decisions,
        ended=_endings(store, project),
        repairs={found["cause_id"]: found for found in store.journal("repair", project)},
        delivered=_deliveries(store, project),
        approvals=decided_by_cause(store, project),
        unasked=[end for end in store.journal("retraining", project) if end["cause_id"] is None],
    )


def _deliveries(store: PredictionStore, project: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for document in store.journal("delivery", project):
        found.setdefault(document["cause_id"], {}).update(document)
    return found


def _endings(store: PredictionStore, project: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for document in store.journal("retraining", project):
        cause_id = document["cause_id"]
        earlier = found.get(cause_id)
        answer = document["outcome"] in JUDGED
        # Newest first: the latest failure stands until something was judged.
        if cause_id is not None and (earlier is None or answer):
            found[cause_id] = document
    return found


def _decisions(store: PredictionStore, kind: JournalKind, project: str) -> list[Decision]:
    return [Decision.model_validate(document) for document in store.journal(kind, project)]


def _merged(decisions: list[Decision], requests: list[Decision]) -> list[Decision]:
    # A run that died between its request and its decision has asked all the same.
    known = {decision.id for decision in decisions}
    both = [*decisions, *(request for request in requests if request.id not in known)]
    return sorted(both, key=lambda decision: decision.decided_at, reverse=True)


def _stored(store: PredictionStore, project: str, identifier: str) -> Decision:
    return next(d for d in _decisions(store, "decision", project) if d.id == identifier)
