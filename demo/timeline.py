"""Draws the stream: log loss against the never retrained model, drift, and what was done about it.

`draw` writes `timeline.png` for a page and `timeline.html` to look into; the latter needs no network.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import ConfigurationError, WorkspaceUnavailable
from .summary import Summary, WindowSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SERVED, STATIC, PROMISED = "#1d4ed8", "#c2410c", "#64748b"
DRIFTED, QUIET = "#e4572e", "#b8c4d0"
BANDS = ("#eef4ff", "#fdf3e3", "#eaf7ef", "#f6eefb", "#fdeeee", "#eef7f8")


class _Chip(NamedTuple):
    lane: str
    text: str
    colour: str


LANES = ("governor", "candidate", "repair")
_ACTIONS = {
    "retrain": _Chip("governor", "retrain", "#0e7490"),
    "hold": _Chip("governor", "held", "#b7791f"),
    "stop": _Chip("governor", "stopped", "#b91c1c"),
}
# What is held for these is as it should be, and says so.
_HELD = {
    "harmless": _Chip("governor", "harmless", "#5b7083"),
    "confirmation": _Chip("governor", "2nd window?", "#b7791f"),
}
_OUTCOMES = {
    "promoted": _Chip("candidate", "promoted", "#15803d"),
    "challenger": _Chip("candidate", "challenger", "#9f1239"),
    "rejected": _Chip("candidate", "rejected", "#9f1239"),
}
_REPAIRS = {
    "passed": _Chip("repair", "repaired", "#15803d"),
    "failed": _Chip("repair", "not repaired", "#b91c1c"),
    "not_run": _Chip("repair", "next window", "#5b7083"),
}


def draw(summary: Summary, folder: Path) -> tuple[Path, Path]:
    """Draw a summary.

    Args:
        summary: What the demo told.
        folder: Where to write; made if missing.

    Returns:
        Paths of `timeline.png` and of the self-contained `timeline.html`.

    Raises:
        ConfigurationError: If the summary has no windows.
        WorkspaceUnavailable: If the folder cannot be written.
    """
    if not summary.windows:
        raise ConfigurationError("the summary has no windows: play at least one before drawing")
    png, html = folder / "timeline.png", folder / "timeline.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _draw_png(summary, png)
        _draw_html(summary, html)
    except OSError as error:
        raise WorkspaceUnavailable(f"cannot write into {folder}: {error}") from error
    return png, html


def _chips(window: WindowSummary) -> Iterator[_Chip]:
    if window.action in _ACTIONS:
        yield _HELD.get(window.held_by or "", _ACTIONS[window.action])
    if window.outcome in _OUTCOMES:
        yield _OUTCOMES[window.outcome]
    if window.repaired is not None:
        yield _REPAIRS[window.repaired]


def _stretches(windows: list[WindowSummary]) -> list[tuple[int, int, str]]:
    """Return first window, last window and version of each stretch with one version."""
    stretches: list[tuple[int, int, str]] = []
    for position, window in enumerate(windows):
        if stretches and stretches[-1][2] == window.version:
            stretches[-1] = (stretches[-1][0], position, window.version)
        else:
            stretches.append((position, position, window.version))
    return stretches


def _colours(windows: list[WindowSummary]) -> dict[str, str]:
    versions = list(dict.fromkeys(window.version for window in windows))
    return {version: BANDS[n % len(BANDS)] for n, version in enumerate(versions)}


def _values(values: list[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _subtitle(summary: Summary) -> str:
    def text(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.3f}"

    return (
        f"{len(summary.windows)} windows, {summary.retrainings} retrainings "
        f"({summary.promotions} promoted, {summary.refused} refused), {summary.held_back} held back. "
        f"Log loss over all windows {text(summary.pooled_log_loss)}, "
        f"never retrained {text(summary.static_log_loss)}."
    )


def _draw_png(summary: Summary, path: Path) -> None:
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
    figure.text(left, 0.922, _subtitle(summary), fontsize=9.5, color=MUTED)
    _loss_panel(loss, windows)
    _lane_panel(lanes, windows)
    _drift_panel(drift, windows)
    for panel in (loss, lanes, drift):
        panel.set_xlim(-0.5, len(windows) - 0.5)
        panel.tick_params(colors=MUTED, labelsize=8.5, length=0)
        for side in ("top", "right", "left", "bottom"):
            panel.spines[side].set_visible(False)
        for _, last, _ in _stretches(windows)[:-1]:
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
    colours = _colours(windows)
    for first, last, version in _stretches(windows):
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
        for chip in _chips(window):
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


def _hover(window: WindowSummary) -> str:
    lines = [
        f"<b>rows {window.first_row:,} to {window.first_row + window.rows - 1:,}</b>",
        f"{window.start:%Y-%m-%d} to {window.end:%Y-%m-%d}, served by v{window.version}",
        f"drift {window.drift}, importance {window.drifted_importance:.2f}",
    ]
    if window.drifted_columns:
        shown = window.drifted_columns[:5]
        lines.append("drifted: " + ", ".join(shown) + (" ..." if len(shown) < len(window.drifted_columns) else ""))  # fmt: skip
    lines.append(f"decision: {window.action}" + (f", {window.reason}" if window.reason else ""))
    if window.outcome != "none":
        version = f" v{window.new_version}" if window.new_version else ""
        lines.append(f"candidate{version}: {window.outcome}")
    if window.repaired is not None:
        lines.append(f"repair: {window.repaired}")
    return "<br>".join(lines)


def _draw_html(summary: Summary, path: Path) -> None:
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    windows = summary.windows
    places = [f"{window.first_row:,}" for window in windows]
    hover = [_hover(window) for window in windows]
    figure: Any = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.6, 0.17, 0.23], vertical_spacing=0.03
    )
    lines: list[tuple[str, list[float | None], dict[str, Any]]] = [
        ("served", [w.log_loss for w in windows], {"color": SERVED, "width": 3}),
        (
            "first model, never retrained",
            [w.static_log_loss for w in windows],
            {"color": STATIC, "width": 2, "dash": "dash"},
        ),
        (
            "promised by the served version",
            [w.promised for w in windows],
            {"color": PROMISED, "width": 1.5, "shape": "hvh"},
        ),
    ]
    for name, values, line in lines:
        mode = "lines" if name.startswith("promised") else "lines+markers"
        trace = go.Scatter(
            x=places, y=values, name=name, mode=mode, line=line, customdata=hover,
            hovertemplate=f"{name}: <b>%{{y:.3f}}</b><br>%{{customdata}}<extra></extra>",
        )  # fmt: skip
        figure.add_trace(trace, row=1, col=1)
    chips = [(place, chip) for place, window in enumerate(windows) for chip in _chips(window)]
    figure.add_trace(
        go.Scatter(
            x=[places[place] for place, _ in chips], y=[chip.lane for _, chip in chips],
            text=[chip.text for _, chip in chips], mode="markers+text", textposition="top center",
            marker={"size": 11, "symbol": "square", "color": [chip.colour for _, chip in chips]},
            customdata=[hover[place] for place, _ in chips], showlegend=False,
            hovertemplate="%{customdata}<extra></extra>",
        ),
        row=2, col=1,
    )  # fmt: skip
    figure.add_trace(
        go.Bar(
            x=places, y=[window.drifted_importance for window in windows], showlegend=False,
            marker={"color": [DRIFTED if w.drift == "failed" else QUIET for w in windows]},
            customdata=hover, hovertemplate="%{customdata}<extra></extra>",
        ),
        row=3, col=1,
    )  # fmt: skip
    colours = _colours(windows)
    for first, last, version in _stretches(windows):
        figure.add_vrect(
            x0=first - 0.5, x1=last + 0.5, fillcolor=colours[version], line_width=0, layer="below",
            annotation_text=f"v{version}", annotation_position="top", row=1, col=1,
        )  # fmt: skip
    figure.update_yaxes(title_text="log loss", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        categoryorder="array", categoryarray=list(LANES[::-1]), range=[-0.5, 2.9], row=2, col=1
    )
    figure.update_yaxes(title_text="drifted importance", range=[0, 1.05], row=3, col=1)
    figure.update_xaxes(
        type="category", categoryorder="array", categoryarray=places, showgrid=False,
        range=[-0.5, len(windows) - 0.5],
    )  # fmt: skip
    figure.update_xaxes(title_text="first row of each window", row=3, col=1)
    figure.update_layout(
        title={"text": f"Telemarketing stream<br><sup>{_subtitle(summary)}</sup>"},
        template="plotly_white", height=820, legend={"orientation": "h", "y": 1.06, "x": 0},
        margin={"t": 120, "l": 90, "r": 30}, font={"color": INK},
    )  # fmt: skip
    figure.write_html(path, include_plotlyjs=True, full_html=True)
