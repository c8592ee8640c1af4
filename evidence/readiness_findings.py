"""What a rule of the readiness report found, and where its points come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.results import Gate
from ..core.settings import ReadinessSettings
from .readiness_facts import ReadinessFacts


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Attributes:
        points: 0, 0.5 or 1.
        evidence: What was looked at, and what was found.
        todo: What would give a point.
    """

    points: float
    evidence: list[str] = field(default_factory=list)
    todo: str = ""


Rule = Callable[[ReadinessFacts, ReadinessSettings], Finding]


def nothing(looked_at: str, todo: str) -> Finding:
    """Return no point: what was looked at, and what to do."""
    return Finding(0.0, [looked_at], todo)


def of_gates(gates: list[Gate], what: str, todo: str) -> Finding:
    """Return a point when there are gates of a kind in the newest training, and all of them passed.

    One that was skipped, or could not run, did not pass.
    """
    if not gates:
        return nothing(f"no gate of the newest training is about {what}", todo)
    # Those that did not pass come first: they are what there is to do.
    ordered = sorted(gates, key=lambda gate: gate.verdict == "passed")
    shown = [
        f"gate {gate.name!r} {gate.verdict.replace('_', ' ')}: {gate.reason}"
        for gate in ordered[:5]
    ]
    if len(gates) > len(shown):
        shown.append(f"and {len(gates) - len(shown)} more gates about {what}")
    wrong = [gate.name for gate in gates if gate.verdict != "passed"]
    if wrong:
        return Finding(0.0, shown, f"{', '.join(wrong[:5])} did not pass: mend what they say")
    return Finding(1.0, shown)
