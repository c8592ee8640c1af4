"""Reads windows of the prediction log, once and for all: as snapshots."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..core.errors import LogUnavailable
from ..core.results import Window, WindowData
from ..monitoring.label_lag import shortest_lag
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.prediction_log import PredictionLog
    from ..blocks.stores import Stores
    from ..core.settings import PerformanceThresholds


@step(retry_on=LogUnavailable)
def read_window(window: Window | None = None, *, window_rows: int, stores: Stores) -> WindowData:
    """Read the champion's predictions of a window into an immutable snapshot.

    Labels that arrive later do not change what was read; reading again gives another snapshot.

    Args:
        window: Which predictions. None: the latest `monitoring.window_rows`.
        window_rows: Rows of a monitoring window.
        stores: Where the model's things are kept.

    Returns:
        The rows and what they cover: a window of the last N is `[first prediction, last prediction +
        1 microsecond)`. Without any prediction: zero rows, and the window as asked.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    from ..data.snapshots import save_snapshot

    asked = window or Window(last=window_rows)
    model = stores.registry.model_name
    with stores.predictions.get_client() as store:
        table = store.read(model, asked)
    snapshot = save_snapshot(
        stores.open_workspace(), table, f"predictions of {model}", timestamp="at"
    )
    covered = asked
    if asked.last is not None and snapshot.first and snapshot.last:
        covered = Window(start=snapshot.first, end=snapshot.last + timedelta(microseconds=1))
    labels = table.column("label")
    data = WindowData(
        snapshot=snapshot,
        window=covered,
        rows=table.num_rows,
        labelled=table.num_rows - labels.null_count,
        versions=dict(sorted(Counter(table.column("version").to_pylist()).items())),
    )
    run_logger().info("%s: %d predictions, %d labelled", covered.key, data.rows, data.labelled)
    return data


@step(retry_on=LogUnavailable)
def read_labelled_window(
    data: WindowData, *, thresholds: PerformanceThresholds, window_rows: int, stores: Stores
) -> WindowData:
    """Read the window to judge performance on: the newest whose labels are complete enough.

    Labels that come first are not like the others: a sale is known at once, that there is none only
    after weeks. So a window waits until `monitoring.performance.minimum_coverage` of its labels are
    there, and an earlier window of the same length is judged meanwhile.

    Args:
        data: The window that was asked for.
        thresholds: When the metric counts as worse than promised.
        window_rows: Rows of a monitoring window.
        stores: Where the model's things are kept.

    Returns:
        `data` itself when its labels are complete enough, or those of no earlier window are; else the
        earlier window.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    start, end = data.window.start, data.window.end
    needed = thresholds.minimum_coverage
    if not data.rows or start is None or end is None or data.labelled >= needed * data.rows:
        return data
    model, length = stores.registry.model_name, end - start

    def at(lag: timedelta) -> Window:
        return Window(start=start - lag, end=end - lag)

    def complete(lag: timedelta) -> bool | None:
        found = store.coverage(model, at(lag))
        if found.rows < thresholds.minimum_labels:
            return None
        return found.labelled >= max(needed * found.rows, thresholds.minimum_labels)

    with stores.predictions.get_client() as store:
        lag = shortest_lag(complete, length)
    if lag is None:
        run_logger().info("no window's labels are complete enough to judge performance")
        return data
    return read_window.fn(at(lag), stores=stores, window_rows=window_rows)


@step()
def prune_predictions(*, predictions: PredictionLog) -> int:
    """Delete the predictions that are older than the log's `retention_days`, by the machine's clock.

    Args:
        predictions: Where predictions are logged.

    Returns:
        How many there were; 0 without a retention.

    Raises:
        LogUnavailable: If the prediction log cannot be written.
    """
    days = predictions.retention_days
    if days is None:
        return 0
    with predictions.get_client() as store:
        deleted = store.prune(datetime.now(UTC) - timedelta(days=days))
    run_logger().info("%d predictions older than %g days deleted", deleted, days)
    return deleted
