"""Draws the demo's timeline as a self-contained page, with Plotly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .summary import Summary, WindowSummary
from .timeline_marks import (
    DRIFTED,
    INK,
    LANES,
    PROMISED,
    QUIET,
    SERVED,
    STATIC,
    chips,
    subtitle,
    version_colours,
    version_spans,
)


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


def draw_html(summary: Summary, path: Path) -> None:
    """Draw a summary with at least one window into an HTML file."""
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
    placed = [(place, chip) for place, window in enumerate(windows) for chip in chips(window)]
    figure.add_trace(
        go.Scatter(
            x=[places[place] for place, _ in placed], y=[chip.lane for _, chip in placed],
            text=[chip.text for _, chip in placed], mode="markers+text", textposition="top center",
            marker={"size": 11, "symbol": "square", "color": [chip.colour for _, chip in placed]},
            customdata=[hover[place] for place, _ in placed], showlegend=False,
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
    colours = version_colours(windows)
    for first, last, version in version_spans(windows):
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
        title={"text": f"Telemarketing stream<br><sup>{subtitle(summary)}</sup>"},
        template="plotly_white", height=820, legend={"orientation": "h", "y": 1.06, "x": 0},
        margin={"t": 120, "l": 90, "r": 30}, font={"color": INK},
    )  # fmt: skip
    figure.write_html(path, include_plotlyjs=True, full_html=True)
