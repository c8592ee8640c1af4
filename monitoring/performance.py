"""Realised performance: the metric of logged predictions whose labels are known, against the promised one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..core.results import PerformanceReport
from ..core.settings import PerformanceThresholds
from ..metrics.bootstrap import metric_interval
from ..metrics.losses import Floats, row_losses, scores
from ..metrics.promise import Promise, metric_error
from .reference import PREDICTION, Reference
from .window_columns import known_labels, score_columns


def realised(
    reference: Reference,
    window: pd.DataFrame,
    *,
    version: str,
    policy: PerformanceThresholds,
    resamples: int,
    seed: int,
) -> PerformanceReport:
    """Hold a window's metric against the promised one.

    Args:
        reference: The champion's reference, with what it promised.
        window: Rows of the prediction log.
        version: Only predictions of this version are judged.
        policy: When it counts as worse.
        resamples: Bootstrap resamples.
        seed: Seed of the resamples.

    Returns:
        The verdict. A label that is no class of the model counts as a miss of the whole row. `not_run`
        while fewer labels are there than `policy` asks for: those that come first are not like the
        others.
    """
    promise = reference.promise
    own = window[window["version"].astype(str) == version].reset_index(drop=True)
    labels = known_labels(own, reference.classes)
    predicted, usable = _predictions(reference, own.loc[labels.index])
    truth = labels.to_numpy()[usable]
    rows = len(truth)
    coverage = len(labels) / len(own) if len(own) else 0.0
    found = {
        "metric": promise.metric,
        "rows": rows,
        "promised": promise.value,
        "coverage": coverage,
    }
    missing = _too_few(version, rows, coverage, policy)
    if missing:
        return PerformanceReport(verdict="not_run", reason=missing, **found)
    losses = row_losses(promise.metric, truth, predicted[usable], reference.classes)
    interval = metric_interval(
        promise.metric, losses, confidence=policy.confidence, resamples=resamples, seed=seed
    )
    limit = promise.limit(policy, metric_error(promise.metric, losses))
    harm = interval.value > promise.tolerated(policy)
    worse = interval.value > limit
    known = np.ones(rows, dtype=bool)
    if reference.classes is not None:
        known = np.isin(truth, np.array(reference.classes, dtype=object))
    return PerformanceReport(
        verdict="failed" if worse else "passed",
        reason=f"{promise.metric} {interval.value:.4g} on {rows:,} rows ({coverage:.0%} of the labels are "
        f"there), {_against(promise, interval.value, limit, harm=harm, worse=worse)}",
        value=interval.value,
        interval=(interval.low, interval.high),
        limit=limit,
        harm=harm,
        metrics=scores(
            reference.task_type, truth[known], predicted[usable][known], reference.classes
        )
        if known.any()
        else {},
        **found,
    )


def _too_few(version: str, rows: int, coverage: float, policy: PerformanceThresholds) -> str:
    if rows < policy.minimum_labels:
        return (
            f"{rows} labelled predictions of version {version} with complete scores; performance needs at "
            f"least {policy.minimum_labels}"
        )
    if coverage < policy.minimum_coverage:
        return (
            f"{coverage:.0%} of the labels are there, performance waits for {policy.minimum_coverage:.0%} "
            "(performance.minimum_coverage): the first labels are not like the others"
        )
    return ""


def _against(promise: Promise, value: float, limit: float, *, harm: bool, worse: bool) -> str:
    periods = len(promise.periods)
    said = f"promised {promise.value:.4g}"
    if periods > 1:
        said += (
            f" (over {periods} periods, {min(promise.periods):.4g} to {max(promise.periods):.4g})"
        )
    if worse:
        return f"{said}: surely worse, the limit is {limit:.4g}"
    if harm:
        return f"{said}: maybe worse, the limit is {limit:.4g}"
    return f"{said}: {'better than' if value < promise.value else 'as'} promised"


def _predictions(reference: Reference, rows: pd.DataFrame) -> tuple[Floats, np.ndarray]:
    """Return the logged predictions, and which rows have complete ones."""
    if reference.classes is None:
        values = pd.to_numeric(rows[PREDICTION], errors="coerce").to_numpy(dtype=float)
        return values, np.isfinite(values)
    found = score_columns(rows, reference.classes)
    missing = pd.Series(np.nan, index=rows.index)
    values = np.column_stack(
        [
            pd.to_numeric(
                rows[found[name]] if name in found else missing, errors="coerce"
            ).to_numpy(dtype=float)
            for name in reference.classes
        ]
    )
    return values, np.asarray(np.isfinite(values).all(axis=1))
