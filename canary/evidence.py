"""Evidence of a canary: losses, failed answers and latencies of champion and challenger, by request.

The unit is the request: its rows were sent the same way together, and may depend on each other. A row
that answers no request stands for itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from ..core.settings import TaskType
from ..core.table_columns import SCORE_PREFIX
from ..metrics.bootstrap import Groups
from ..metrics.losses import Floats, row_losses
from ..monitoring.reference import PREDICTION
from ..monitoring.window_columns import known_labels, score_columns

Traffic = Literal["shadow", "canary"]


@dataclass(frozen=True)
class Evidence:
    """Predictions of champion and challenger over one period.

    Attributes:
        traffic: `shadow`: both predicted the same rows; `canary`: each its share of the requests.
        champion: The champion's losses where labels are known, by request.
        challenger: The challenger's; for `shadow` of the same rows.
        champion_rows: Predictions of the champion, labelled or not.
        challenger_rows: Predictions of the challenger, labelled or not.
        champion_unusable: Those that failed, or have no finite answer.
        challenger_unusable: Those that failed, or have no finite answer.
        champion_latency: Seconds a request, the slowest row counts, shape (requests,).
        challenger_latency: The challenger's.
        start: First moment of the period.
        end: Last prediction of the period, of either version.
    """

    traffic: Traffic
    champion: Groups
    challenger: Groups
    champion_rows: int
    challenger_rows: int
    champion_unusable: int
    challenger_unusable: int
    champion_latency: Floats
    challenger_latency: Floats
    start: datetime
    end: datetime

    @property
    def labelled(self) -> int:
        """Labelled requests of the one that has fewer."""
        return min(len(self.champion.rows), len(self.challenger.rows))

    @cached_property
    def digest(self) -> str:
        """Text that is the same for the same evidence."""
        found = hashlib.sha256(
            f"{self.traffic} {self.start.isoformat()} {self.end.isoformat()} {self.champion_rows} "
            f"{self.challenger_rows} {self.champion_unusable} {self.challenger_unusable}".encode()
        )
        for values in (
            *self.champion,
            *self.challenger,
            self.champion_latency,
            self.challenger_latency,
        ):
            found.update(f" {len(values)} ".encode() + np.ascontiguousarray(values).tobytes())
        return found.hexdigest()


def shadow_evidence(
    champion: pd.DataFrame,
    challenger: pd.DataFrame,
    *,
    task_type: TaskType,
    metric: str,
    start: datetime,
    end: datetime,
) -> Evidence:
    """Pair the predictions of champion and challenger that have the same id.

    Args:
        champion: The champion's rows of the prediction log, without features.
        challenger: The challenger's.
        task_type: Task type.
        metric: Name of a loss.
        start: First moment of the period.
        end: Last prediction of the period.

    Returns:
        Losses, answers and latencies of the rows that both predicted.
    """
    ids = pd.Index(champion["id"]).intersection(pd.Index(challenger["id"]), sort=False)
    ours, theirs = (rows.set_index("id").loc[ids].reset_index() for rows in (champion, challenger))
    # A label may have reached only one of the two by now.
    label = ours["label"].where(ours["label"].notna(), theirs["label"])
    labelled = (rows.assign(label=label) for rows in (ours, theirs))
    before, after = (_scored(rows, task_type=task_type, metric=metric) for rows in labelled)
    known = np.isfinite(before.losses) & np.isfinite(after.losses)
    requests = _requests(ours)
    champion_side, challenger_side = (
        _side(rows, scored, requests, known) for rows, scored in ((ours, before), (theirs, after))
    )
    return _evidence("shadow", champion_side, challenger_side, start=start, end=end)


def canary_evidence(
    champion: pd.DataFrame,
    challenger: pd.DataFrame,
    *,
    task_type: TaskType,
    metric: str,
    start: datetime,
    end: datetime,
) -> Evidence:
    """Put the requests that the champion answered beside those that the challenger did.

    Args:
        champion: The champion's rows of the prediction log, without features.
        challenger: The challenger's.
        task_type: Task type.
        metric: Name of a loss.
        start: First moment of the period.
        end: Last prediction of the period.

    Returns:
        Losses, answers and latencies of each.
    """
    before, after = (
        _scored(rows, task_type=task_type, metric=metric) for rows in (champion, challenger)
    )
    champion_side, challenger_side = (
        _side(rows, scored, _requests(rows), np.isfinite(scored.losses))
        for rows, scored in ((champion, before), (challenger, after))
    )
    return _evidence("canary", champion_side, challenger_side, start=start, end=end)


class _Side(NamedTuple):
    losses: Groups
    rows: int
    unusable: int
    latency: Floats


def _side(rows: pd.DataFrame, scored: _Scored, requests: np.ndarray, known: np.ndarray) -> _Side:
    losses = _grouped(requests[known], scored.losses[known])
    return _Side(losses, len(rows), scored.unusable, _latencies(requests, rows))


def _evidence(
    traffic: Traffic,
    champion: _Side,
    challenger: _Side,
    *,
    start: datetime,
    end: datetime,
) -> Evidence:
    return Evidence(
        traffic=traffic,
        champion=champion.losses,
        challenger=challenger.losses,
        champion_rows=champion.rows,
        challenger_rows=challenger.rows,
        champion_unusable=champion.unusable,
        challenger_unusable=challenger.unusable,
        champion_latency=champion.latency,
        challenger_latency=challenger.latency,
        start=start,
        end=end,
    )


class _Scored(NamedTuple):
    losses: Floats  # NaN where the label is unknown or the answer unusable
    unusable: int


def _scored(rows: pd.DataFrame, *, task_type: TaskType, metric: str) -> _Scored:
    classes: list[str] | None = None
    if task_type == "regression":
        answers = pd.to_numeric(rows[PREDICTION], errors="coerce").to_numpy(dtype=float)
        finite = np.isfinite(answers)
    else:
        # Columns of classes that only the other version knows are empty.
        used = [
            name for name in rows if str(name).startswith(SCORE_PREFIX) and rows[name].notna().any()
        ]
        classes = [str(name).removeprefix(SCORE_PREFIX) for name in used]
        found = score_columns(rows[used], classes)
        answers = rows[[found[name] for name in classes]].to_numpy(dtype=float)
        finite = np.asarray(np.isfinite(answers).all(axis=1)) & bool(classes)
    labels = known_labels(rows, classes)
    positions = labels.index.to_numpy(dtype=int)
    usable = finite[positions]
    losses = np.full(len(rows), np.nan)
    chosen = positions[usable]
    if len(chosen):
        losses[chosen] = row_losses(metric, labels.to_numpy()[usable], answers[chosen], classes)
    return _Scored(losses, int(len(rows) - finite.sum()))


def _requests(rows: pd.DataFrame) -> np.ndarray:
    """Return what each row is grouped by: its request, else itself."""
    asked = rows["request"]
    alone = "row " + rows["id"].astype(str)
    return ("request " + asked.astype(str)).where(asked.notna(), alone).to_numpy(dtype=object)


def _grouped(requests: np.ndarray, losses: Floats) -> Groups:
    sums = pd.Series(losses).groupby(requests, sort=False).agg(["sum", "count"])
    return Groups(sums["sum"].to_numpy(dtype=float), sums["count"].to_numpy(dtype=float))


def _latencies(requests: np.ndarray, rows: pd.DataFrame) -> Floats:
    seconds = pd.to_numeric(rows["latency_seconds"], errors="coerce").astype(float)
    known = np.isfinite(seconds.to_numpy())
    slowest = seconds[known].groupby(requests[known], sort=False).max()
    return np.asarray(slowest, dtype=np.float64)
