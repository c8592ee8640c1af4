"""The timeline: a picture of the right size and a page that needs no network."""

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prefect_mlops.core.errors import ConfigurationError, WorkspaceUnavailable
from prefect_mlops.demo.summary import Summary, WindowSummary
from prefect_mlops.demo.timeline import draw

START = datetime(2009, 8, 1, tzinfo=UTC)
ENDS = [
    {"action": "none"},
    {"action": "hold", "held_by": "cooldown", "drift": "failed", "drifted_importance": 1.0},
    {"action": "retrain", "outcome": "challenger", "new_version": "2"},
    {"action": "retrain", "outcome": "promoted", "new_version": "3", "repaired": "passed"},
    {"action": "retrain", "outcome": "promoted", "new_version": "4", "repaired": "failed"},
    {"action": "retrain", "outcome": "rejected", "drift": "not_run"},
    {"action": "stop", "held_by": "maximum_unrepaired", "drifted_columns": list("abcdefg")},
]


def stream(windows: int, *, labelled: bool = True) -> Summary:
    content = []
    for position in range(windows):
        start = START + position * timedelta(days=45)
        end = ENDS[position % len(ENDS)]
        loss = 0.2 + 0.01 * position if labelled else None
        content.append(
            WindowSummary.model_validate(
                {
                    "first_row": 20_000 + 2_000 * position,
                    "rows": 2_000,
                    "start": start,
                    "end": start + timedelta(days=45),
                    "version": str(1 + position // 4),
                    "drift": "passed",
                    "log_loss": loss,
                    "static_log_loss": loss,
                    "promised": loss,
                    **end,
                }
            )
        )
    return Summary.of("generated", content)


@pytest.mark.parametrize("windows", [1, 2, 11, 40])
def test_every_length_is_drawn(tmp_path: Path, windows: int) -> None:
    png, html = draw(stream(windows), tmp_path / "new")
    assert png.read_bytes().startswith(b"\x89PNG")
    width, height = (int.from_bytes(png.read_bytes()[a : a + 4], "big") for a in (16, 20))
    assert width > height > 900
    assert html.stat().st_size > 1_000_000


def test_windows_without_labels_are_drawn(tmp_path: Path) -> None:
    png, _ = draw(stream(5, labelled=False), tmp_path)
    assert png.stat().st_size > 10_000


def test_the_page_needs_no_network_and_tells_every_window(tmp_path: Path) -> None:
    _, html = draw(stream(7), tmp_path)
    page = html.read_text()
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=", page)
    for expected in (
        "held",
        "not repaired",
        "cooldown",
        "32,000",
        "never retrained",
        "candidate v3",
    ):
        assert expected in page, expected


def test_drawing_leaves_the_process_without_a_window_system(tmp_path: Path) -> None:
    draw(stream(2), tmp_path)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()


def test_a_summary_without_windows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no windows"):
        draw(Summary.of("generated", []), tmp_path)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(WorkspaceUnavailable):
        draw(stream(1), tmp_path / "taken")
