"""The summary: counts and pooled losses, its file, and what it prints."""

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import WorkspaceUnavailable
from prefect_mlops.demo.summary import Summary, WindowSummary
from pydantic import ValidationError
from rich.console import Console

START = datetime(2009, 8, 1, tzinfo=UTC)


def window(position: int = 0, **fields) -> WindowSummary:
    start = START + position * timedelta(days=45)
    content = {
        "first_row": 20_000 + 2_000 * position,
        "rows": 2_000,
        "start": start,
        "end": start + timedelta(days=45),
        "version": "1",
        "drift": "passed",
        "action": "none",
    }
    return WindowSummary.model_validate({**content, **fields})


def printed(summary: Summary, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    summary.render(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def summary() -> Summary:
    windows = [
        window(0, log_loss=0.2, static_log_loss=0.2, promised=0.19),
        window(1, action="hold", held_by="maximum_unrepaired", drift="failed"),
        window(2, action="retrain", outcome="challenger", new_version="12", drift="failed"),
        window(3, action="retrain", outcome="rejected"),
        window(4, action="retrain", outcome="promoted", new_version="13", repaired="passed"),
        window(5, version="13", rows=1_000, log_loss=0.5, static_log_loss=1.1, drift="not_run"),
        window(6, version="13", action="stop", held_by="maximum_unrepaired"),
    ]
    return Summary.of(
        "generated",
        windows,
        seconds={"servers": 13.4},
        prefect_ui="http://127.0.0.1:4200",
        mlflow_ui="http://127.0.0.1:5000",
    )


def test_counts_come_from_the_windows(summary: Summary) -> None:
    assert (summary.retrainings, summary.promotions, summary.refused) == (3, 1, 2)
    assert summary.held_back == 2


def test_losses_are_pooled_over_labelled_rows(summary: Summary) -> None:
    assert summary.pooled_log_loss == pytest.approx((0.2 * 2_000 + 0.5 * 1_000) / 3_000)
    assert summary.static_log_loss == pytest.approx((0.2 * 2_000 + 1.1 * 1_000) / 3_000)


def test_no_labels_no_pooled_loss() -> None:
    summary = Summary.of("generated", [window(0), window(1)])
    assert summary.pooled_log_loss is None
    assert summary.static_log_loss is None


@given(
    st.lists(
        st.tuples(st.integers(1, 10_000), st.floats(0, 20) | st.none()), min_size=1, max_size=20
    )
)
def test_the_pooled_loss_lies_between_the_windows_losses(
    losses: list[tuple[int, float | None]],
) -> None:
    windows = [window(n, rows=rows, log_loss=loss) for n, (rows, loss) in enumerate(losses)]
    pooled = Summary.of("generated", windows).pooled_log_loss
    known = [loss for _, loss in losses if loss is not None]
    if not known:
        assert pooled is None
    else:
        assert pooled is not None
        assert min(known) - 1e-9 <= pooled <= max(known) + 1e-9


def test_the_file_reads_back_the_same_and_is_plain_json(summary: Summary, tmp_path: Path) -> None:
    path = summary.write(tmp_path / "new")
    assert path.name == "summary.json"
    assert Summary.read(tmp_path / "new") == summary
    content = json.loads(path.read_text())
    assert content["windows"][4]["repaired"] == "passed"
    assert content["pooled_log_loss"] == pytest.approx(0.3)


@pytest.mark.parametrize("content", [None, "{", '{"windows": []}'])
def test_a_missing_or_foreign_file_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    with pytest.raises(WorkspaceUnavailable, match=r"summary\.json"):
        Summary.read(tmp_path)


def test_a_folder_that_is_a_file_is_an_error(summary: Summary, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(WorkspaceUnavailable):
        summary.write(tmp_path / "taken")


@pytest.mark.parametrize("field", [{"drift": "maybe"}, {"rows": 0}, {"surprise": 1}])
def test_a_wrong_window_is_refused(field: dict) -> None:
    with pytest.raises(ValidationError):
        window(0, **field)


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_and_cuts_nothing(summary: Summary, width: int) -> None:
    text = printed(summary, width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for expected in (
        "promised", "repaired", "challenger v12", "promoted v13", "rejected", "retrain", "stop",
        "hold: maximum", "20,000", "32,000", "0.200", "1.100",
        "7 windows, 3 retrainings: 1 promoted, 2 refused; 2 held back",
        "Pooled log loss 0.300, never retrained 0.500", "servers: 13.4 s",
    ):  # fmt: skip
        assert expected in text, expected


def test_addresses_are_on_lines_of_their_own(summary: Summary) -> None:
    lines = [line.strip() for line in printed(summary, 80).splitlines()]
    assert "Prefect: http://127.0.0.1:4200" in lines
    assert "MLflow: http://127.0.0.1:5000" in lines


def test_addresses_that_are_gone_are_not_printed() -> None:
    assert "http" not in printed(Summary.of("generated", [window()]), 80)


def test_the_longest_ending_is_printed_whole() -> None:
    waiting = window(
        0,
        action="retrain",
        why="surely worse than promised",
        outcome="promoted",
        new_version="2",
        repaired="not_run",
        prediction_drifted=True,
        log_loss=0.347,
        promised=0.219,
        static_log_loss=0.347,
    )
    text = printed(Summary.of("generated", [waiting]), 80)
    for word in ("retrain:", "surely", "promised", "promoted", "v2,", "next", "window", "tells"):
        assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text), word
