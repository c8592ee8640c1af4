"""Which rows of a holdout candidate and champion may be compared on, and why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import DataRejected
from ..core.results import Gate, Split

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ..core.settings import Columns
    from ..data.training_cutoff import Cutoff
    from ..metrics.sampling import Sampling


RECENCY = "recency"


class NotComparable(Exception):
    """Why candidate and champion cannot be compared: a verdict, not an error."""


def undecidable(reason: object, *, named: bool = False) -> NotComparable:
    """Waiting does not help here: name the one command that does.

    Args:
        reason: Why they cannot be compared.
        named: Whether somebody named the champion: they can name another.
    """
    from ..models.predictor import REPLACE

    said = str(reason).rstrip(".")
    hint = (
        ""
        if named or REPLACE in said
        else f". To replace the champion without a comparison: {REPLACE}"
    )
    return NotComparable(said + hint)


def recency_gates(seen: Cutoff, champion: Cutoff) -> list[Gate]:
    """Return the gate that an older data cutoff never replaces a newer one; none without cutoffs."""
    older = seen.is_older_than(champion)
    if older is None:
        return []
    reason = f"the champion was fitted on rows up to {champion}, the candidate up to {seen}" + (
        ": an older data cutoff never replaces a newer one" if older else ""
    )
    return [Gate(name=RECENCY, verdict="failed" if older else "passed", reason=reason)]


def seen_when_served(
    rows: Split | pd.DataFrame, candidate: Cutoff, columns: Columns, *, refits: bool
) -> Cutoff:
    """Return the end of what will be served was fitted on.

    Args:
        rows: What is compared on.
        candidate: The end of what the candidate was fitted on.
        columns: What each column is for.
        refits: Whether the served model is fitted on all rows, the compared ones too.
    """
    import pandas as pd

    from ..data.timestamps import parse_timestamps
    from ..data.training_cutoff import Cutoff

    if not refits:
        return candidate
    if isinstance(rows, Split):
        if rows.first_holdout_row is None:
            return candidate
        return Cutoff(rows.holdout.last, rows.first_holdout_row + rows.holdout.rows)
    if columns.timestamp is None or columns.timestamp not in rows:
        return candidate
    latest = parse_timestamps(rows[columns.timestamp]).max()
    return candidate if pd.isna(latest) else Cutoff(latest.to_pydatetime())


def compared_rows(
    rows: Split | pd.DataFrame,
    fitted: Mapping[str, Cutoff],
    *,
    columns: Columns,
    minimum_holdout_rows: int,
) -> pd.DataFrame:
    """Return the rows that are later than anything the compared models were fitted on.

    Args:
        rows: A split, whose holdout is meant, or rows of which it is said that nobody was fitted on them.
        fitted: What each model is called to the end of what it was fitted on.
        columns: What each column is for.
        minimum_holdout_rows: Rows that a decision needs at least.

    Raises:
        DataRejected: If a slice's column is missing, or the timestamp that must tell.
        NotComparable: If they are too few, or it cannot be told which they are.
        WorkspaceUnavailable: If the rows cannot be read.
    """
    from ..data.row_weights import counting_rows
    from ..data.snapshots import load_frame
    from ..data.training_cutoff import unseen_rows

    frame = load_frame(rows.holdout) if isinstance(rows, Split) else rows
    missing = [name for name in columns.slices if name not in frame]
    if missing:
        raise DataRejected(
            f"columns.slices names {missing}, not among {list(frame)}", column=missing[0]
        )
    unseen, told = np.ones(len(frame), dtype=bool), []
    for name, cutoff in fitted.items():
        if isinstance(rows, Split):
            try:
                new = unseen_rows(rows, frame, columns.timestamp, cutoff)
            except DataRejected as error:
                raise undecidable(error) from error
        else:
            new = later_rows(frame, columns, cutoff)
        unseen &= new
        told += [] if new.all() else [name]
    found = counting_rows(frame[unseen], columns).reset_index(drop=True)
    if len(found) < minimum_holdout_rows:
        of = "holdout rows" if isinstance(rows, Split) else "rows"
        which = f" {of} are later than what {' and '.join(told or fitted)} was fitted on,"
        raise NotComparable(
            f"{len(found)} of {len(frame)}{which} {minimum_holdout_rows} are needed "
            "(gates.minimum_holdout_rows): wait for more rows"
        )
    return found


def sampling_of(rows: pd.DataFrame, columns: Columns) -> Sampling:
    """Return what the compared rows count, and which of them belong together.

    Raises:
        DataRejected: If a weight or group is missing or none.
        NotComparable: If there are too few groups.
    """
    from ..data.row_weights import FEWEST_GROUPS, groups_of, weights_of
    from ..metrics.sampling import Sampling

    found = Sampling(weights_of(rows, columns), groups_of(rows, columns))
    counting = found.counting(len(rows))
    if found.weights is not None and counting < FEWEST_GROUPS:
        raise NotComparable(
            f"{counting} of {len(rows)} rows count anything by {columns.weight!r}, {FEWEST_GROUPS} are needed "
            "to tell chance from a difference: wait for more rows"
        )
    if found.clusters is not None and found.clusters < FEWEST_GROUPS:
        raise NotComparable(
            f"{len(rows)} rows are of {found.clusters} groups of {columns.group!r}, {FEWEST_GROUPS} are "
            "needed to tell chance from a difference: wait for rows of more groups"
        )
    return found


def later_rows(frame: pd.DataFrame, columns: Columns, cutoff: Cutoff) -> np.ndarray:
    """Say which rows are later than a cutoff: all, where it has no moment or the rows have no timestamp.

    Raises:
        DataRejected: If the timestamp is missing.
    """
    from ..data.timestamps import parse_timestamps

    if cutoff.moment is None or columns.timestamp is None:
        # Whose rows these are told that nobody was fitted on them.
        return np.ones(len(frame), dtype=bool)
    if columns.timestamp not in frame:
        raise DataRejected(
            f"columns.timestamp names {columns.timestamp!r}, not among {list(frame)}: it tells which rows "
            "are later than what the models were fitted on",
            column=columns.timestamp,
        )
    return (parse_timestamps(frame[columns.timestamp]) > cutoff.moment).to_numpy()
