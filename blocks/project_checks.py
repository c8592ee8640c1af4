"""Which settings of a project cannot work together."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..core.settings import Setup
    from ..storage.redaction import Redaction
    from .dataset import Dataset


def check_together(setup: Setup, dataset: Dataset, redaction: Redaction | None) -> None:
    """Refuse settings that cannot work together.

    Args:
        setup: How the model is trained, gated and watched; each setting is right by itself.
        dataset: Rows to train on.
        redaction: What may be logged of each column.

    Raises:
        ValueError: Naming both settings and what to do.
    """
    from ..metrics.losses import losses_for

    if setup.training.refit == "all_rows" and not dataset.columns.has_order:
        raise ValueError(
            "training.refit='all_rows' needs rows in time order: without it the next champion would "
            "be judged on rows that this one was fitted on. Set columns.timestamp or "
            "columns.ordered, or use refit='train'"
        )
    if setup.data.holdout_rows is not None and not dataset.columns.has_order:
        raise ValueError(
            "data.holdout_rows needs rows in time order: without it a share, data.holdout_share, keeps "
            "every row on its side from one snapshot to the next"
        )
    known = losses_for(setup.task_type)
    if setup.training.metric is not None and setup.training.metric not in known:
        raise ValueError(
            f"training.metric={setup.training.metric!r} is no loss for {setup.task_type}: "
            f"choose one of {sorted(known)}"
        )
    _check_decisions(setup)
    if wrong := setup.gates.fairness.wrong_limits(setup.task_type):
        raise ValueError(wrong)
    if redaction is not None:
        redaction.check(dataset.columns)
        if dataset.source.type == "predictions":
            redaction.check_training(dataset.columns)


def _check_decisions(setup: Setup) -> None:
    decisions = setup.training.decisions
    if setup.task_type == "regression" and decisions.used:
        raise ValueError(
            "training.decisions is for classes, and a regression predicts numbers: leave it out"
        )
    if setup.task_type == "regression" and setup.training.class_weights is not None:
        raise ValueError("training.class_weights is for classes: leave it out of a regression")
    if decisions.costs is None and "cost" in setup.gates.floors:
        raise ValueError("gates.floors names cost: declare training.decisions.costs")
    if decisions.costs is not None and setup.metric == "error_rate":
        raise ValueError(
            "training.metric='error_rate' counts mistakes of the most probable class, and "
            "training.decisions.costs decides otherwise: use log_loss or brier, and bound the cost "
            "with gates.floors"
        )
