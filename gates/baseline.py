"""Judges a candidate against trivial models: surely better than a guess, and than a linear model as it comes."""

from __future__ import annotations

import math

from ..core.results import Gate
from ..core.settings import GateSettings
from ..metrics.losses import Floats
from ..metrics.sampling import Sampling
from .paired_losses import Paired, paired

GUESS = "better than a guess"
LINEAR = "better than a linear model"
_MORE_ROWS = "data.holdout_rows"


def better_than_a_guess(
    metric: str,
    *,
    guess: Floats,
    candidate: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> Gate:
    """Judge whether a candidate is surely better than a guess that looks at no feature.

    Args:
        metric: Name of a loss.
        guess: The guess' losses, shape (n,).
        candidate: The candidate's, of the same rows.
        settings: What a candidate must pass.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate; it decides.

    Example:
        >>> import numpy as np
        >>> losses = np.linspace(0.5, 1.5, 100)
        >>> settings = GateSettings(resamples=100)
        >>> better_than_a_guess(
        ...     "mae", guess=losses, candidate=losses / 2, settings=settings, seed=0
        ... ).verdict
        'passed'
    """
    found = paired(metric, guess, candidate, settings=settings, seed=seed, sampling=sampling)
    margin = settings.baseline.margin
    better = found.interval.low > margin
    verdict = "surely better" if better else "not surely better"
    reason = (
        f"{verdict} than the training rows' {_guess(metric)} for every row: "
        f"{found.words('that guess has')}, and more than {margin:g} is asked{found.telling(margin, _MORE_ROWS)}"
    )
    return _gate(GUESS, "passed" if better else "failed", reason, found, margin, blocking=True)


def better_than_linear(
    metric: str,
    *,
    linear: Floats,
    candidate: Floats,
    settings: GateSettings,
    seed: int,
    itself_linear: bool,
    rows: int,
    sampling: Sampling | None = None,
) -> Gate:
    """Judge whether a candidate is surely better than a linear model with default parameters.

    A candidate that is a linear model itself need not be better: it must only not be surely worse by more
    than `gates.allowance`.

    Args:
        metric: Name of a loss.
        linear: The linear model's losses, shape (n,).
        candidate: The candidate's, of the same rows.
        settings: What a candidate must pass.
        seed: Seed of the resamples.
        itself_linear: Whether the candidate is a linear model.
        rows: Training rows that the linear model was fitted on.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate; advice unless `gates.baseline.linear_decides`.
    """
    found = paired(metric, linear, candidate, settings=settings, seed=seed, sampling=sampling)
    if itself_linear:
        good = found.interval.high >= -settings.allowance * found.before
        said = (
            f"the candidate is a linear model itself, and {'not ' if good else ''}surely worse by more than "
            f"{settings.allowance:.0%} than one"
        )
    else:
        good = found.interval.low > 0
        said = (
            "surely better than a linear model"
            if good
            else ("not surely better than a linear model, which is easier to explain and to run")
        )
    reason = (
        f"{said} with default parameters, fitted on {rows:,} rows: {found.words('its')}"
        f"{found.telling(0.0, _MORE_ROWS)}"
    )
    verdict = "passed" if good else "failed"
    blocking = settings.baseline.linear_decides
    return _gate(LINEAR, verdict, reason, found, 0.0, blocking=blocking)


def lesser_harm(
    gate: Gate,
    metric: str,
    *,
    guess: float,
    champion: float | None,
    improvement: float | None,
    settings: GateSettings,
) -> Gate:
    """Let a refused candidate follow a champion that is worse than a guess itself, and than the candidate.

    To refuse would keep the worse of the two: right after an abrupt change, when most training rows are of before,
    that is the rule. Whether it is promoted is for the comparison to say.

    Args:
        gate: What `better_than_a_guess` said.
        metric: Name of the loss.
        guess: The guess' metric on the holdout.
        champion: The champion's there. None: nobody was compared with.
        improvement: Lower bound of the candidate's improvement over the champion. None: unknown.
        settings: What a candidate must pass.

    Returns:
        The gate, as advice where that is so; else as it is.
    """
    if not gate.blocks or gate.verdict != "failed" or not settings.baseline.lesser_harm:
        return gate
    if champion is None or improvement is None:
        return gate
    if champion <= guess or improvement <= settings.margin:
        return gate
    reason = (
        f"{gate.reason}. Advice here: the champion has {champion:.4g}, worse than that guess's {guess:.4g}, and the "
        f"candidate is surely better than it, so it is the lesser harm (gates.baseline.lesser_harm). Neither is "
        f"worth its {metric}: a person should look"
    )
    return gate.model_copy(update={"blocking": False, "reason": reason})


def nothing_told(why: str, settings: GateSettings) -> list[Gate]:
    """Return both gates where the rows tell nothing.

    Args:
        why: Why they do not.
        settings: What a candidate must pass.
    """
    deciding = {GUESS: True, LINEAR: settings.baseline.linear_decides}
    return [
        Gate(name=name, verdict="not_run", reason=why, blocking=blocking)
        for name, blocking in deciding.items()
    ]


def linear_not_fitted(why: str, *, blocking: bool) -> Gate:
    """Return the gate of a linear model that there is not.

    Args:
        why: Why there is none.
        blocking: Whether it would have decided.
    """
    return Gate(name=LINEAR, verdict="not_run", reason=f"no linear model: {why}", blocking=blocking)


def _guess(metric: str) -> str:
    return {"rmse": "mean", "mae": "median"}.get(metric, "class shares")


def _gate(
    name: str, verdict: str, reason: str, found: Paired, threshold: float, *, blocking: bool
) -> Gate:
    told = threshold + found.detectable
    return Gate(
        name=name,
        verdict=verdict,  # pyright: ignore[reportArgumentType]
        reason=reason,
        value=found.interval.low,
        threshold=threshold,
        blocking=blocking,
        detectable=told if math.isfinite(told) else None,
    )
