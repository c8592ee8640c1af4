"""The steps of a backtest: what to replay, one training, one policy, and the report.

A policy's trainings are the same whoever asks for them, so they are kept by content in the workspace:
a second policy, or the same backtest again, costs only what is new.
"""

from __future__ import annotations

import base64
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect import task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE

from ..core.results import Gate, digest_of
from ..core.results.backtest import Backtest, PolicyReplay, ReplayedStream
from ..runs.artifacts import artifact_key
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..backtest.candidates import Candidates
    from ..backtest.policies import Policy
    from ..backtest.stream import Setup, Stream
    from ..blocks.project import MLProject
    from ..core.results import Cause

_GUARD = threading.Lock()
_OPEN: dict[str, Candidates] = {}


def setup_of(project: MLProject) -> Setup:
    """Return what of a project decides how a stream goes."""
    from ..backtest.stream import Setup

    return Setup(
        name=project.name,
        task=project.task,
        metric=project.metric,
        columns=project.dataset.columns,
        data=project.data,
        training=project.training,
        gates=project.gates,
        monitoring=project.monitoring,
        refits=project.refits,
    )


@contextmanager
def opened(project: MLProject, replayed: ReplayedStream) -> Iterator[Candidates]:
    """Keep a stream and its candidates in memory as long as the block runs.

    Threads of one process share them; another process, on a Dask worker, opens its own, and finds in
    the workspace what was trained elsewhere.

    Args:
        project: The project.
        replayed: Which rows, and how they come.

    Raises:
        ConfigurationError: If the rows have no time order.
        DataRejected: If there are too few rows for one window.
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    key = _key_of(project, replayed)
    try:
        yield _candidates(project, replayed)
    finally:
        with _GUARD:
            _OPEN.pop(key, None)


def _key_of(project: MLProject, replayed: ReplayedStream) -> str:
    return digest_of({"project": project.training_digest(), "replayed": replayed})


def _candidates(project: MLProject, replayed: ReplayedStream) -> Candidates:
    from ..backtest.candidates import Candidates
    from ..backtest.stream import Stream
    from ..data.snapshots import load_frame

    key = _key_of(project, replayed)
    with _GUARD:
        if key not in _OPEN:
            stream = Stream(
                load_frame(replayed.snapshot),
                project.dataset.columns,
                history_rows=replayed.history_rows,
                window_rows=project.monitoring.window_rows,
                label_delay=timedelta(days=replayed.label_delay_days),
                window_length=timedelta(days=replayed.window_days),
            )
            _OPEN[key] = Candidates(stream, setup_of(project), project.open_workspace())
        return _OPEN[key]


@task(
    name="train on a stream",
    task_run_name="train on the first {rows} rows",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def train_candidate(project: MLProject, replayed: ReplayedStream, rows: int) -> str:
    """Train what a policy would get on the first rows of a stream, unless it is kept already.

    Args:
        project: The project.
        replayed: The stream.
        rows: How many rows.

    Returns:
        Why these rows cannot be trained on; empty when they were.

    Raises:
        ConfigurationError: If no recipe can be found.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..core.errors import DataRejected

    try:
        found = _candidates(project, replayed).train(rows)
    except DataRejected as error:
        run_logger().warning("the first %d rows cannot be trained on: %s", rows, error)
        return str(error)
    run_logger().info("trained on the first %d rows: %s", rows, found.recipe.estimator)
    return ""


@task(
    name="replay policy",
    task_run_name="replay {policy.name}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def replay_policy(project: MLProject, replayed: ReplayedStream, policy: Policy) -> PolicyReplay:
    """Replay a stream under one policy, with the rules that decide in production.

    Args:
        project: The project.
        replayed: The stream.
        policy: When to retrain.

    Returns:
        What would have happened.

    Raises:
        ConfigurationError: If the policy changes the length of windows.
        DataRejected: If the first model cannot be trained.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..backtest.replay import Replay

    candidates = _candidates(project, replayed)
    stream = candidates.stream

    def validate(known: int, rows: int, cause: Cause | None) -> list[Gate]:
        return broken_rows(project, stream, known, rows, cause)

    found = Replay(stream, setup_of(project), candidates, policy, validate).run()
    run_logger().info(
        "%s: %s %.4g, %d retrainings, %d promoted",
        policy.name,
        project.metric,
        found.value,
        found.retrainings,
        found.promotions,
    )
    return found


def broken_rows(
    project: MLProject, stream: Stream, known: int, rows: int, cause: Cause | None
) -> list[Gate]:
    """Return the gates of data validation for the first rows of a stream.

    Args:
        project: The project.
        stream: The rows.
        known: Rows that the champion was trained on.
        rows: Rows that are to be trained on.
        cause: Why, or None.
    """
    from .data_validation import validate_rows

    return validate_rows(project, stream.frame.iloc[:rows], stream.frame.iloc[:known], cause)


def report_backtest(project: MLProject, result: Backtest) -> Backtest:
    """Keep a backtest in the workspace, and show it as an artifact.

    Args:
        project: The project.
        result: The backtest.

    Returns:
        The same, with the URIs of its summary and its plot.

    Raises:
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    from ..backtest.plot import draw_backtest

    workspace = project.open_workspace()
    plot = draw_backtest(result)
    folder = f"backtests/{project.name}/{digest_of(result)[:16]}"
    result = result.model_copy(
        update={
            "plot_uri": workspace.write_bytes(f"{folder}/plot.png", plot),
            "summary_uri": workspace.uri(f"{folder}/summary.json"),
        }
    )
    workspace.write_bytes(f"{folder}/summary.json", result.model_dump_json(indent=2).encode())
    image = "data:image/png;base64," + base64.b64encode(plot).decode()
    text = "\n".join(
        [
            f"# {project.name}: {result.recommended}",
            "",
            result.recommendation,
            "",
            *markdown_table(result),
            "",
            f"![Backtest]({image})",
        ]
    )
    create_markdown_artifact(
        text,
        key=artifact_key("backtest", project.name),
        description=f"Backtest of {project.name}: {len(result.replays)} policies",
    )
    return result


def table_rows(result: Backtest) -> list[dict[str, Any]]:
    """Return a backtest as rows of a table, best first.

    Args:
        result: The backtest.

    Returns:
        Policy, metric, its ratio to the best, how many retrainings were asked for and promoted, and in
        how many windows the model was surely worse than promised; the cost where the user said what
        errors and retrainings cost.
    """
    best = min(replay.value for replay in result.replays)
    costs = {cost.name: cost.total for cost in result.costs}
    rows = []
    for replay in sorted(result.replays, key=lambda replay: replay.value):
        row = {
            "policy": replay.name,
            result.metric: f"{replay.value:.4g}",
            "to best": f"{replay.value / best:.3f}" if best else "",
            "retrained": str(replay.retrainings),
            "promoted": str(replay.promotions),
            "worse": str(sum(window.worse for window in replay.windows)),
        }
        if costs:
            row["cost"] = f"{costs[replay.name]:,.6g}"
        rows.append(row)
    return rows


def markdown_table(result: Backtest) -> list[str]:
    """Return `table_rows` as lines of Markdown."""
    rows = table_rows(result)
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    for row in rows:
        cells = [
            f"**{cell}**" if row["policy"] == result.recommended else cell for cell in row.values()
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
