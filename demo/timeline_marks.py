"""Colours, marks and version spans that the demo's PNG and HTML timelines share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .summary import Summary, WindowSummary

INK, MUTED, GRID = "#1f2933", "#7b8794", "#e4e7eb"
SERVED, STATIC, PROMISED = "#1d4ed8", "#c2410c", "#64748b"
DRIFTED, QUIET = "#e4572e", "#b8c4d0"
BANDS = ("#eef4ff", "#fdf3e3", "#eaf7ef", "#f6eefb", "#fdeeee", "#eef7f8")


class Chip(NamedTuple):
    """A labelled mark in one of the lanes."""

    lane: str
    text: str
    colour: str


LANES = ("governor", "candidate", "repair")
_ACTIONS = {
    "retrain": Chip("governor", "retrain", "#0e7490"),
    "hold": Chip("governor", "held", "#b7791f"),
    "stop": Chip("governor", "stopped", "#b91c1c"),
}
# What is held for these is as it should be, and says so.
_HELD = {
    "harmless": Chip("governor", "harmless", "#5b7083"),
    "confirmation": Chip("governor", "2nd window?", "#b7791f"),
}
_OUTCOMES = {
    "promoted": Chip("candidate", "promoted", "#15803d"),
    "challenger": Chip("candidate", "challenger", "#9f1239"),
    "rejected": Chip("candidate", "rejected", "#9f1239"),
}
_REPAIRS = {
    "passed": Chip("repair", "repaired", "#15803d"),
    "failed": Chip("repair", "not repaired", "#b91c1c"),
    "not_run": Chip("repair", "next window", "#5b7083"),
}


def chips(window: WindowSummary) -> Iterator[Chip]:
    """Yield what was decided, built and repaired in a window."""
    if window.action in _ACTIONS:
        yield _HELD.get(window.held_by or "", _ACTIONS[window.action])
    if window.outcome in _OUTCOMES:
        yield _OUTCOMES[window.outcome]
    if window.repaired is not None:
        yield _REPAIRS[window.repaired]


def version_spans(windows: list[WindowSummary]) -> list[tuple[int, int, str]]:
    """Return first window, last window and version of each stretch with one version."""
    stretches: list[tuple[int, int, str]] = []
    for position, window in enumerate(windows):
        if stretches and stretches[-1][2] == window.version:
            stretches[-1] = (stretches[-1][0], position, window.version)
        else:
            stretches.append((position, position, window.version))
    return stretches


def version_colours(windows: list[WindowSummary]) -> dict[str, str]:
    """Return version to background colour."""
    versions = list(dict.fromkeys(window.version for window in windows))
    return {version: BANDS[n % len(BANDS)] for n, version in enumerate(versions)}


def subtitle(summary: Summary) -> str:
    """Return counts and pooled losses in one line."""

    def text(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.3f}"

    return (
        f"{len(summary.windows)} windows, {summary.retrainings} retrainings "
        f"({summary.promotions} promoted, {summary.refused} refused), {summary.held_back} held back. "
        f"Log loss over all windows {text(summary.pooled_log_loss)}, "
        f"never retrained {text(summary.static_log_loss)}."
    )
