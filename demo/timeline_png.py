"""Draws the demo's timeline as a picture, with matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .summary import Summary, WindowSummary
from .timeline_marks import (
    DRIFTED,
    GRID,
    INK,
    LANES,
    MUTED,
    PROMISED,
    QUIET,
    SERVED,
    STATIC,
    chips,
    subtitle,
    version_colours,
    version_spans,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def _values(values: list[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def draw_png(summary: Summary, path: Path) -> None:
    """Draw a summary with at least one window into a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    windows = summary.windows
    width = max(9.0, min(1.15 * len(windows) + 1.6, 26.0))
    # A Figure of its own: pyplot would keep it alive and pick a backend.
    figure = Figure(figsize=(width, 7.6), dpi=140, facecolor="white")
    FigureCanvasAgg(figure)
    loss, lanes, drift = figure.subplots(
        3, 1, sharex=True, gridspec_kw={"height_ratios": [4.2, 1.25, 1.5], "hspace": 0.1}
    )
    left = 1.0 / width
    figure.subplots_adjust(left=left, right=1 - 0.25 / width, top=0.83, bottom=0.09)
    figure.text(left, 0.955, "Telemarketing stream", fontsize=15, fontweight="bold", color=INK)
    figure.text(left, 0.922, subtitle(summary), fontsize=9.5, color=MUTED)
    _loss_panel(loss, windows)
    _lane_panel(lanes, windows)
    _drift_panel(drift, windows)
    for panel in (loss, lanes, drift):
        panel.set_xlim(-0.5, len(windows) - 0.5)
        panel.tick_params(colors=MUTED, labelsize=8.5, length=0)
        for side in ("top", "right", "left", "bottom"):
            panel.spines[side].set_visible(False)
        for _, last, _ in version_spans(windows)[:-1]:
            panel.axvline(last + 0.5, color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)
    every = max(1, round(len(windows) / 22))
    drift.set_xticks(range(0, len(windows), every))
    drift.set_xticklabels(
        [f"{window.first_row:,}\n{window.start:%b %Y}" for window in windows[::every]], color=INK
    )
    drift.set_xlabel("first row and month of each window", fontsize=9, color=MUTED, labelpad=5)
    figure.savefig(path)


def _loss_panel(panel: Axes, windows: list[WindowSummary]) -> None:
    served = _values([window.log_loss for window in windows])
    static = _values([window.static_log_loss for window in windows])
    promised = _values([window.promised for window in windows])
    places = range(len(windows))
    colours = version_colours(windows)
    for first, last, version in version_spans(windows):
        panel.axvspan(first - 0.5, last + 0.5, color=colours[version], linewidth=0, zorder=0)
        panel.text(
            (first + last) / 2, 1.015, f"v{version}", transform=panel.get_xaxis_transform(),
            ha="center", va="bottom", fontsize=9, fontweight="bold", color=INK,
        )  # fmt: skip
    panel.fill_between(places, served, static, color=STATIC, alpha=0.07, linewidth=0, zorder=1)
    panel.plot(
        places, static, color=STATIC, linewidth=1.6, linestyle=(0, (5, 2)), marker="o",
        markersize=4, label="first model, never retrained", zorder=3,
    )  # fmt: skip
    panel.hlines(
        promised, [p - 0.36 for p in places], [p + 0.36 for p in places], color=PROMISED,
        linewidth=1.4, label="promised by the served version", zorder=2,
    )  # fmt: skip
    panel.plot(
        places, served, color=SERVED, linewidth=2.4, marker="o", markersize=6,
        markeredgecolor="white", markeredgewidth=1.2, label="served", zorder=4,
    )  # fmt: skip
    panel.set_ylim(bottom=0)
    panel.margins(y=0.12)
    panel.set_ylabel("log loss", fontsize=9.5, color=INK)
    panel.grid(axis="y", color="white", linewidth=1.4)
    panel.set_axisbelow(True)
    handles, labels = panel.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda n: labels[n] != "served")
    panel.legend(
        [handles[n] for n in order], [labels[n] for n in order], ncols=3, fontsize=9, frameon=False,
        loc="lower left", bbox_to_anchor=(-0.006, 1.055), borderaxespad=0, handlelength=2.2,
        labelcolor=INK, columnspacing=1.6,
    )  # fmt: skip


def _lane_panel(panel: Axes, windows: list[WindowSummary]) -> None:
    panel.set_ylim(len(LANES) - 0.5, -0.5)
    panel.set_yticks(range(len(LANES)), LANES, color=INK)
    for lane in range(len(LANES)):
        panel.axhline(lane, color=GRID, linewidth=1, zorder=0)
    # A chip is a window wide: with many windows only its colour still fits.
    wordy = len(windows) <= 22
    for place, window in enumerate(windows):
        for chip in chips(window):
            panel.text(
                place, LANES.index(chip.lane), chip.text if wordy else " ", ha="center",
                va="center", fontsize=8, color="white", fontweight="bold", zorder=3,
                bbox={"boxstyle": "round,pad=0.32", "facecolor": chip.colour, "linewidth": 0},
            )  # fmt: skip


def _drift_panel(panel: Axes, windows: list[WindowSummary]) -> None:
    heights = [window.drifted_importance for window in windows]
    colours = [DRIFTED if window.drift == "failed" else QUIET for window in windows]
    panel.bar(range(len(windows)), heights, width=0.62, color=colours, zorder=2)
    for place, window in enumerate(windows):
        text = "not run" if window.drift == "not_run" else f"{window.drifted_importance:.2f}"
        colour = DRIFTED if window.drift == "failed" else MUTED
        panel.text(
            place, window.drifted_importance + 0.04, text, ha="center", fontsize=8, color=colour
        )
    panel.set_ylim(0, 1.22)
    panel.set_yticks([0, 0.5, 1])
    panel.set_ylabel("drifted\nimportance", fontsize=9.5, color=INK)
    panel.grid(axis="y", color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
