"""What the package can see by itself of the seven tests of monitoring: a rule a test."""

from __future__ import annotations

import statistics
from datetime import timedelta

from ..core.settings import ReadinessSettings
from ..core.settings.gate_kinds import PACKAGE
from ..gates.freshness import DAYS_AHEAD
from ..gates.package_limits import LATENCY
from ..validation.log_agreement import AS_LOGGED
from .readiness_facts import ReadinessFacts
from .readiness_findings import Finding, nothing, of_gates

_SLOWER = 2.0


def invariants(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O2: monitoring compared a window of inputs with the reference, of late."""
    recent, said = _recent(facts, settings)
    if not recent or facts.decision is None:
        return nothing(said, "run the monitoring flow on a schedule")
    if facts.decision.drift == "not_run":
        return Finding(
            0.0, [said, "drift could not be measured"], "see why in the monitoring report"
        )
    return Finding(
        1.0, [said, f"inputs were compared with the reference: drift {facts.decision.drift}"]
    )


def unskewed(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O3: training rows were compared with what was logged for the same ids."""
    return of_gates(
        facts.gates_of(lambda gate: gate.name.endswith(AS_LOGGED)),
        "features in training against those that were logged",
        "set columns.id, and train on rows whose predictions were logged",
    )


def fresh(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O4: the champion is not older than the project allows."""
    if settings.model_days is None:
        return nothing("nobody said how old a model may be", "set readiness.model_days")
    if facts.trained_to is None:
        return nothing("how new the champion's rows are is not known", "set columns.timestamp")
    days = (facts.now - facts.trained_to).days
    said = f"the champion's newest row is of {facts.trained_to:%Y-%m-%d}, {days} days ago; {settings.model_days} are allowed"
    # As of the gate about the age of data: clocks differ, but no row is of a day to come.
    if facts.trained_to - facts.now > timedelta(days=DAYS_AHEAD):
        return Finding(
            0.0, [f"{said}: a day to come says nothing about its age"], "mend columns.timestamp"
        )
    return Finding(1.0, [said]) if days <= settings.model_days else Finding(0.0, [said], "retrain")


def stable(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O5: the newest logged predictions are finite."""
    if not facts.logged_rows:
        return nothing("no prediction is logged", "log predictions")
    said = f"of the newest {facts.logged_rows:,} logged predictions {facts.unstable_rows} are missing or not finite"
    return Finding(1.0, [said]) if not facts.unstable_rows else Finding(0.0, [said], "see why")


def speed(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O6: latency is within its bound, and training takes no longer than it did."""
    gates = facts.gates_of(lambda gate: gate.name == LATENCY, PACKAGE)
    found = of_gates(gates, "latency", "set gates.latency_p99_ms")
    if found.points < 1 or facts.training is None:
        return found
    if all(gate.threshold is None for gate in gates):
        return Finding(0.0, found.evidence, "set gates.latency_p99_ms: no bound is set")
    now = sum(step.seconds for step in facts.training.steps)
    before = [sum(step.seconds for step in run.steps) for run in facts.earlier if run.steps]
    if not before or not now:
        return Finding(
            0.0, [*found.evidence, "no earlier training with recorded steps"], "train again"
        )
    usual = statistics.median(before)
    said = f"the newest training took {now:.0f} s, the median of {len(before)} before {usual:.0f} s"
    if now > _SLOWER * usual:
        return Finding(0.0, [*found.evidence, said], "see which step takes longer")
    return Finding(1.0, [*found.evidence, said])


def good_predictions(facts: ReadinessFacts, settings: ReadinessSettings) -> Finding:
    """O7: the metric on logged predictions is as promised, of late."""
    recent, said = _recent(facts, settings)
    if not recent or facts.decision is None:
        return nothing(said, "run the monitoring flow on a schedule, and attach labels")
    decision = facts.decision
    if decision.performance == "not_run":
        return Finding(0.0, [said, "performance could not be judged"], "attach labels")
    judged = (
        f"the metric was {decision.value}, promised {decision.promised}: {decision.performance}"
    )
    points = 1.0 if decision.performance == "passed" else 0.0
    return Finding(points, [said, judged], "" if points else "retrain")


def _recent(facts: ReadinessFacts, settings: ReadinessSettings) -> tuple[bool, str]:
    if facts.decision is None:
        return False, "the journal has no decision of monitoring"
    days = (facts.now - facts.decision.decided_at).days
    said = f"monitoring decided {facts.decision.action!r} on {facts.decision.decided_at:%Y-%m-%d}, {days} days ago"
    if days > settings.observed_days:
        return False, f"{said}: more than {settings.observed_days} (readiness.observed_days)"
    return True, said
