"""The governor: decides from drift, performance and history whether to retrain. Pure: no clock, no I/O.

The rules, in this order; the first that applies decides:

| rule (`held_by`) | holds when |
| --- | --- |
| `minimum_rows` | neither drift nor performance could be judged |
| no alarm | action `none`. Once in alarm, drift is over only below `exit_importance` |
| `harmless` | only drift is seen, and the labels of the same window show the metric as promised |
| `confirmation` | fewer than `alarms` of the champion's last `windows` windows are in alarm; worse performance needs no confirmation when `performance_outranks` |
| `labels` | performance was judged on labels that asked for a retraining before |
| `failing` | the last `maximum_failed` retrainings were not judged at all: action `stop` |
| `unrepaired` | the last `maximum_unrepaired` retrainings did not help: action `stop` |
| `in_flight` | a retraining was asked for and has not ended (real time) |
| `cooldown` | the last retraining was asked for a window less than `cooldown_seconds` older, or for a newer one |
| `budget` | `budget` retrainings were asked for within the period |

Windows that overlap a newer one are the same evidence and do not confirm it. `monitoring.retraining_history` tells
which retrainings helped, `monitoring.stops` how a stop ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from ..core.results import Cause, Decision, DriftReport, PerformanceReport, Window, digest_of
from ..core.settings import GovernorPolicy
from .retraining_history import History
from .stops import find_stop

Signal = Literal["drift", "performance"]
_Action = Literal["retrain", "none", "hold", "stop"]


def decision_id(project: str, champion_version: str, window: Window) -> str:
    """Return the id of a decision and its cause.

    Args:
        project: Name of the project.
        champion_version: Version that was serving.
        window: The window.

    Returns:
        16 hexadecimal characters, always the same for the same three.
    """
    return digest_of({"project": project, "version": champion_version, "window": window.key})[:16]


def decide(
    policy: GovernorPolicy,
    *,
    project: str,
    champion_version: str,
    window: Window,
    rows: int,
    drift: DriftReport,
    performance: PerformanceReport,
    history: History,
    now: datetime,
    configuration: str = "",
    monitoring_run_id: str | None = None,
) -> Decision:
    """Decide on one window.

    Args:
        policy: When an alarm becomes a retraining.
        project: Name of the project.
        champion_version: Version that was serving the window.
        window: The window, as `[start, end)` unless it is empty.
        rows: Predictions in the window.
        drift: The drift report.
        performance: The performance report.
        history: What the journal remembers of the project.
        now: Real time (UTC).
        configuration: Digest of what shapes trainings and decisions; another one ends a stop.
        monitoring_run_id: Prefect flow run that decides, or None.

    Returns:
        The decision, with a cause when it is to retrain.
    """
    judged = history.judged(champion_version)
    signals = _signals(policy, drift, performance, judged[0] if judged else None)
    action: _Action
    held_by: str | None = None
    if not _judged(drift.verdict, performance.verdict):
        action, held_by = "hold", "minimum_rows"
        reason = f"not enough rows: {drift.reason}; {performance.reason}"
    elif not signals:
        action = "none"
        reason = f"nothing wrong: {_findings(drift, performance, ['drift', 'performance'])}"
    else:
        action, held_by, rule = _confirmed(
            policy, window, signals, performance, history=history, judged=judged
        )
        if action == "retrain":
            action, held_by, rule = _limits(
                policy,
                window,
                champion_version,
                drift=drift,
                performance=performance,
                configuration=configuration,
                history=history,
                now=now,
            )
        both: list[Signal] = ["drift", "performance"]
        findings = _findings(drift, performance, both if held_by == "harmless" else signals)
        reason = f"{rule}: {findings}" if rule else findings
    identifier = decision_id(project, champion_version, window)
    cause = None
    if action == "retrain":
        cause = Cause(
            id=identifier,
            project=project,
            champion_version=champion_version,
            window=window,
            rows=rows,
            reason=reason,
            signals=signals,
            drifted_columns=drift.drifted_columns,
            metric=performance.metric,
            value=performance.value,
            promised=performance.promised,
            decided_at=now,
            monitoring_run_id=monitoring_run_id,
            report_uri=drift.report_uri,
        )
    return Decision(
        id=identifier,
        project=project,
        champion_version=champion_version,
        window=window,
        rows=rows,
        action=action,
        alarm=bool(signals),
        reason=reason,
        held_by=held_by,
        drift=drift.verdict,
        performance=performance.verdict,
        drifted_importance=drift.drifted_importance,
        value=performance.value,
        promised=performance.promised,
        harm=performance.harm,
        performance_window=performance.window,
        configuration=configuration,
        decided_at=now,
        cause=cause,
    )


def _judged(drift: str, performance: str) -> bool:
    return drift != "not_run" or performance != "not_run"


def _signals(
    policy: GovernorPolicy,
    drift: DriftReport,
    performance: PerformanceReport,
    previous: Decision | None,
) -> list[Signal]:
    lingering = (
        previous is not None
        and previous.alarm
        and drift.verdict == "passed"
        and drift.drifted_importance > 0
        and drift.drifted_importance >= policy.exit_importance
    )
    found: list[Signal] = ["drift"] if drift.verdict == "failed" or lingering else []
    return [*found, "performance"] if performance.verdict == "failed" else found


def _confirmed(
    policy: GovernorPolicy,
    window: Window,
    signals: Sequence[Signal],
    performance: PerformanceReport,
    *,
    history: History,
    judged: list[Decision],
) -> tuple[_Action, str | None, str]:
    """Return whether an alarm asks for a retraining, else the rule that it does not meet."""
    if _harmless(policy, signals, performance):
        return "hold", "harmless", "drift without harm, the metric is as promised"
    if "performance" in signals and _stale(performance, history, judged):
        rule = "no newer labels are complete than those that asked for the last retraining"
        return "hold", "labels", rule
    outranks = policy.performance_outranks and "performance" in signals
    earlier = _disjoint(window, judged)[: policy.windows - 1]
    alarms = 1 + sum(past.alarm and past.held_by != "harmless" for past in earlier)
    if alarms < policy.alarms and not outranks:
        rule = f"{alarms} of the last {policy.windows} windows in alarm, {policy.alarms} needed"
        return "hold", "confirmation", rule
    return "retrain", None, ""


def _harmless(
    policy: GovernorPolicy, signals: Sequence[Signal], performance: PerformanceReport
) -> bool:
    # Labels of an earlier window say nothing about this one.
    told = performance.verdict == "passed" and performance.window is None
    return (
        "performance" not in signals
        and told
        and not performance.harm
        and not policy.retrain_on_harmless_drift
    )


def _stale(performance: PerformanceReport, history: History, judged: list[Decision]) -> bool:
    """Return whether the labels that say worse have asked for a retraining of this champion already."""
    if performance.window is None:
        return False
    until = performance.window.end
    champion = judged[0].champion_version if judged else None
    ends = [
        (past.performance_window or past.window).end
        for past in history.asked
        if past.champion_version == champion and past.performance == "failed"
    ]
    return any(until is not None and end is not None and until <= end for end in ends)


def _limits(
    policy: GovernorPolicy,
    window: Window,
    champion_version: str,
    *,
    drift: DriftReport,
    performance: PerformanceReport,
    configuration: str,
    history: History,
    now: datetime,
) -> tuple[_Action, str | None, str]:
    """Return action, the rule that held back a confirmed alarm, and what to say about it."""
    running = history.running(now, timedelta(seconds=policy.in_flight_timeout_seconds))
    stop = find_stop(
        policy,
        history,
        champion_version=champion_version,
        window=window,
        drift=drift.verdict,
        performance=performance,
        configuration=configuration,
        running=running,
        disjoint=_disjoint,
    )
    if stop is not None:
        return "stop", stop.rule, stop.reason
    if running:
        unsent = history.unsent(running[0])
        said = "has not reached the server yet, it is sent again" if unsent else "has not ended"
        if history.awaits_approval(running[0]):
            said = "waits for a person's approval"
        return "hold", "in_flight", f"retraining {running[0]} {said}"
    moment = _clock(window, now)
    ends = [_clock(past.window, past.decided_at) for past in history.asked]
    ready = max(ends) + timedelta(seconds=policy.cooldown_seconds) if ends else moment
    if moment < ready:
        return "hold", "cooldown", f"no retraining for windows that end before {ready.isoformat()}"
    since = moment - timedelta(seconds=policy.budget_period_seconds)
    spent = sum(end > since for end in ends)
    if policy.budget is not None and spent >= policy.budget:
        return "hold", "budget", f"{spent} retrainings since {since.isoformat()}"
    return "retrain", None, ""


def _clock(window: Window, otherwise: datetime) -> datetime:
    """Return the moment of a window in the clock of the predictions: its end, if it has one."""
    return window.end or otherwise


def _disjoint(window: Window, judged: list[Decision]) -> list[Decision]:
    """Return the newest earlier windows that share no prediction with a newer one or `window`."""
    found: list[Decision] = []
    start = window.start
    for past in judged:
        end = past.window.end
        if start is None or end is None or end <= start:
            found.append(past)
            start = past.window.start
    return found


def _findings(drift: DriftReport, performance: PerformanceReport, signals: Sequence[Signal]) -> str:
    reasons = {"drift": drift.reason, "performance": performance.reason}
    return "; ".join(reasons[signal] for signal in signals)
