"""Judges whether a model's probabilities keep what they say, beyond what chance explains."""

from __future__ import annotations

import numpy as np

from ..core.results import Gate
from ..core.settings import GateSettings
from ..metrics.calibration import Reliability, reliability, two_sided
from ..metrics.losses import Floats

NAME = "calibration"


def not_applicable() -> Gate:
    """Return the gate of a regression, which gives no probabilities; it never blocks."""
    return Gate(
        name=NAME,
        verdict="not_run",
        reason="not applicable: a regression gives no probabilities",
        blocking=False,
    )


def calibration_gate(
    said: Floats, came: Floats, settings: GateSettings, seed: int, weights: Floats | None = None
) -> tuple[Gate, Reliability]:
    """Judge the expected calibration error of a holdout.

    It must exceed its limit by more than a perfectly calibrated model's error would by chance, so that a
    small holdout refuses nobody.

    Args:
        said: Chance that each row says, shape (n,).
        came: 1 where it came true, else 0.
        settings: What a candidate must pass.
        seed: Seed of every draw.
        weights: What each row counts, shape (n,). None: all the same.

    Returns:
        The gate, advice unless `gates.calibration.decides`; and the reliability by bins.
    """
    wanted = settings.calibration
    found = reliability(
        said,
        came,
        bins=wanted.bins,
        # The lower bound of a two-sided interval is a one-sided one at this level.
        confidence=(1 + settings.confidence) / 2,
        resamples=settings.resamples,
        seed=seed,
        weights=weights,
    )
    bad = found.error > wanted.maximum_error + found.chance
    worst = int(np.abs(found.said - found.came).argmax())
    explained = (
        "as small as chance makes it"
        if found.error <= found.chance
        else f"more than the {found.chance:.3f} of chance"
    )
    reason = (
        f"on {len(said)} rows probabilities are off by {found.error:.3f} on average (expected calibration "
        f"error), {explained} (p {found.p_value:.2g}); where it says {found.said[worst]:.0%}, "
        f"{found.came[worst]:.0%} come true; at most {wanted.maximum_error:g} beyond chance is asked "
        "(gates.calibration.maximum_error)"
    )
    gate = Gate(
        name=NAME,
        verdict="failed" if bad else "passed",
        reason=reason,
        value=found.error,
        threshold=wanted.maximum_error + found.chance,
        blocking=wanted.decides,
    )
    return gate, found


def measured_calibration(found: Reliability) -> dict[str, float]:
    """Return what is logged of a reliability."""
    return {
        "calibration.error": found.error,
        "calibration.error_by_chance": found.chance,
        "calibration.p_value": found.p_value,
        "calibration.spiegelhalter_z": found.spiegelhalter,
        "calibration.spiegelhalter_p": two_sided(found.spiegelhalter),
    }


def curve_of(found: Reliability) -> list[dict[str, float]]:
    """Return the reliability diagram's points, one a bin."""
    return [
        {"said": float(said), "came": float(came), "rows": float(rows)}
        for said, came, rows in zip(found.said, found.came, found.rows, strict=True)
    ]
