"""Realised performance: what the logged predictions were worth, now that their labels are known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .bootstrap import metric_interval
from .drift_profile import PREDICTION, Reference
from .drift_score import known_labels, score_columns
from .metrics import Floats, row_losses, scores
from .results import PerformanceReport
from .settings import PerformanceThresholds


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
        The verdict. A label that is no class of the model counts as a miss of the whole row.
    """
    promise = reference.promise
    own = window[window["version"].astype(str) == version].reset_index(drop=True)
    labels = known_labels(own, reference.classes)
    predicted, usable = _predictions(reference, own.loc[labels.index])
    truth = labels.to_numpy()[usable]
    rows = len(truth)
    if rows < policy.minimum_labels:
        return PerformanceReport(
            verdict="not_run",
            reason=f"{rows} labelled predictions of version {version} with complete scores; "
            f"performance needs at least {policy.minimum_labels}",
            metric=promise.metric,
            rows=rows,
            promised=promise.value,
        )
    losses = row_losses(promise.metric, truth, predicted[usable], reference.classes)
    interval = metric_interval(
        promise.metric, losses, confidence=policy.confidence, resamples=resamples, seed=seed
    )
    limit = promise.value * (1.0 + policy.tolerance)
    worse = interval.low > limit
    known = np.ones(rows, dtype=bool)
    if reference.classes is not None:
        known = np.isin(truth, np.array(reference.classes, dtype=object))
    return PerformanceReport(
        verdict="failed" if worse else "passed",
        reason=f"{promise.metric} {interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f}) on "
        f"{rows:,} rows; promised {promise.value:.4f}, "
        f"{'surely' if worse else 'not surely'} above the limit {limit:.4f}",
        metric=promise.metric,
        rows=rows,
        value=interval.value,
        interval=(interval.low, interval.high),
        promised=promise.value,
        metrics=scores(reference.task, truth[known], predicted[usable][known], reference.classes)
        if known.any()
        else {},
    )


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
