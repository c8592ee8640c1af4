"""Which rows of a holdout candidate and champion may be compared on, and why there may be none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import DataRejected
from ..core.results import Candidate, Gate, ModelVersion, Split

if TYPE_CHECKING:
    import pandas as pd

    from ..core.settings import Columns
    from ..data.training_cutoff import Cutoff


RECENCY = "recency"


class NotComparable(Exception):
    """Why candidate and champion cannot be compared: a verdict, not an error."""


def undecidable(reason: object) -> NotComparable:
    """Waiting does not help here: name the one command that does."""
    from ..models.predictor import REPLACE

    said = str(reason).rstrip(".")
    hint = "" if REPLACE in said else f". To replace the champion without a comparison: {REPLACE}"
    return NotComparable(said + hint)


def recency_gates(
    split: Split, candidate: Candidate, champion: Cutoff, *, refits: bool
) -> list[Gate]:
    """Return the gate that an older data cutoff never replaces a newer one; none without cutoffs."""
    from ..data.training_cutoff import Cutoff

    if refits and split.first_holdout_row is not None:
        # What will be served has seen the holdout too.
        seen = Cutoff(split.holdout.last, split.first_holdout_row + split.holdout.rows)
    else:
        seen = Cutoff(candidate.cutoff, candidate.cutoff_row)
    older = seen.is_older_than(champion)
    if older is None:
        return []
    reason = f"the champion was fitted on rows up to {champion}, the candidate up to {seen}" + (
        ": an older data cutoff never replaces a newer one" if older else ""
    )
    return [Gate(name=RECENCY, verdict="failed" if older else "passed", reason=reason)]


def compared_rows(
    split: Split,
    champion: ModelVersion,
    cutoff: Cutoff,
    *,
    columns: Columns,
    minimum_holdout_rows: int,
) -> pd.DataFrame:
    """Return the holdout rows that are later than anything the champion was fitted on.

    Raises:
        DataRejected: If a slice's column is missing.
        NotComparable: If they are too few, or it cannot be told which they are.
        WorkspaceUnavailable: If the rows cannot be read.
    """
    from ..data.snapshots import load_frame
    from ..data.training_cutoff import unseen_rows

    needed = minimum_holdout_rows
    holdout = load_frame(split.holdout)
    missing = [name for name in columns.slices if name not in holdout]
    if missing:
        raise DataRejected(
            f"columns.slices names {missing}, not among {list(holdout)}", column=missing[0]
        )
    try:
        unseen = unseen_rows(split, holdout, columns.timestamp, cutoff)
    except DataRejected as error:
        raise undecidable(error) from error
    rows = holdout[unseen].reset_index(drop=True)
    if len(rows) < needed:
        raise NotComparable(
            f"{len(rows)} of {len(holdout)} holdout rows are later than what champion version "
            f"{champion.version} was fitted on, {needed} are needed (gates.minimum_holdout_rows): "
            "wait for more rows"
        )
    return rows
