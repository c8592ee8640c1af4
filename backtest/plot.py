"""Plots a backtest: the metric by window under every policy, and when each retrained."""

from __future__ import annotations

import io

from ..core.results.backtest import Backtest

# Told apart by people who see few colours (Okabe and Ito, 2008), and by their markers in print.
_COLOURS = ("#999999", "#0072b2", "#56b4e9", "#e69f00", "#cc79a7", "#d55e00", "#009e73", "#000000")
_MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")


def draw_backtest(result: Backtest) -> bytes:
    """Draw a backtest.

    Args:
        result: The backtest.

    Returns:
        A PNG: above, the metric by window (lower is better) with a marker where a policy's retraining was
        promoted; below, one row a policy with its retrainings, those that were refused hollow.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    count = len(result.replays)
    figure = Figure(figsize=(11, 5 + 0.3 * count), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(
        2, 1, sharex=True, gridspec_kw={"height_ratios": [4, 0.35 * count + 0.4]}
    )
    for number, replay in enumerate(result.replays):
        colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
        starts = [window.first_row for window in replay.windows]
        label = f"{replay.name}: {replay.value:.4g}, {replay.retrainings} retrainings"
        wide = 2.6 if replay.name == result.recommended else 1.3
        values = [window.value for window in replay.windows]
        upper.plot(starts, values, color=colour, marker=marker, ms=4, lw=wide, label=label)
        for window in replay.windows:
            if window.action == "retrain":
                full = colour if window.ending == "promoted" else "none"
                ends = window.first_row + window.rows
                lower.plot([ends], [number], marker=marker, ms=7, mfc=full, mec=colour, ls="none")
            elif window.action == "stop":
                lower.plot([window.first_row + window.rows], [number], marker="|", color=colour)
    upper.set_ylabel(f"{result.metric} by window")
    upper.set_title(f"{result.project}: {result.recommendation.partition('. ')[0]}", fontsize=10)
    upper.legend(fontsize=8, frameon=False, ncols=2)
    upper.grid(alpha=0.25)
    lower.set_yticks(range(count), [replay.name for replay in result.replays], fontsize=8)
    lower.set_ylim(count - 0.5, -0.5)
    lower.set_xlabel("rows of the stream; full: promoted, hollow: refused, bar: stopped")
    lower.grid(alpha=0.25, axis="x")
    for axes in (upper, lower):
        axes.spines[["top", "right"]].set_visible(False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=130)
    return buffer.getvalue()
