"""Training cutoff of a model, and which rows are later than it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..core import tags
from ..core.errors import DataRejected
from ..core.results import as_utc

if TYPE_CHECKING:
    from ..core.results import ModelVersion, Split


@dataclass(frozen=True)
class Cutoff:
    """The end of what a model was fitted on.

    Attributes:
        moment: Latest timestamp (UTC), None without timestamps.
        row: Rows of the ordered history that it has seen, None without a time order.
    """

    moment: datetime | None = None
    row: int | None = None

    def is_older_than(self, other: Cutoff) -> bool | None:
        """Return whether this cutoff is before another; None when they have nothing in common."""
        if self.moment is not None and other.moment is not None:
            return self.moment < other.moment
        if self.row is not None and other.row is not None:
            return self.row < other.row
        return None

    def __str__(self) -> str:
        return self.moment.isoformat() if self.moment else f"row {self.row}"


def cutoff_of(version: ModelVersion) -> Cutoff:
    """Read the cutoff of a registered version from its tags.

    Raises:
        DataRejected: If a tag cannot be read.
    """
    moment, row = version.tags.get(tags.CUTOFF), version.tags.get(tags.CUTOFF_ROW)
    try:
        return Cutoff(
            moment=as_utc(datetime.fromisoformat(moment)) if moment else None,
            row=int(row) if row else None,
        )
    except ValueError as error:
        raise DataRejected(
            f"version {version.version} has a data cutoff that cannot be read: {error}. Mend its tags "
            f"{tags.CUTOFF} and {tags.CUTOFF_ROW}"
        ) from error


def unseen_rows(
    split: Split, holdout: pd.DataFrame, timestamp: str | None, cutoff: Cutoff
) -> np.ndarray:
    """Say which holdout rows a model with this cutoff was not fitted on.

    Args:
        split: How the rows were held out.
        holdout: The rows, in order.
        timestamp: Timestamp column, or None.
        cutoff: What the model has seen.

    Returns:
        Booleans, shape (rows,).

    Raises:
        DataRejected: If it cannot be told.
    """
    if split.method == "hash" and cutoff == Cutoff():
        # A row is on the same side in every snapshot: what is held out now was held out then.
        return np.ones(len(holdout), dtype=bool)
    if split.method == "time" and timestamp is not None and cutoff.moment is not None:
        return (pd.to_datetime(holdout[timestamp], utc=True) > cutoff.moment).to_numpy()
    if split.method == "time" and cutoff.row is not None and split.first_holdout_row is not None:
        return np.arange(len(holdout)) >= cutoff.row - split.first_holdout_row
    raise DataRejected(
        f"rows are held out by {split.method} now, and the champion's data cutoff is "
        f"{'unknown' if cutoff == Cutoff() else cutoff}: which of them it was fitted on cannot be told. "
        "Split as for the champion"
    )
