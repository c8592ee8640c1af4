"""The gates that look at the evaluated model and the rows held out, in their order, and beside the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import Task, get_run_logger

from ..core.results import Candidate, Cause, Comparison, Gate, GateCheck, Split
from ..core.settings import DecisionSettings, GateSettings
from ..tasks.baseline import check_baseline
from ..tasks.calibration import check_calibration
from ..tasks.comparison import compare
from ..tasks.decisions import check_decisions
from ..tasks.fairness import check_fairness
from ..tasks.model_validation import check_model
from ..tasks.own_gates import run_gates
from ..tasks.robustness import check_robustness
from ..tasks.slices import check_slices

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from .steps import Steps

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


def judge(
    project: MLProject,
    steps: Steps,
    split: Split,
    candidate: Candidate,
    cause: Cause | None,
    *,
    replace_champion: bool,
) -> tuple[list[Gate], Comparison]:
    """Ask every gate that looks at the evaluated model, by itself and beside the champion.

    Args:
        project: The project.
        steps: The training's steps.
        split: Rows to fit on, and rows held out.
        candidate: The model.
        cause: Why the training was asked for, or None.
        replace_champion: Whether to treat the champion as absent.

    Returns:
        What the gates say that look at the model by itself; and the comparison.
    """
    gates, measured = steps.run(check_model, split, candidate).gates, dict[str, float]()
    for check in evidence_gates(project.gates, project.training.decisions):
        found = steps.run(check, split, candidate)
        gates, measured = [*gates, *found.gates], {**measured, **found.measured}
    if project.gates.custom:
        gates = [*gates, *steps.run(run_gates, split, candidate).gates]
    comparison = steps.run(compare, split, candidate, cause, replace_champion=replace_champion)
    guess = measured.get(f"baseline.dummy.{comparison.metric}")
    return [_beside_champion(project, gate, guess, comparison) for gate in gates], comparison


def _beside_champion(
    project: MLProject, gate: Gate, guess: float | None, comparison: Comparison
) -> Gate:
    """Return a gate as it is beside a champion: of two that are worse than a guess, one is the lesser harm."""
    from ..gates.baseline import GUESS, lesser_harm

    if gate.name != GUESS or guess is None:
        return gate
    found = lesser_harm(
        gate,
        comparison.metric,
        guess=guess,
        champion=comparison.champion_score,
        improvement=comparison.interval[0] if comparison.interval else None,
        settings=project.gates,
    )
    if found is not gate:
        get_run_logger().warning("%s: %s", found.name, found.reason)
    return found
