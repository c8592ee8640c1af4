"""Reads windows of the prediction log, once and for all: as snapshots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.errors import LogUnavailable, ModelUnavailable
from ..core.results import ModelVersion, Window, WindowData
from ..core.tags import PROFILE_URI
from ..runs.run_logger import retry_on, run_logger

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..blocks.prediction_log import PredictionLog
    from ..blocks.stores import Stores
    from ..core.settings import PerformanceThresholds
    from ..monitoring.reference import Reference


# From an eighth of a window to more than a hundred of them.
_MOST_DOUBLINGS = 12


@task(
    name="read window",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=1,
    retry_delay_seconds=5,
    retry_condition_fn=retry_on(LogUnavailable),
)
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


@task(
    name="read labelled window",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=1,
    retry_delay_seconds=5,
    retry_condition_fn=retry_on(LogUnavailable),
)
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
    policy = thresholds
    start, end = data.window.start, data.window.end
    needed = policy.minimum_coverage
    if not data.rows or start is None or end is None or data.labelled >= needed * data.rows:
        return data
    model, length = stores.registry.model_name, end - start

    def at(lag: timedelta) -> Window:
        return Window(start=start - lag, end=end - lag)

    def complete(lag: timedelta) -> bool | None:
        found = store.coverage(model, at(lag))
        if found.rows < policy.minimum_labels:
            return None
        return found.labelled >= max(needed * found.rows, policy.minimum_labels)

    with stores.predictions.get_client() as store:
        lag = shortest_lag(complete, length)
    if lag is None:
        run_logger().info("no window's labels are complete enough to judge performance")
        return data
    return read_window.fn(at(lag), stores=stores, window_rows=window_rows)


def shortest_lag(
    complete: Callable[[timedelta], bool | None], length: timedelta
) -> timedelta | None:
    """Return about the shortest lag at which labels are complete.

    Args:
        complete: Says of a lag whether the labels of a window that much earlier are complete; None when
            too little was predicted then: before the log begins, or in a gap of it.
        length: Length of the window.

    Returns:
        The lag, at most an eighth of itself, or of the length, too long; None when there is none. One
        that only lags within less than an eighth of the length have may be missed.

    Example:
        >>> hour = timedelta(hours=1)
        >>> shortest_lag(lambda lag: lag >= 5 * hour, hour) / hour
        5.0
    """
    short, empty = timedelta(0), None
    before = short
    for power in range(_MOST_DOUBLINGS):
        lag = length * 2**power / 8
        found = complete(lag)
        if found:
            return _bisected(complete, before, lag, length)
        before = lag
        if found is None:
            empty = empty or lag
        else:
            short, empty = lag, None
    # The log may go back far enough for a complete window, and not for the next doubling.
    while empty is not None and empty - short > length / 8:
        middle = (short + empty) / 2
        found = complete(middle)
        if found:
            return _bisected(complete, short, middle, length)
        short, empty = (short, middle) if found is None else (middle, empty)
    return None


def _bisected(
    complete: Callable[[timedelta], bool | None],
    short: timedelta,
    long: timedelta,
    length: timedelta,
) -> timedelta:
    while long - short > max(length, long) / 8:
        middle = (short + long) / 2
        short, long = (short, middle) if complete(middle) else (middle, long)
    return long


@task(name="delete old predictions", cache_policy=NO_CACHE, persist_result=False)
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


def load_window(data: WindowData) -> pd.DataFrame:
    """Return the rows of a window, laid out as in the prediction log.

    Raises:
        WorkspaceUnavailable: If the snapshot cannot be read.
    """
    from ..data.snapshots import load_frame

    return load_frame(data.snapshot)


def reference_of(registry: ModelRegistry, version: ModelVersion) -> Reference:
    """Return the reference stored with a version.

    Raises:
        ModelUnavailable: If it has none, or it does not load.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from ..models.predictor import REPLACE
    from ..monitoring.stored_reference import fetch_reference

    uri = version.tags.get(PROFILE_URI)
    if not uri:
        raise ModelUnavailable(
            f"{version.name} version {version.version} has no tag {PROFILE_URI}: it was not registered "
            f"by the training flow. To replace it as the champion: {REPLACE}"
        )
    return fetch_reference(uri, tracking_uri=registry.tracking_uri.get_secret_value())
