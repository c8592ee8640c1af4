"""Renders the Evidently drift report of a window, with the scores and verdicts of `monitoring.drift`.

Evidently 0.7 reads no raw row here. One metric a signal carries what was measured, its threshold and
the two histograms, and its test passes exactly when we say so: report and verdict cannot disagree,
and no column of the window can lose the report. It costs the same for any number of rows.

The HTML is one file with everything inside; it opens without a network.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from ..core.results import ColumnDrift, DriftReport
from .drift import ScoredColumn
from .profile import CategoryProfile, NumberProfile

_BINS = 30
_BARS = 20
_UNSAFE = {ord("<"): "\u2039", ord(">"): "\u203a", 0x2028: " ", 0x2029: " "}
_TITLES = {
    "distance": "distance",
    "nulls": "rise of missing values",
    "new_categories": "share of new categories",
    "rising": "distance of a feature that only rises",
    "unusable": "cannot be used",
}
_ROLES = {"feature": "", "prediction": "prediction ", "target": "target "}


def render_report(report: DriftReport, scored: list[ScoredColumn], title: str) -> str:
    """Render a drift report.

    Args:
        report: The verdict.
        scored: Every column with what was measured.
        title: What the window is, in a few words.

    Returns:
        HTML, about 5 MB: Evidently's own program is inside.
    """
    from evidently import Report

    from .evidently_metrics import DriftOverview, DriftSignal, WithinLimit

    important = sorted(scored, key=lambda c: (not c.drifted, -_importance(c)))
    metrics: list[Any] = [
        DriftOverview(title=_plain(title), verdict=report.verdict, rows=_overview(report))
    ]
    for column in important:
        bars = histogram(column)
        for position, measured in enumerate(column.signals):
            metrics.append(
                DriftSignal(
                    label=_plain(_label(column, measured)),
                    score=math.nan if measured.score is None else measured.score,
                    limit=measured.threshold,
                    drifted=measured.drifted,
                    reason=_plain(measured.reason),
                    bars=bars if position == 0 else None,
                    tests=None if _set_aside(measured) else [WithinLimit()],
                )
            )
    # Evidently wants a dataset; the metrics have all they need.
    snapshot = Report(metrics).run(pd.DataFrame({"rows": [report.rows]}), None)
    return snapshot.get_html_str(as_iframe=False)


def histogram(column: ScoredColumn) -> dict[str, list[Any]] | None:
    """Return the shares of reference and window by bin or category.

    Args:
        column: A scored column.

    Returns:
        `x`, `reference` and `current` of the same length; None when there is nothing to show. Numbers
        beyond the winsorising bounds are in the outermost bins.
    """
    profile = column.profile
    if profile.constant or not len(column.values):
        return None
    if isinstance(profile, NumberProfile):
        edges = np.linspace(profile.low, profile.high, _BINS + 1)
        current = np.clip(np.asarray(column.values, dtype=float), profile.low, profile.high)
        before = np.histogram(np.clip(profile.blocks, profile.low, profile.high), edges)[0]
        after = np.histogram(current, edges)[0]
        return {
            "x": ((edges[1:] + edges[:-1]) / 2).tolist(),
            "reference": (before / len(profile.blocks)).tolist(),
            "current": (after / len(current)).tolist(),
        }
    return _category_bars(profile, pd.Series(column.values))


def _category_bars(profile: CategoryProfile, values: pd.Series) -> dict[str, list[Any]]:
    shares = values.value_counts(normalize=True)
    shown = list(profile.shares)[:_BARS]
    hidden = list(profile.shares)[_BARS:]
    bars = [(_plain(n), profile.shares[n], float(shares.get(n, 0.0))) for n in shown]
    others = sum(float(shares.get(name, 0.0)) for name in hidden)
    bars.append(("(other known)", sum(profile.shares[name] for name in hidden), others))
    new = float(shares[~shares.index.isin(list(profile.shares))].sum())
    bars.append(("(rare or new)", profile.rest, new))
    bars = bars[: len(shown)] + [bar for bar in bars[len(shown) :] if bar[1] or bar[2]]
    return {
        "x": [bar[0] for bar in bars],
        "reference": [bar[1] for bar in bars],
        "current": [bar[2] for bar in bars],
    }


def _overview(report: DriftReport) -> list[list[str]]:
    target = {None: "not measured", True: "drifted", False: "did not drift"}
    return [
        ["verdict", report.verdict],
        ["why", _plain(report.reason)],
        ["predictions in the window", f"{report.rows:,}"],
        ["importance of the drifted columns", f"{report.drifted_importance:.3f}"],
        ["predictions", target[report.prediction_drifted]],
        ["target", target[report.target_drifted]],
    ]


def _label(column: ScoredColumn, signal: ColumnDrift) -> str:
    method = f" ({signal.method.replace('_', ' ')})" if signal.method else ""
    return f"{_ROLES[column.role]}{column.name}: {_TITLES[signal.kind]}{method}"


def _importance(column: ScoredColumn) -> float:
    return column.signals[0].importance if column.signals else 0.0


def _set_aside(signal: ColumnDrift) -> bool:
    return signal.score is None and not signal.drifted


def _plain(text: str) -> str:
    # Evidently puts the text into a script element without escaping: a category from the web must
    # not be able to close it.
    short = text if len(text) <= 200 else text[:199] + "…"
    return short.translate(_UNSAFE)
