"""Windows that a governor decides on one after the other, as the journal would remember them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect_mlops.core.results import (
    ColumnDrift,
    Decision,
    DriftReport,
    PerformanceReport,
    Window,
)
from prefect_mlops.core.settings import GovernorPolicy
from prefect_mlops.monitoring.governor import decide
from prefect_mlops.monitoring.retraining_history import History

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
DAY = 86_400.0


def day(number: float, length: float = 1.0) -> Window:
    start = EPOCH + timedelta(days=number)
    return Window(start=start, end=start + timedelta(days=length))


def drift(verdict: str = "failed", importance: float = 0.6) -> DriftReport:
    columns = [
        ColumnDrift(
            column="strong",
            kind="distance",
            score=0.5,
            threshold=0.1,
            drifted=verdict == "failed",
            importance=importance,
        )
    ]
    return DriftReport(
        verdict=verdict,
        reason=f"drift {verdict}",
        rows=500,
        columns=columns,
        drifted_importance=importance if verdict != "not_run" else 0.0,
    )


def performance(
    verdict: str = "not_run",
    *,
    value: float = 0.5,
    earlier: Window | None = None,
    harm: bool = False,
) -> PerformanceReport:
    judged = verdict != "not_run"
    return PerformanceReport(
        verdict=verdict,
        reason=f"performance {verdict}",
        metric="log_loss",
        rows=500 if judged else 0,
        value=value if judged else None,
        promised=0.3 if judged else None,
        harm=harm or verdict == "failed",
        window=earlier,
    )


HEALTHY = {"drift": drift("passed", 0.0), "performance": performance("passed")}
DRIFTED = {"drift": drift(), "performance": performance()}
HARMLESS = {"drift": drift(), "performance": performance("passed", value=0.29)}
MAYBE_WORSE = {"drift": drift(), "performance": performance("passed", value=0.33, harm=True)}
WORSE = {"drift": drift("passed", 0.0), "performance": performance("failed")}
UNKNOWN = {"drift": drift("not_run"), "performance": performance()}

ONE_IS_ENOUGH = GovernorPolicy(windows=1, alarms=1, cooldown_seconds=0.0)


class Story:
    """Windows decided on one after the other, as the journal would remember them."""

    def __init__(self, policy: GovernorPolicy | None = None, champion: str = "1") -> None:
        self.policy = policy or GovernorPolicy()
        self.champion = champion
        self.decisions: list[Decision] = []
        self.ended: dict[str, dict] = {}
        self.repairs: dict[str, dict] = {}
        self.delivered: dict[str, dict] = {}
        self.unasked: list[dict] = []
        self.approvals: dict[str, datetime | None] = {}
        self.configuration = "as it was"
        self.server = True

    @property
    def history(self) -> History:
        return History(
            self.decisions,
            self.ended,
            self.repairs,
            self.delivered,
            self.unasked,
            self.approvals,
        )

    def see(self, window: Window, found: dict, now: datetime | None = None) -> Decision:
        decision = decide(
            self.policy,
            project="calls",
            champion_version=self.champion,
            window=window,
            rows=500,
            history=self.history,
            now=now or window.end or EPOCH,
            configuration=self.configuration,
            monitoring_run_id="run",
            **found,
        )
        if decision.action == "retrain" and self.server:
            self.delivered[decision.id] = {"delivered_at": decision.decided_at.isoformat()}
        self.decisions.insert(0, decision)
        return decision

    def end(self, decision: Decision, outcome: str = "promoted", repair: str | None = None) -> None:
        version = str(int(self.champion) + 1) if outcome in ("promoted", "challenger") else None
        self.ended[decision.id] = {
            "outcome": outcome,
            "version": version,
            "reasons": [f"why it was {outcome}"],
        }
        if repair:
            self.repairs[decision.id] = {"verdict": repair}
        if outcome == "promoted":
            self.champion = version


def outcome_of(decision: Decision) -> tuple[str, str | None]:
    return decision.action, decision.held_by
