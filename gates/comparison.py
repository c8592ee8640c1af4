"""Superiority and non-inferiority tests of a candidate, on per-row losses paired with the champion's."""

from __future__ import annotations

import math

import pandas as pd

from ..core.results import Cause, Gate, SliceScore
from ..core.settings import GateSettings, PerformanceThresholds
from ..data.row_weights import FEWEST_GROUPS
from ..data.slice_values import MOST_SLICES, slice_values
from ..metrics.bootstrap import Interval, paired_difference
from ..metrics.losses import Floats, metric_value
from ..metrics.power import detectable_effect, paired_error
from ..metrics.promise import Promise
from ..metrics.sampling import Sampling
from .paired_losses import paired
from .slices import SLICE

SUPERIORITY = "superiority"
NON_INFERIORITY = "non-inferiority"
_MORE_ROWS = "data.holdout_rows"
_CHAMPIONS = "the champion's"


def superiority(
    metric: str,
    *,
    before: Floats,
    after: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[Gate, Interval]:
    """Judge whether the candidate is better by more than the margin, chance aside.

    Args:
        metric: Name of a loss.
        before: The champion's losses, shape (n,).
        after: The candidate's, of the same rows.
        settings: Margin, confidence and resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate, and the improvement with its interval.
    """
    found = paired(metric, before, after, settings=settings, seed=seed, sampling=sampling)
    better = found.interval.low > settings.margin
    gate = Gate(
        name=SUPERIORITY,
        verdict="passed" if better else "failed",
        reason=f"{found.words(_CHAMPIONS)}; the lower bound {'is' if better else 'is not'} above "
        f"{settings.margin:g}{found.telling(settings.margin, _MORE_ROWS)}",
        value=found.interval.low,
        threshold=settings.margin,
        detectable=_finite(settings.margin + found.detectable),
    )
    return gate, found.interval


def non_inferiority(
    metric: str,
    *,
    before: Floats,
    after: Floats,
    settings: GateSettings,
    seed: int,
    confirmed: str,
    sampling: Sampling | None = None,
) -> tuple[Gate, Interval]:
    """Judge whether the candidate is not worse by more than the allowance, chance aside.

    For a retraining whose cause the newest rows confirm: the recipe is then fitted on these rows as
    well before it is served, which the compared model was not. The design is that of a
    non-inferiority trial (Piaggio et al., *JAMA* 308, 2012, 2594-2604) with the share
    `settings.allowance` of the champion's metric as its margin.

    Args:
        metric: Name of a loss.
        before: The champion's losses, shape (n,).
        after: The candidate's, of the same rows.
        settings: Allowance, confidence and resamples.
        seed: Seed of the resamples.
        confirmed: What confirms the cause, in a few words.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        The gate, and the improvement with its interval.
    """
    found = paired(metric, before, after, settings=settings, seed=seed, sampling=sampling)
    allowed = settings.allowance * found.before
    good = found.interval.low > -allowed
    gate = Gate(
        name=NON_INFERIORITY,
        verdict="passed" if good else "failed",
        reason=f"{found.words(_CHAMPIONS)}; {confirmed}, so the candidate may be worse by {allowed:.4g} "
        f"({settings.allowance:.0%}): the lower bound {'is' if good else 'is not'} above {-allowed:.4g}"
        f"{found.telling(-allowed, _MORE_ROWS)}",
        value=found.interval.low,
        threshold=-allowed,
        detectable=_finite(found.detectable - allowed),
    )
    return gate, found.interval


def confirmation(
    cause: Cause, promise: Promise | None, before: Floats, policy: PerformanceThresholds
) -> str:
    """Return what confirms on the newest rows that the champion must be replaced.

    Args:
        cause: Why the retraining was asked for.
        promise: What the champion promised, when its reference is there.
        before: The champion's losses on the compared rows, which are newer than what it was fitted on.
        policy: What is worse than promised.

    Returns:
        A few words for the gate's reason; empty when nothing does.
    """
    if promise is not None and promise.metric == cause.metric:
        now = metric_value(promise.metric, before)
        if now > promise.tolerated(policy):
            return f"the champion promised {promise.value:.4g}"
    if "performance" in cause.signals:
        return f"the champion was worse than promised in the window of cause {cause.id}"
    return ""


def _finite(effect: float) -> float | None:
    return effect if math.isfinite(effect) else None


def compare_slices(
    metric: str,
    rows: pd.DataFrame,
    columns: list[str],
    *,
    before: Floats,
    after: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None = None,
) -> tuple[list[Gate], list[SliceScore]]:
    """Look for slices that got worse than allowed, beyond chance.

    Args:
        metric: Name of a loss.
        rows: The compared rows, n of them.
        columns: Columns whose values are the slices.
        before: The champion's losses, shape (n,).
        after: The candidate's.
        settings: Tolerance, smallest slice to judge, confidence and resamples.
        seed: Seed of the resamples.
        sampling: What rows count, and which belong together. None: all the same, each for itself.

    Returns:
        A gate for every slice that was judged; scores of the largest slices of every column.
    """
    gates: list[Gate] = []
    scores: list[SliceScore] = []
    for column in columns:
        values = slice_values(rows[column])
        sizes = pd.Series(values).value_counts()
        for value, count in sizes.head(MOST_SLICES).items():
            here = values == value
            drawn = Sampling() if sampling is None else sampling.take(here)
            if drawn.weights is not None and not drawn.weights.sum() > 0:
                continue
            score = SliceScore(
                column=column,
                value=str(value),
                rows=int(count),
                candidate=metric_value(metric, after[here], drawn.weights),
                champion=metric_value(metric, before[here], drawn.weights),
            )
            scores.append(score)
            judged = drawn.counting(int(count)) >= settings.minimum_slice_rows
            judged &= drawn.clusters is None or drawn.clusters >= FEWEST_GROUPS
            if judged and settings.slice_tolerance is not None:
                gates.append(
                    _judge(
                        metric,
                        score,
                        before=before[here],
                        after=after[here],
                        settings=settings,
                        seed=seed,
                        sampling=drawn,
                    )
                )
    return gates, scores


def _judge(
    metric: str,
    score: SliceScore,
    *,
    before: Floats,
    after: Floats,
    settings: GateSettings,
    seed: int,
    sampling: Sampling,
) -> Gate:
    factor = 1 + (settings.slice_tolerance or 0.0)
    allowed = factor * score.champion
    # The metric of these losses is `allowed`: rmse is the root of a mean, the others are means.
    stretched = before * (factor**2 if metric == "rmse" else factor)
    # The upper bound of this two-sided interval is a one-sided one at the asked confidence.
    level = 2 * settings.confidence - 1
    found = paired_difference(
        metric,
        stretched,
        after,
        confidence=level,
        resamples=settings.resamples,
        seed=seed,
        sampling=sampling,
    )
    worse = found.high < 0
    error = paired_error(metric, stretched, after, sampling)
    told = allowed + detectable_effect(error, confidence=level)
    return Gate(
        name=f"{SLICE}{score.column}={score.value}",
        verdict="failed" if worse else "passed",
        reason=f"on {score.rows} rows {metric} is {score.candidate:.4g}, the champion's "
        f"{score.champion:.4g}, at most {allowed:.4g} is allowed: "
        + ("worse, and not by chance" if worse else "not worse beyond chance")
        + f"; {score.rows} rows tell a true {metric} of {told:.4g} four times in five",
        value=score.candidate,
        threshold=allowed,
        detectable=told,
    )
