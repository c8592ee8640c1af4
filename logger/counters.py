"""Counters of a prediction logger: rows logged, written, spooled, replayed, dropped and pending."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Counters:
    """What a `PredictionLogger` has done since it was made, in rows.

    `logged == written + pending + given up`, and whatever was given up is among the dropped.

    Attributes:
        logged: Accepted: `log` returned.
        written: Accepted, and confirmed by the database.
        spooled: Accepted, and put on disk.
        replayed: Left in the spool by a process that ended, written now, and new to the database. At
            least: what became of a batch whose answer was lost is unknown.
        dropped: Will never be in the database: refused by `log` with an exception, or given up
            because the database refuses that row for good.
        pending: Accepted, and not in the database yet.
        last_error: Why the latest try to write failed; None once one succeeded.
        new: Of those written, the ones that were not in the database before; at least, too.
    """

    logged: int
    written: int
    spooled: int
    replayed: int
    dropped: int
    pending: int
    last_error: str | None
    new: int = 0
