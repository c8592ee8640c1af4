"""The rules of a comparison, on per-row losses of champion and candidate on the same rows."""

from __future__ import annotations

import pandas as pd

from .bootstrap import Interval, paired_difference
from .metrics import Floats, total
from .results import Gate, SliceScore
from .schema import category_text
from .settings import GateSettings

SUPERIORITY = "superiority"
# Slices too small to be judged are reported, but a column of numbers would have thousands.
_MOST_SLICES = 50


def superiority(
    metric: str, *, before: Floats, after: Floats, settings: GateSettings, seed: int
) -> tuple[Gate, Interval]:
    """Judge whether the candidate is better by more than the margin, chance aside.

    Args:
        metric: Name of a loss.
        before: The champion's losses, shape (n,).
        after: The candidate's, of the same rows.
        settings: Margin, confidence and resamples.
        seed: Seed of the resamples.

    Returns:
        The gate, and the improvement with its interval.
    """
    found = paired_difference(
        metric,
        before,
        after,
        confidence=settings.confidence,
        resamples=settings.resamples,
        seed=seed,
    )
    better = found.low > settings.margin
    gate = Gate(
        name=SUPERIORITY,
        verdict="passed" if better else "failed",
        reason=f"on {len(after)} rows {metric} is {total(metric, after):.4g}, the champion's "
        f"{total(metric, before):.4g}: an improvement of {found.value:.4g}, between {found.low:.4g} and "
        f"{found.high:.4g} with {settings.confidence:.0%} confidence; the lower bound "
        f"{'is' if better else 'is not'} above {settings.margin:g}",
        value=found.low,
        threshold=settings.margin,
    )
    return gate, found


def compare_slices(
    metric: str,
    rows: pd.DataFrame,
    columns: list[str],
    *,
    before: Floats,
    after: Floats,
    settings: GateSettings,
    seed: int,
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
            score = SliceScore(
                column=column,
                value=str(value),
                rows=int(count),
                candidate=total(metric, after[here]),
                champion=total(metric, before[here]),
            )
            scores.append(score)
            judged = int(count) >= settings.minimum_slice_rows
            if judged and settings.slice_tolerance is not None:
                gates.append(
                    _judge(
                        metric,
                        score,
                        before=before[here],
                        after=after[here],
                        settings=settings,
                        seed=seed,
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
