"""Decides from drift, performance and history whether to retrain now. Pure: no clock, no input, no output.

The rules, in this order; the first that applies decides:

| rule (`held_by`) | holds when |
| --- | --- |
| `minimum_rows` | neither drift nor performance could be judged |
| no alarm | action `none`. Once in alarm, drift is over only below `exit_importance` |
| `confirmation` | fewer than `alarms` of the champion's last `windows` windows are in alarm; worse performance needs no confirmation when `performance_outranks` |
| `unrepaired` | the last `maximum_unrepaired` retrainings did not help: action `stop` |
| `in_flight` | a retraining was asked for and has not ended (real time) |
| `cooldown` | the last retraining was asked for a window less than `cooldown_seconds` older, or for a newer one |
| `budget` | `budget` retrainings were asked for within the period |

Windows that overlap a newer one are the same evidence and do not confirm it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from .results import Cause, Decision, DriftReport, PerformanceReport, Window, digest_of
from .settings import GovernorPolicy

Signal = Literal["drift", "performance"]


@dataclass(frozen=True)
class History:
    """What the journal remembers of a project.

    Attributes:
        decisions: Earlier decisions, newest first.
        ended: Cause id to the end of its retraining: `outcome` and `version`.
        repairs: Cause id to its repair: `verdict`.
    """

    decisions: Sequence[Decision] = ()
    ended: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    repairs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def asked(self) -> list[Decision]:
        """Decisions to retrain, newest first."""
        return [past for past in self.decisions if past.action == "retrain"]

    def judged(self, champion_version: str) -> list[Decision]:
        """Return the decisions on a champion's windows that could be judged, newest first."""
        return [
            past
            for past in self.decisions
            if past.champion_version == champion_version and _judged(past.drift, past.performance)
        ]

    def running(self, now: datetime, timeout: timedelta) -> list[str]:
        """Return the causes whose retraining has not ended and is not given up, newest first."""
        return [
            past.id
            for past in self.asked
            if past.id not in self.ended and now - past.decided_at < timeout
        ]

    def unrepaired(self, champion_version: str, running: Sequence[str]) -> int:
        """Count the latest retrainings in a row that did not help.

        One helped when its repair passed or, where no repair was verified, when it was promoted. The
        row ends where a person came between: the champion is neither the one that a retraining made
        nor the one it was to replace.

        Args:
            champion_version: Version that is serving.
            running: Causes whose retraining may still end; they are not counted.

        Returns:
            How many.
        """
        count = 0
        serving = champion_version
        for past in self.asked:
            end = self.ended.get(past.id, {})
            repair = self.repairs.get(past.id)
            if past.id not in running:
                helped = (
                    repair["verdict"] == "passed" if repair else end.get("outcome") == "promoted"
                )
                if helped or serving not in (past.champion_version, end.get("version")):
                    break
                count += 1
            serving = past.champion_version
        return count


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
        monitoring_run_id: Prefect flow run that decides, or None.

    Returns:
        The decision, with a cause when it is to retrain.
    """
    judged = history.judged(champion_version)
    signals = _signals(policy, drift, performance, judged[0] if judged else None)
    action: Literal["retrain", "none", "hold", "stop"]
    held_by: str | None = None
    if not _judged(drift.verdict, performance.verdict):
        action, held_by = "hold", "minimum_rows"
        reason = f"not enough rows: {drift.reason}; {performance.reason}"
    elif not signals:
        action = "none"
        reason = f"nothing wrong: {_findings(drift, performance, ['drift', 'performance'])}"
    else:
        outranks = policy.performance_outranks and "performance" in signals
        alarms = 1 + sum(past.alarm for past in _disjoint(window, judged)[: policy.windows - 1])
        if alarms < policy.alarms and not outranks:
            action, held_by = "hold", "confirmation"
            rule = f"{alarms} of the last {policy.windows} windows in alarm, {policy.alarms} needed"
        else:
            action, held_by, rule = _limits(policy, window, champion_version, history, now)
        findings = _findings(drift, performance, signals)
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


def _limits(
    policy: GovernorPolicy, window: Window, champion_version: str, history: History, now: datetime
) -> tuple[Literal["retrain", "hold", "stop"], str | None, str]:
    """Return action, the rule that held back a confirmed alarm, and what to say about it."""
    running = history.running(now, timedelta(seconds=policy.in_flight_timeout_seconds))
    helpless = history.unrepaired(champion_version, running)
    if policy.maximum_unrepaired is not None and helpless >= policy.maximum_unrepaired:
        why = f"{helpless} retrainings in a row did not help, a person is needed"
        return "stop", "unrepaired", why
    if running:
        return "hold", "in_flight", f"retraining {running[0]} has not ended"
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
