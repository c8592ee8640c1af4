"""Results of extraction, data validation and splitting."""

from __future__ import annotations

from typing import Literal

from .base import Gate, Result, UtcDatetime, Verdict, verdict_of


class Snapshot(Result):
    """An immutable Parquet file of extracted rows.

    Attributes:
        uri: Where the file is: a path or an fsspec URL.
        digest: SHA-256 of the file's bytes, 64 hexadecimal characters; also its name.
        rows: Number of rows.
        columns: Column name to Arrow type, in file order.
        source: What the rows were read from, without credentials.
        first: Earliest timestamp (UTC), None without a timestamp column.
        last: Latest timestamp (UTC): the data cutoff. None without a timestamp column.
    """

    uri: str
    digest: str
    rows: int
    columns: dict[str, str]
    source: str
    first: UtcDatetime | None = None
    last: UtcDatetime | None = None


class DataValidation(Result):
    """Whether the rows of a snapshot may be used.

    Attributes:
        snapshot: The rows to go on with: those of the input without the quarantined ones.
        gates: One a broken expectation, or one `passed` gate when none is broken.
        quarantined: Rows set aside, a Parquet snapshot, or None.
        suite_uri: The expectation suite that was used, JSON, for people to review and edit.
        docs_uri: The Data Docs page, HTML, or None.
        inferred: Whether the suite was inferred, not brought by the project.
    """

    snapshot: Snapshot
    gates: list[Gate]
    quarantined: Snapshot | None = None
    suite_uri: str
    docs_uri: str | None = None
    inferred: bool

    @property
    def verdict(self) -> Verdict:
        """The step's verdict."""
        return verdict_of(self.gates)


class Split(Result):
    """Rows to fit on and rows to decide on.

    Attributes:
        train: Rows to tune and fit on.
        holdout: Rows neither tuned nor fitted on; the only rows a promotion is decided on.
        method: `time` (the latest rows are held out) or `hash` (a stable share of all rows).
        boundary: First timestamp (UTC) of the holdout, None without a timestamp or for `hash`.
        first_holdout_row: Position of the holdout's first row in the whole snapshot, None for `hash`.
    """

    train: Snapshot
    holdout: Snapshot
    method: Literal["time", "hash"]
    boundary: UtcDatetime | None = None
    first_holdout_row: int | None = None
