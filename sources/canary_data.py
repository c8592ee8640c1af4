"""Reads what champion and challenger predicted on live traffic over one period."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from ..core.results import ModelVersion, Window
from ..core.time_bounds import EARLIEST, LATEST

if TYPE_CHECKING:
    import pandas as pd

    from ..canary.evidence import Evidence
    from ..core.settings import CanarySettings, TaskType
    from ..storage.interface import PredictionStore
    from ..storage.predictions import Role


def first_moment(
    store: PredictionStore, champion: ModelVersion, challenger: ModelVersion
) -> datetime | None:
    """Return when both versions were first at work: the champion's first prediction beside a challenger's.

    Args:
        store: The prediction log.
        champion: Version that serves.
        challenger: Version that is judged.

    Returns:
        A moment (UTC), or None before there is one.

    Raises:
        LogUnavailable: If the log cannot be read.
    """
    begins = [_first_of(store, challenger, role, EARLIEST) for role in ("shadow", "challenger")]
    known = [begin for begin in begins if begin is not None]
    return _first_of(store, champion, "champion", min(known)) if known else None


def read_evidence(
    store: PredictionStore,
    champion: ModelVersion,
    challenger: ModelVersion,
    start: datetime,
    *,
    task_type: TaskType,
    metric: str,
    settings: CanarySettings,
) -> Evidence | None:
    """Read the predictions of both versions, and put them side by side.

    Args:
        store: The prediction log.
        champion: Version that serves; only its predictions count.
        challenger: Version that is judged; likewise.
        start: First moment to read.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        settings: When a challenger is promoted or withdrawn.

    Returns:
        The pairs of shadowed rows or the shares of a canary, whichever has more labels; None without
        predictions of both.

    Raises:
        LogUnavailable: If the log cannot be read.
    """
    from ..canary.evidence import canary_evidence, shadow_evidence

    most, found = settings.maximum_rows, []
    common = {"task_type": task_type, "metric": metric, "start": start}
    shadow = _read(store, challenger, "shadow", start, sample=most)
    if len(shadow.rows):
        ids = set(shadow.rows["id"])
        beside = _read(store, champion, "champion", start, ids=ids)
        last = _latest(shadow, beside)
        if len(beside.rows):
            found.append(shadow_evidence(beside.rows, shadow.rows, end=last, **common))
    canary = _read(store, challenger, "challenger", start, sample=most)
    if len(canary.rows):
        beside = _read(store, champion, "champion", start, sample=most)
        last = _latest(canary, beside)
        rows = _drawn(beside.rows, canary.rows)
        if len(rows):
            found.append(canary_evidence(rows, canary.rows, end=last, **common))
    return max(found, key=lambda each: (each.labelled, each.challenger_rows), default=None)


def _drawn(champion: pd.DataFrame, challenger: pd.DataFrame) -> pd.DataFrame:
    """Return the champion's rows that were drawn as the challenger's were, and lost to it."""
    # What it answered because the challenger had failed is the challenger's share.
    rows = champion[~champion["id"].isin(challenger["id"])]
    if challenger["request"].notna().all():
        # What no request asked for was never drawn: rows scored in batches, for example.
        rows = rows[rows["request"].notna()]
    return rows


class _Read(NamedTuple):
    rows: pd.DataFrame
    last: datetime | None


def _latest(*reads: _Read) -> datetime:
    return max(read.last for read in reads if read.last is not None)


def _first_of(
    store: PredictionStore, version: ModelVersion, role: Role, start: datetime
) -> datetime | None:
    parts = _parts(store, version, role, start)
    with closing(parts):
        return next((rows["at"].iloc[0].to_pydatetime() for rows in parts if len(rows)), None)


def _read(
    store: PredictionStore,
    version: ModelVersion,
    role: Role,
    start: datetime,
    *,
    sample: int | None = None,
    ids: set[str] | None = None,
) -> _Read:
    """Read a version's rows without features, those with some ids when they are given."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    last: datetime | None = None
    for rows in _parts(store, version, role, start, sample):
        if len(rows):
            last = rows["at"].iloc[-1].to_pydatetime()
        parts.append(rows if ids is None else rows[rows["id"].isin(ids)])
    filled = [rows for rows in parts if len(rows)]
    return _Read(pd.concat(filled, ignore_index=True) if filled else parts[0], last)


def _parts(
    store: PredictionStore,
    version: ModelVersion,
    role: Role,
    start: datetime,
    sample: int | None = None,
) -> Generator[pd.DataFrame]:
    window = Window(start=start, end=LATEST)
    for batch in store.batches(version.name, window, columns=[], role=role, sample=sample):
        rows = batch.to_pandas()
        yield rows[rows["version"] == version.version]
