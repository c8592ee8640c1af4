"""How retrainings ended: written in the journal once, and read before a request is answered again.

A document of the journal's kind `retraining`:

| field | content |
| --- | --- |
| `cause_id`, `ended_at` | which request, null when nobody asked, and when it ended (UTC, ISO 8601) |
| `outcome` | `promoted`, `challenger` or `rejected`: a candidate was judged, the request is answered; `failed`, `cancelled` or `crashed`: nothing was judged |
| `reasons` | sentences; empty when promoted |
| `version`, `repaired`, `training_key`, `run_id` | of what was judged: registered version or null, verdict of the repair or null, digest and MLflow run of the training |
| `error` | of what failed: name of the exception's class, such as `DataRejected` |
| `flow_run_id` | Prefect's run that ended, or null |
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect.runtime import flow_run

from ..monitoring.retraining_history import JUDGED

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Cause
    from ..storage.interface import PredictionStore


def record_end(
    stores: Stores,
    cause: Cause | None,
    ending: dict[str, Any],
    *,
    flow_run_id: str | None = None,
) -> None:
    """Write down that a training ended.

    Args:
        stores: Where the model's things are kept.
        cause: Why it was asked for. None: by a person, or a schedule.
        ending: `outcome`, `reasons` and what else belongs to it.
        flow_run_id: Prefect's run that ended. None: this one.

    Raises:
        LogUnavailable: If the journal cannot be written.
    """
    ended = flow_run_id or flow_run.id
    document = {
        "cause_id": cause.id if cause else None,
        "ended_at": datetime.now(UTC).isoformat(),
        "flow_run_id": str(ended) if ended else None,
        **ending,
    }
    # What judged nothing may be followed by a verdict, so it does not take the cause's key; somebody
    # else's run has one key, however many notice how it ended.
    key = cause.id if cause else "unasked"
    if cause is None or ending["outcome"] not in JUDGED:
        key = f"{key}/{flow_run_id or document['ended_at']}"
    with stores.predictions.get_client() as store:
        store.record("retraining", key, stores.name, document)


def judged_end(stores: Stores, cause: Cause) -> dict[str, Any] | None:
    """Return how a cause was answered, or None while nothing was judged because of it.

    Raises:
        LogUnavailable: If the journal cannot be read.
    """
    with stores.predictions.get_client() as store:
        return judged_ends(store, stores.name).get(cause.id)


def judged_ends(store: PredictionStore, project: str) -> dict[str, dict[str, Any]]:
    """Return the answers of a project's journal, by cause id."""
    return {
        document["cause_id"]: document
        for document in store.journal("retraining", project)
        if document["outcome"] in JUDGED and document["cause_id"] is not None
    }
