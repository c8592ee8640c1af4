"""Judges whether calibration and a rule that decides by costs do harm: each against the same model without it."""

from __future__ import annotations

import math

from ..core.results import Gate
from ..core.settings import GateSettings
from ..metrics.losses import Floats
from ..metrics.sampling import Sampling
from .paired_losses import Paired, paired

CALIBRATED = "better calibrated than not"
CHEAPER = "cheaper than the most probable class"
COST = "mean cost"


def better_calibrated(
    metric: str,
    *,
    uncalibrated: Floats,
    calibrated: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[Gate, Paired]:
    """Judge whether a model is surely worse than itself without its calibration.

    Args:
        metric: Name of a loss.
        uncalibrated: Losses of the model without its calibration, shape (n,).
        calibrated: The candidate's, of the same rows.
        settings: What a candidate must pass.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate, advice unless `gates.decisions.decides`; and what was compared.

    Example:
        >>> import numpy as np
        >>> losses, settings = np.linspace(0.5, 1.5, 100), GateSettings(resamples=100)
        >>> better_calibrated(
        ...     "brier", uncalibrated=losses / 2, calibrated=losses, settings=settings, seed=0
        ... )[0].verdict
        'failed'
    """
    found = paired(
        metric, uncalibrated, calibrated, settings=settings, seed=seed, sampling=sampling
    )
    harm = found.interval.high < 0
    surely = "surely worse" if harm else "not surely worse"
    reason = f"{surely} than the same model without its calibration: {found.words('without it')}{_telling(found)}"
    if harm:
        reason += (
            ". The calibration learnt what no longer holds: set training.decisions.calibration to none, or "
            "train on later rows"
        )
    return _gate(CALIBRATED, harm, reason, found, settings), found


def cheaper(
    *,
    probable: Floats,
    decided: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[Gate, Paired]:
    """Judge whether the labels that are decided on surely cost more than the most probable classes.

    Args:
        probable: What the most probable class costs, row by row, shape (n,).
        decided: What the label that is decided on costs, of the same rows.
        settings: What a candidate must pass.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate, advice unless `gates.decisions.decides`; and what was compared.

    Example:
        >>> import numpy as np
        >>> costs, settings = np.array([0.0, 5.0] * 50), GateSettings(resamples=100)
        >>> cheaper(probable=costs, decided=costs / 5, settings=settings, seed=0)[0].verdict
        'passed'
    """
    found = paired(COST, probable, decided, settings=settings, seed=seed, sampling=sampling)
    harm = found.interval.high < 0
    surely = "surely dearer" if harm else "not surely dearer"
    reason = (
        f"what is decided by the declared costs is {surely} than the most probable class: "
        f"{found.words('of the most probable class')}{_telling(found)}"
    )
    if harm:
        reason += (
            ". What was cheapest on the training rows no longer is: leave training.decisions.costs out, or "
            "train on later rows"
        )
    return _gate(CHEAPER, harm, reason, found, settings), found


def not_compared(name: str, why: object, settings: GateSettings) -> Gate:
    """Return the gate of a comparison that cannot be made.

    Args:
        name: Which one.
        why: Why it cannot be made.
        settings: Whether it would have decided.
    """
    return Gate(name=name, verdict="not_run", reason=str(why), blocking=settings.decisions.decides)


def _telling(found: Paired) -> str:
    if not math.isfinite(found.error):
        return ""
    return f"; {found.rows} rows tell a true worsening of {found.detectable:.4g} four times in five"


def _gate(name: str, harm: bool, reason: str, found: Paired, settings: GateSettings) -> Gate:
    told = -found.detectable
    return Gate(
        name=name,
        verdict="failed" if harm else "passed",
        reason=reason,
        value=found.interval.high,
        threshold=0.0,
        blocking=settings.decisions.decides,
        detectable=told if math.isfinite(told) else None,
    )
