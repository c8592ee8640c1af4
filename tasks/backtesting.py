"""The steps of a backtest: what to replay, one training, one policy, and the report.

A policy's trainings are the same whoever asks for them, so they are kept by content in the workspace:
a second policy, or the same backtest again, costs only what is new.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING

from ..core.results import Gate, digest_of
from ..core.results.backtest import PolicyReplay, ReplayedStream
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..validation.row_gates import validate_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..backtest.candidates import Candidates
    from ..backtest.policies import Policy
    from ..core.results import Cause
    from ..core.settings import Setup
    from ..core.workspace import Workspace

_GUARD = threading.Lock()
_OPEN: dict[str, Candidates] = {}


@contextmanager
def opened(replayed: ReplayedStream, *, setup: Setup, workspace: Workspace) -> Iterator[Candidates]:
    """Keep a stream and its candidates in memory as long as the block runs.

    Threads of one process share them; another process, on a Dask worker, opens its own, and finds in
    the workspace what was trained elsewhere.

    Args:
        replayed: Which rows, and how they come.
        setup: How to train, gate and watch.
        workspace: Where trainings are kept.

    Raises:
        ConfigurationError: If the rows have no time order.
        DataRejected: If there are too few rows for one window.
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    key = _key_of(replayed, setup)
    try:
        yield _candidates(replayed, setup, workspace)
    finally:
        with _GUARD:
            _OPEN.pop(key, None)


def _key_of(replayed: ReplayedStream, setup: Setup) -> str:
    return digest_of({"setup": asdict(setup), "replayed": replayed})


def _candidates(replayed: ReplayedStream, setup: Setup, workspace: Workspace) -> Candidates:
    from ..backtest.candidates import Candidates
    from ..backtest.stream import Stream
    from ..data.snapshots import load_frame

    key = _key_of(replayed, setup)
    with _GUARD:
        if key not in _OPEN:
            stream = Stream(
                load_frame(replayed.snapshot),
                setup.columns,
                history_rows=replayed.history_rows,
                window_rows=setup.monitoring.window_rows,
                label_delay=timedelta(days=replayed.label_delay_days),
                window_length=timedelta(days=replayed.window_days),
            )
            _OPEN[key] = Candidates(stream, setup, workspace)
        return _OPEN[key]


@step("train on the first {rows} rows")
def train_candidate(
    replayed: ReplayedStream, rows: int, *, setup: Setup, workspace: Workspace
) -> str:
    """Train what a policy would get on the first rows of a stream, unless it is kept already.

    Args:
        replayed: The stream.
        rows: How many rows.
        setup: How to train, gate and watch.
        workspace: Where trainings are kept.

    Returns:
        Why these rows cannot be trained on; empty when they were.

    Raises:
        ConfigurationError: If no recipe can be found.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..core.errors import DataRejected

    try:
        found = _candidates(replayed, setup, workspace).train(rows)
    except DataRejected as error:
        run_logger().warning("the first %d rows cannot be trained on: %s", rows, error)
        return str(error)
    run_logger().info("trained on the first %d rows: %s", rows, found.recipe.estimator)
    return ""


@step("replay {policy.name}")
def replay_policy(
    replayed: ReplayedStream, policy: Policy, *, setup: Setup, workspace: Workspace
) -> PolicyReplay:
    """Replay a stream under one policy, with the rules that decide in production.

    Args:
        replayed: The stream.
        policy: When to retrain.
        setup: How to train, gate and watch.
        workspace: Where trainings are kept.

    Returns:
        What would have happened.

    Raises:
        ConfigurationError: If the policy changes the length of windows.
        DataRejected: If the first model cannot be trained.
        WorkspaceUnavailable: If the workspace cannot be read or written.
    """
    from ..backtest.replay import Replay

    candidates = _candidates(replayed, setup, workspace)
    stream = candidates.stream

    def validate(known: int, rows: int, cause: Cause | None) -> list[Gate]:
        return validate_rows(
            stream.frame.iloc[:rows],
            stream.frame.iloc[:known],
            cause,
            columns=setup.columns,
            task_type=setup.task_type,
            settings=setup.data,
            project_name=setup.name,
        )

    found = Replay(stream, setup, candidates, policy, validate).run()
    run_logger().info(
        "%s: %s %.4g, %d retrainings, %d promoted",
        policy.name,
        setup.metric,
        found.value,
        found.retrainings,
        found.promotions,
    )
    return found
