"""Decides with the journal's memory whether to retrain, and writes the decision down first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..core.errors import LogUnavailable
from ..core.results import (
    Decision,
    DriftReport,
    ModelVersion,
    PerformanceReport,
    WindowData,
)
from ..monitoring import governor as rules
from ..monitoring.governor import decision_id
from ..runs.decisions import _decisions, _history, _merged, _stored
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import GovernorPolicy

_TRIES = 10


@step(retry_on=LogUnavailable)
def decide(
    data: WindowData,
    drift: DriftReport,
    performance: PerformanceReport,
    champion: ModelVersion,
    monitoring_run_id: str | None = None,
    *,
    configuration: str,
    policy: GovernorPolicy,
    stores: Stores,
) -> Decision:
    """Decide on a window, once.

    The decision is in the journal before it is returned. The same window and champion give the same
    decision however often they are asked about. Requests are numbered, and a number can be taken
    once: of two monitoring runs that decide at the same time, the second sees the first one's
    request.

    Args:
        data: The window.
        drift: The drift report.
        performance: The performance report.
        champion: The champion.
        monitoring_run_id: Prefect flow run that decides, or None.
        configuration: Digest of what shapes trainings and decisions: a stop ends when it is another one.
        policy: When to retrain.
        stores: Where the model's things are kept.

    Returns:
        The decision; the first one that was taken for this window and champion.

    Raises:
        LogUnavailable: If the journal cannot be read or written; then nothing was decided.
    """
    identifier = decision_id(stores.name, champion.version, data.window)
    with stores.predictions.get_client() as store:
        for _ in range(_TRIES):
            requests = _decisions(store, "request", stores.name)
            decisions = _merged(_decisions(store, "decision", stores.name), requests)
            known = next((past for past in decisions if past.id == identifier), None)
            decision = known or rules.decide(
                policy,
                project=stores.name,
                champion_version=champion.version,
                window=data.window,
                rows=data.rows,
                drift=drift,
                performance=performance,
                history=_history(store, stores.name, decisions),
                now=datetime.now(UTC),
                configuration=configuration,
                monitoring_run_id=monitoring_run_id,
            )
            document = decision.model_dump(mode="json")
            if known is None and decision.action == "retrain":
                number = f"{stores.name}/{len(requests) + 1}"
                if not store.record("request", number, stores.name, document):
                    continue
            if not store.record("decision", identifier, stores.name, document):
                decision = _stored(store, stores.name, identifier)
            run_logger().info("%s: %s", decision.action, decision.reason)
            return decision
    raise LogUnavailable(
        f"{_TRIES} other requests for retraining came between while deciding on {data.window.key}: "
        "run the monitoring flow on the window again"
    )
