"""The gates that look at the evaluated model and the rows held out, each of them by itself, in their order."""

from __future__ import annotations

from prefect import Task

from ..core.results import GateCheck
from ..core.settings import GateSettings
from ..tasks.baseline import check_baseline
from ..tasks.calibration import check_calibration
from ..tasks.fairness import check_fairness
from ..tasks.robustness import check_robustness
from ..tasks.slices import check_slices

EVIDENCE_GATES = (
    check_baseline,
    check_calibration,
    check_robustness,
    check_slices,
    check_fairness,
)


def evidence_gates(settings: GateSettings) -> list[Task[..., GateCheck]]:
    """Return those that a project asks: fairness only where it names protected columns."""
    return [
        gate for gate in EVIDENCE_GATES if gate is not check_fairness or settings.fairness.columns
    ]
