"""Draws the timeline: log loss against the never retrained model, drift, and what was done about it.

`draw` writes `timeline.png` for a page and `timeline.html` to look into; the latter needs no network.
"""

from __future__ import annotations

from pathlib import Path

from ..core.errors import ConfigurationError, WorkspaceUnavailable
from .summary import Summary
from .timeline_html import draw_html
from .timeline_png import draw_png


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
        draw_png(summary, png)
        draw_html(summary, html)
    except OSError as error:
        raise WorkspaceUnavailable(f"cannot write into {folder}: {error}") from error
    return png, html
