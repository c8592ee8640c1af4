"""Superiority and non-inferiority tests of a candidate, on per-row losses paired with the champion's."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ..core.results import Cause, Gate, SliceScore
from ..core.settings import GateSettings, PerformanceThresholds
from ..data.row_weights import FEWEST_GROUPS
from ..data.schema import category_text
from ..metrics.bootstrap import Interval, paired_difference
from ..metrics.losses import Floats, metric_value
from ..metrics.promise import Promise
from ..metrics.sampling import Sampling

SUPERIORITY = "superiority"
NON_INFERIORITY = "non-inferiority"
# Chance to see an improvement that is there, for the rows that are said to be needed.
_POWER = 0.8
# Slices too small to be judged are reported, but a column of numbers would have thousands.
_MOST_SLICES = 50


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
    found = _difference(metric, before, after, settings=settings, seed=seed, sampling=sampling)
    better = found.low > settings.margin
    more = "" if better else _rows_needed(found, len(after), settings)
    gate = Gate(
        name=SUPERIORITY,
        verdict="passed" if better else "failed",
        reason=f"{_scores(metric, before, after, found, settings=settings, sampling=sampling)}; the lower bound "
        f"{'is' if better else 'is not'} above {settings.margin:g}{more}",
        value=found.low,
        threshold=settings.margin,
    )
    return gate, found


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
    found = _difference(metric, before, after, settings=settings, seed=seed, sampling=sampling)
    allowed = settings.allowance * metric_value(metric, before, _weights(sampling))
    good = found.low > -allowed
    gate = Gate(
        name=NON_INFERIORITY,
        verdict="passed" if good else "failed",
        reason=f"{_scores(metric, before, after, found, settings=settings, sampling=sampling)}; {confirmed}, so the candidate may be "
        f"worse by {allowed:.4g} ({settings.allowance:.0%}): the lower bound "
        f"{'is' if good else 'is not'} above {-allowed:.4g}",
        value=found.low,
        threshold=-allowed,
    )
    return gate, found


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


def _weights(sampling: Sampling | None) -> Floats | None:
    return None if sampling is None else sampling.weights


def _difference(
    metric: str,
    before: Floats,
    after: Floats,
    *,
    settings: GateSettings,
    seed: int,
    sampling: Sampling | None,
) -> Interval:
    return paired_difference(
        metric,
        before,
        after,
        confidence=settings.confidence,
        resamples=settings.resamples,
        seed=seed,
        sampling=sampling,
    )


def _scores(
    metric: str,
    before: Floats,
    after: Floats,
    found: Interval,
    *,
    settings: GateSettings,
    sampling: Sampling | None,
) -> str:
    weights = _weights(sampling)
    groups = None if sampling is None else sampling.clusters
    of_groups = "" if groups is None else f" of {groups} groups"
    return (
        f"on {len(after)} rows{of_groups} {metric} is {metric_value(metric, after, weights):.4g}, the "
        f"champion's {metric_value(metric, before, weights):.4g}: an improvement of {found.value:.4g}, between {found.low:.4g} and "
        f"{found.high:.4g} with {settings.confidence:.0%} confidence"
    )


def _rows_needed(found: Interval, rows: int, settings: GateSettings) -> str:
    """Say how many rows would tell the improvement that was seen, four times in five."""
    seen = found.value - settings.margin
    width = found.value - found.low
    if seen <= 0 or not np.isfinite(width):
        return ""
    bound = stats.norm.isf((1 - settings.confidence) / 2)
    needed = rows * ((1 + stats.norm.isf(1 - _POWER) / bound) * width / seen) ** 2
    # Two digits: the improvement itself is known no better.
    return (
        f"; about {float(f'{needed:.1e}'):,.0f} rows would tell, if it is real (data.holdout_rows)"
    )


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
        texts = rows[column].map(category_text, na_action="ignore").astype(object)
        values = texts.where(rows[column].notna(), "missing").to_numpy()
        sizes = pd.Series(values).value_counts()
        for value, count in sizes.head(_MOST_SLICES).items():
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
            judged = int(count) >= settings.minimum_slice_rows
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
    found = paired_difference(
        metric,
        stretched,
        after,
        # The upper bound of this two-sided interval is a one-sided one at the asked confidence.
        confidence=2 * settings.confidence - 1,
        resamples=settings.resamples,
        seed=seed,
        sampling=sampling,
    )
    worse = found.high < 0
    return Gate(
        name=f"slice {score.column}={score.value}",
        verdict="failed" if worse else "passed",
        reason=f"on {score.rows} rows {metric} is {score.candidate:.4g}, the champion's "
        f"{score.champion:.4g}, at most {allowed:.4g} is allowed: "
        + ("worse, and not by chance" if worse else "not worse beyond chance"),
        value=score.candidate,
        threshold=allowed,
    )
