"""The promotion log: every move of the champion alias, in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..storage.interface import PredictionStore


def promotion_log(stores: Stores) -> list[dict[str, Any]]:
    """Return the history of champions, newest first.

    Returns:
        Entries with `sequence`, `version`, `previous`, `reason`, `cause_id`, `flow_run_id` and `at`;
        roll backs with an `intent` have that too, and promotions that a person approved their `approval`
        (`decision`, `reason`, `by`, `through`, `decided_at`).

    Raises:
        LogUnavailable: If the log cannot be reached.
    """
    with stores.predictions.get_client() as store:
        return _entries(stores.name, store)


def _entries(project_name: str, store: PredictionStore) -> list[dict[str, Any]]:
    entries = store.journal("promotion", project_name)
    return sorted(entries, key=lambda entry: -entry["sequence"])
