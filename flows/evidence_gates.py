"""The gates that look at the evaluated model and the rows held out, each of them by itself, in their order."""

from __future__ import annotations

from prefect import Task

from ..core.results import GateCheck
from ..core.settings import DecisionSettings, GateSettings
from ..tasks.baseline import check_baseline
from ..tasks.calibration import check_calibration
from ..tasks.decisions import check_decisions
from ..tasks.fairness import check_fairness
from ..tasks.robustness import check_robustness
from ..tasks.slices import check_slices

EVIDENCE_GATES = (
    check_baseline,
    check_calibration,
    check_decisions,
    check_robustness,
    check_slices,
    check_fairness,
)


def evidence_gates(
    settings: GateSettings, decisions: DecisionSettings
) -> list[Task[..., GateCheck]]:
    """Return those that a project asks.

    Args:
        settings: Fairness is asked only where they name protected columns.
        decisions: Decisions are asked only where they calibrate or declare costs.
    """
    left_out = []
    if not settings.fairness.columns:
        left_out.append(check_fairness)
    if not decisions.used:
        left_out.append(check_decisions)
    return [gate for gate in EVIDENCE_GATES if gate not in left_out]
