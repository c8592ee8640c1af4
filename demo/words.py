"""Describes a decision in a few words, for a line of the demo's output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.results import Decision

_HELD = {
    "minimum_rows": "too few rows",
    "harmless": "drift without harm",
    "confirmation": "waits for a second window",
    "labels": "no newer labels",
    "failing": "trainings fail",
    "unrepaired": "retraining did not help",
    "in_flight": "one is in flight",
    "cooldown": "the last was too recent",
    "budget": "the budget is spent",
}


def decision_in_words(decision: Decision) -> str:
    """Return why a decision was taken.

    Args:
        decision: What the governor decided.

    Returns:
        A few words; the whole sentence is `decision.reason`.
    """
    if decision.held_by is not None:
        return _HELD.get(decision.held_by, decision.held_by.replace("_", " "))
    if decision.action == "none":
        return "as promised" if decision.performance == "passed" else "no drift"
    signals = decision.cause.signals if decision.cause is not None else []
    if "performance" in signals:
        return "surely worse than promised"
    return "drift, and maybe worse" if decision.harm else "drift, and no labels yet"
