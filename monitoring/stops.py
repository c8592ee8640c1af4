"""Stops of the governor: when it asks for no more retrainings, why, and when it tries again.

A stop is never for good. After `n` retrainings in a row over the limit it lasts for `2 ** n` further
windows in alarm; a metric that got worse by `new_evidence`, other settings, a training by hand and
another champion end it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.results import Decision, PerformanceReport, Verdict, Window
from ..core.settings import GovernorPolicy
from .retraining_history import History

_LONGEST_REASON = 400
_MOST_WINDOWS = 16

_REMEDIES = {
    "DataRejected": "mend the rows at their source or, if they are right, edit the suite and name it in "
    "data.suite",
    "cancelled": "a person cancelled it: run the training flow by hand once it may run",
    "crashed": "its process died: look at the flow run's log and at the machine's memory",
    "lost": "it never ended: look whether the training deployment is served and its work pool has a worker",
}
_REMEDY = "look at the flow run's log and mend what it names"


@dataclass(frozen=True)
class Stop:
    """Why the governor does not ask.

    Attributes:
        rule: `unrepaired` or `failing`.
        reason: What to say about it.
    """

    rule: str
    reason: str


def find_stop(
    policy: GovernorPolicy,
    history: History,
    *,
    champion_version: str,
    window: Window,
    drift: Verdict,
    performance: PerformanceReport,
    configuration: str,
    running: Sequence[str],
    disjoint: Callable[[Window, list[Decision]], list[Decision]],
) -> Stop | None:
    """Return why the governor must not ask now, or None when it may.

    Args:
        policy: Limits.
        history: What the journal remembers.
        champion_version: Version that is serving.
        window: The window being decided.
        drift: Verdict on its drift.
        performance: Its performance.
        configuration: Digest of the settings in force.
        running: Causes whose retraining may still end.
        disjoint: Returns the earlier windows that share no prediction with a newer one.
    """
    state = {
        "champion_version": champion_version,
        "running": running,
        "configuration": configuration,
        "present": (drift, performance.verdict),
    }
    unhelpful = history.consecutive("unhelpful", **state)
    unjudged = history.consecutive("unjudged", **state)
    for rule, row, maximum, say in (
        ("failing", unjudged, policy.maximum_failed, _say_failing),
        ("unrepaired", unhelpful, policy.maximum_unrepaired, _say_unrepaired),
    ):
        if maximum is None or len(row) < maximum or _worsened(policy, row[0], performance):
            continue
        needed = min(2 ** (len(row) - maximum), _MOST_WINDOWS)
        stops = [
            past
            for past in history.judged(champion_version)
            if past.action == "stop" and past.decided_at > row[0].decided_at
        ]
        left = needed - len(disjoint(window, stops))
        if left > 0:
            again = f"tried again after {left} more window{'s' if left > 1 else ''} in alarm, or when something changes"
            return Stop(rule, f"{say(row, history)}. A person is needed; {again}")
    return None


def stopped_since(history: History, champion_version: str) -> Decision | None:
    """Return the first of the stops that have followed each other until now, or None."""
    first = None
    for past in history.decisions:
        if past.action != "stop" or past.champion_version != champion_version:
            break
        first = past
    return first


def _worsened(policy: GovernorPolicy, last: Decision, performance: PerformanceReport) -> bool:
    if last.value is None or performance.value is None:
        return False
    return performance.value > last.value * (1.0 + policy.new_evidence)


def _say_unrepaired(row: Sequence[Decision], history: History) -> str:
    end = history.ended[row[0].id]
    if end["outcome"] == "promoted":
        last = f"version {end.get('version')} was promoted and what was wrong is still there"
    else:
        last = f"the last candidate was refused: {_first_reason(end)}"
    return f"{len(row)} retrainings in a row did not help ({last})"


def _say_failing(row: Sequence[Decision], history: History) -> str:
    end = history.ended.get(row[0].id)
    if end is None:
        what, why, remedy = "never ended", "", _REMEDIES["lost"]
    else:
        what, why = str(end["outcome"]), f": {_first_reason(end)}"
        remedy = _REMEDIES.get(str(end.get("error")), _REMEDIES.get(what, _REMEDY))
    count = (
        f"{len(row)} retrainings in a row were not judged"
        if len(row) > 1
        else "a retraining was not judged"
    )
    return f"{count}, the last {what}{why}: {remedy}"


def _first_reason(end: Any) -> str:
    reasons = end.get("reasons") or ["no reason was kept"]
    text = str(reasons[0]).strip().rstrip(".")
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}…"
