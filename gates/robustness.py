"""Judges how much worse a model gets on noisy rows, on emptied columns and on categories never seen."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.results import Gate
from ..core.settings import GateSettings
from ..metrics.losses import Floats
from .disturbed_scores import Disturbed
from .paired_losses import paired

NOISE = "robust to noise"
CATEGORIES = "robust to unknown categories"
MISSING = "robust to missing values"


def worsening_gate(
    name: str,
    what: str,
    metric: str,
    *,
    clean: Floats,
    disturbed: Disturbed,
    settings: GateSettings,
    seed: int,
) -> Gate:
    """Judge whether the metric gets surely worse than allowed, or too many decisions flip.

    Args:
        name: Name of the gate.
        what: What was done to the rows, in words.
        metric: Name of a loss.
        clean: Losses on the rows as they are, shape (n,).
        disturbed: What became of them.
        settings: What a candidate must pass.
        seed: Seed of the resamples.

    Returns:
        The gate, advice unless `gates.robustness.decides`.
    """
    wanted = settings.robustness
    if disturbed.losses is None:
        return _unscored(name, what, disturbed, settings)
    found = paired(metric, disturbed.losses, clean, settings=settings, seed=seed)
    allowed = wanted.maximum_worsening * found.after
    worse = found.interval.low > allowed
    many = disturbed.flips is not None and disturbed.flips > wanted.maximum_flips
    flips = (
        ""
        if disturbed.flips is None
        else f"; {disturbed.flips:.1%} of the decisions flip, at most {wanted.maximum_flips:.0%} may"
    )
    return Gate(
        name=name,
        verdict="failed" if worse or many else "passed",
        reason=f"with {what}, {metric} goes from {found.after:.4g} to {found.before:.4g} on {found.rows} rows, "
        f"surely by {max(found.interval.low, 0.0):.4g} or more; at most {allowed:.4g} "
        f"({wanted.maximum_worsening:.0%}) is asked{flips}",
        value=found.interval.low,
        threshold=allowed,
        blocking=wanted.decides,
        detectable=allowed + found.detectable,
    )


def missing_gate(
    metric: str,
    emptied: Mapping[str, Disturbed],
    *,
    guess: Floats,
    settings: GateSettings,
    seed: int,
) -> Gate:
    """Judge whether a model without one of its features is surely worse than a guess that needs none.

    By more than `gates.robustness.maximum_worsening`, a share of the guess' metric.

    Args:
        metric: Name of a loss.
        emptied: Feature to what becomes of rows without it.
        guess: Losses of a constant guess on the same rows.
        settings: What a candidate must pass.
        seed: Seed of the resamples.

    Returns:
        The gate of the feature that matters most, advice unless `gates.robustness.decides`.
    """
    for feature, disturbed in emptied.items():
        if disturbed.losses is None:
            return _unscored(MISSING, f"no value of {feature!r}", disturbed, settings)
    found = {
        feature: paired(metric, guess, disturbed.losses, settings=settings, seed=seed)
        for feature, disturbed in emptied.items()
        if disturbed.losses is not None
    }
    feature, worst = max(found.items(), key=lambda item: item[1].after)
    share = settings.robustness.maximum_worsening
    bad = sorted(
        name
        for name, compared in found.items()
        if compared.interval.high < -share * compared.before
    )
    without = ", ".join(map(repr, bad))
    said = f"surely worse than a guess by more than {share:.0%} without {without}: " if bad else ""
    return Gate(
        name=MISSING,
        verdict="failed" if bad else "passed",
        reason=f"{said}of {len(found)} features emptied one at a time, {feature!r} matters most: without it "
        f"{metric} is {worst.after:.4g} on {worst.rows} rows, that of a constant guess {worst.before:.4g}",
        value=worst.after,
        threshold=(1 + share) * worst.before,
        blocking=settings.robustness.decides,
    )


def _unscored(name: str, what: str, disturbed: Disturbed, settings: GateSettings) -> Gate:
    return Gate(
        name=name,
        verdict="failed",
        reason=f"with {what} it cannot score at all: {disturbed.error}",
        blocking=settings.robustness.decides,
    )
