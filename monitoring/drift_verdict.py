"""Turns the drift scores of a window's columns into a verdict, weighted by the columns' importance."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from ..core.results import DriftReport
from ..core.settings import DriftThresholds
from .drift import ScoredColumn, score_window
from .reference import ProfiledRows


def judge(scored: list[ScoredColumn], rows: int, thresholds: DriftThresholds) -> DriftReport:
    """Turn scores into a verdict.

    Args:
        scored: What `score_window` returned.
        rows: Rows in the window.
        thresholds: When drift is an alarm.

    Returns:
        `failed` when the drifted columns' importance reaches `thresholds.importance` or the
        predictions drifted; `not_run` with fewer rows than `thresholds.minimum_rows`.
    """
    if rows < thresholds.minimum_rows:
        return too_few_rows(rows, thresholds)
    drifted = [c for c in scored if c.role == "feature" and c.drifted]
    importance = min(sum(c.signals[0].importance for c in drifted), 1.0)
    prediction = any(c.drifted for c in scored if c.role == "prediction")
    target = [c.drifted for c in scored if c.role == "target"]
    # Sums of shares such as 0.1 + 0.05 must reach a limit of 0.15.
    heavy = importance >= thresholds.importance - 1e-9 and bool(drifted)
    names = ", ".join(c.name for c in sorted(drifted, key=lambda c: -c.signals[0].importance)[:5])
    more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""
    found = (
        f"{len(drifted)} drifted columns ({names}{more}) carry {importance:.2f} of the importance, "
        f"alarm from {thresholds.importance:.2f}"
        if drifted
        else "no column drifted"
    )
    if not any(c.role == "prediction" for c in scored):
        predictions = "no predictions were compared"
    else:
        predictions = "the predictions drifted" if prediction else "the predictions did not drift"
    out = [c for c in scored if c.redacted]
    unseen = ""
    rising = [c for c in scored if any(signal.kind == "rising" for signal in c.signals)]
    if rising:
        share = min(sum(c.signals[0].importance for c in rising), 1.0)
        unseen = (
            f"; {', '.join(c.name for c in rising)} with {share:.2f} of the importance only rises: its "
            "distance does not count"
        )
    if out:
        share = min(sum(c.signals[0].importance for c in out), 1.0)
        unseen += (
            f"; {len(out)} redacted columns ({', '.join(c.name for c in out)}) with {share:.2f} of the "
            "importance are left out"
        )
    unseen += _failures(scored)
    return DriftReport(
        verdict="failed" if heavy or prediction else "passed",
        reason=f"{found}; {predictions}{unseen}",
        rows=rows,
        columns=[signal for column in scored for signal in column.signals],
        drifted_importance=importance,
        prediction_drifted=prediction,
        target_drifted=target[0] if target else None,
    )


def feature_drift(
    reference: ProfiledRows,
    window: pd.DataFrame,
    thresholds: DriftThresholds,
    redacted: Collection[str] = (),
) -> DriftReport:
    """Judge the features of a window alone, whichever version made its predictions.

    Args:
        reference: What to compare with.
        window: Rows of the prediction log.
        thresholds: When it is drift.
        redacted: Features to leave out.

    Returns:
        The report, without predictions and labels.

    Raises:
        ConfigurationError: If one of `thresholds.methods` is no drift method.
    """
    if len(window) < thresholds.minimum_rows:
        return too_few_rows(len(window), thresholds)
    scored = score_window(reference, window, thresholds, redacted)
    return judge([c for c in scored if c.role == "feature"], len(window), thresholds)


def too_few_rows(rows: int, thresholds: DriftThresholds, *, of: str = "predictions") -> DriftReport:
    """Return the report on a window that is too small to judge."""
    return DriftReport(
        verdict="not_run",
        reason=f"{rows} {of}; drift needs at least {thresholds.minimum_rows}",
        rows=rows,
    )


def _failures(scored: list[ScoredColumn]) -> str:
    failed: dict[str, list[str]] = {}
    for signal in (signal for column in scored for signal in column.signals):
        if signal.method and signal.score is None:
            failed.setdefault(signal.method, []).append(signal.column)
    return "".join(
        f"; the drift method {name} failed on {len(columns)} columns ({', '.join(columns[:5])})"
        for name, columns in failed.items()
    )
