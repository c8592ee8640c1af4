"""Which settings of a project cannot work together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .project import MLProject


def check_together(project: MLProject) -> None:
    """Refuse settings that cannot work together.

    Args:
        project: The project; each of its settings is right by itself.

    Raises:
        ValueError: Naming both settings and what to do.
    """
    from ..metrics.losses import losses_for

    if project.training.refit == "all_rows" and not project.dataset.columns.has_order:
        raise ValueError(
            "training.refit='all_rows' needs rows in time order: without it the next champion would "
            "be judged on rows that this one was fitted on. Set columns.timestamp or "
            "columns.ordered, or use refit='train'"
        )
    if project.data.holdout_rows is not None and not project.dataset.columns.has_order:
        raise ValueError(
            "data.holdout_rows needs rows in time order: without it a share, data.holdout_share, keeps "
            "every row on its side from one snapshot to the next"
        )
    known = losses_for(project.task_type)
    if project.training.metric is not None and project.training.metric not in known:
        raise ValueError(
            f"training.metric={project.training.metric!r} is no loss for {project.task_type}: "
            f"choose one of {sorted(known)}"
        )
    _check_decisions(project)
    if project.redaction is not None:
        project.redaction.check(project.dataset.columns)
        if project.dataset.source.type == "predictions":
            project.redaction.check_training(project.dataset.columns)


def _check_decisions(project: MLProject) -> None:
    decisions = project.training.decisions
    if project.task_type == "regression" and decisions.used:
        raise ValueError(
            "training.decisions is for classes, and a regression predicts numbers: leave it out"
        )
    if project.task_type == "regression" and project.training.class_weights is not None:
        raise ValueError("training.class_weights is for classes: leave it out of a regression")
    if decisions.costs is None and "cost" in project.gates.floors:
        raise ValueError("gates.floors names cost: declare training.decisions.costs")
    if decisions.costs is not None and project.metric == "error_rate":
        raise ValueError(
            "training.metric='error_rate' counts mistakes of the most probable class, and "
            "training.decisions.costs decides otherwise: use log_loss or brier, and bound the cost "
            "with gates.floors"
        )
