"""The background thread that takes rows from the buffer and writes them to the database."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence

from bson.errors import BSONError

from ..core.errors import LogUnavailable, MLOpsError
from ..storage.documents import AnyDocument
from ..storage.interface import PredictionStore
from .buffer import Buffer
from .poison_rows import Sifting, Taken
from .replay import Replay
from .spool import Spool
from .wake_up import Bell

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_SECONDS = 10.0
_TRIES_BEFORE_SIFTING = 3
_MORE_BATCHES, _MORE_ROWS = 4, 2_000
# How often somebody who waits for rows to be written looks. Locks that a signal could leave taken would
# be quicker.
_LOOK_SECONDS = 0.001


class Writer:
    """Writes batches until it is stopped.

    Args:
        open_store: Opens the database.
        buffer: Where rows wait.
        spool: Where ended processes left theirs.
        batch_rows: Rows to a write.
        flush_seconds: Longest time a row waits for its batch, and before the second try, seconds.

    Attributes:
        last_error: Why the latest try failed; None once one succeeded.
        new: Rows of this process that were new to the database.
    """

    def __init__(
        self,
        open_store: Callable[[], PredictionStore],
        buffer: Buffer,
        spool: Spool | None,
        batch_rows: int,
        flush_seconds: float,
    ) -> None:
        self._open_store, self._store = open_store, None
        self._buffer, self._spool = buffer, spool
        self._replay = None if spool is None else Replay(spool, batch_rows)
        self._batch_rows, self._flush_seconds = batch_rows, flush_seconds
        self._taken = Taken()
        self._own, self._others = Sifting(self._taken), Sifting(self._taken)
        self._urgent = Bell()
        self._stopping = False
        self._deadline = math.inf
        self._tries = self._failed_try = self._failures = self._wanted = 0
        self.new = 0
        self.last_error: str | None = None
        self._thread = threading.Thread(target=self._run, name="prediction-logger", daemon=True)
        self._thread.start()

    @property
    def replayed(self) -> int:
        """Rows of ended processes that were new to the database."""
        return 0 if self._replay is None else self._replay.replayed

    @property
    def others_given_up(self) -> int:
        """Rows of ended processes that were given up."""
        return 0 if self._replay is None else self._replay.given_up

    def flush(self) -> None:
        """Wait until every row that was logged before is written.

        Raises:
            LogUnavailable: If a try that began after the call failed.
        """
        target, begun = self._buffer.logged, self._tries
        self._wanted = max(self._wanted, target)
        self._hurry()
        while self._buffer.settled < target:
            if self._failed_try > begun or self._stopping or not self._thread.is_alive():
                raise LogUnavailable(
                    f"{self._buffer.pending} predictions are not in the database yet: "
                    f"{self.last_error or 'the logger is closed'}"
                )
            time.sleep(_LOOK_SECONDS)

    def stop(self, timeout_seconds: float | None) -> None:
        """End the thread, and write what is left for as long as the database takes it.

        Args:
            timeout_seconds: Longest time to write, seconds; the try that runs then is finished. None:
                as long as it takes.
        """
        if timeout_seconds is not None:
            self._deadline = time.monotonic() + timeout_seconds
        self._stopping = True
        self._hurry()
        self._thread.join()
        while self._buffer.left and self._going_on():
            if self._try() is None:
                break

    def release(self) -> None:
        """Close the database and leave other processes' files."""
        if self._replay is not None:
            self._replay.leave()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _run(self) -> None:
        while not self._stopping:
            # Cleared first: whatever comes during the try gets another one.
            self._buffer.wake.silence()
            self._urgent.silence()
            more = self._try()
            if self._stopping:
                return
            if more is None:
                longest = min(
                    self._flush_seconds * 2 ** min(self._failures - 1, 16), _LONGEST_PAUSE_SECONDS
                )
                # While the database is away, a full batch is no reason to hurry.
                self._urgent.wait(longest)
            elif not more and self._buffer.settled >= self._wanted:
                self._buffer.wake.wait(min(self._flush_seconds, _LONGEST_PAUSE_SECONDS))

    def _hurry(self) -> None:
        self._urgent.ring()
        self._buffer.wake.ring()

    def _going_on(self) -> bool:
        return time.monotonic() < self._deadline

    def _try(self) -> bool | None:
        """Write one batch, and one of ended processes.

        Returns:
            Whether there is more to write at once; None when it failed.
        """
        self._tries += 1
        more = None
        try:
            more = self._write_own()
        except Exception as error:
            self._failures += 1
            self.last_error = _text(error)
            if self._failures == 1:
                _log.warning(
                    "%d predictions wait to be logged: %s", self._buffer.pending, self.last_error
                )
            # The database answers: others' rows show whether it takes any.
            if self._own.passes:
                self._write_others()
        else:
            self._failures, self.last_error = 0, None
            more = self._write_others() or more
        try:
            self._buffer.tidy(failing=more is None)
        except Exception as error:
            _log.warning("the spool could not be tidied: %s", _text(error))
        if more is None:
            self._failed_try = self._tries
        return more

    def _write_own(self) -> bool:
        if self._store is None:
            self._store = self._open_store()
        # Rows that the database has not seen show whether it takes any.
        most = max(_MORE_BATCHES, _MORE_ROWS // self._batch_rows)
        batch = self._buffer.peek(min(2 ** min(self._own.passes, 16), most))
        if batch:
            new, given_up = self._write(self._store, batch, self._own, self._failures)
            self.new += new
            self._buffer.settle(len(batch), given_up)
        return self._buffer.pending >= self._batch_rows

    def _write_others(self) -> bool:
        store, replay = self._store, self._replay
        if store is None or replay is None or self._stopping:
            return False
        try:
            return replay.step(
                lambda batch: self._write(store, batch, self._others, replay.failures)
            )
        except Exception as error:
            # What others left must not hold up this process's rows.
            replay.postpone()
            self.last_error = _text(error)
            if replay.failures == 1:
                _log.warning("rows of ended processes wait in the spool: %s", self.last_error)
            return False

    def _write(
        self,
        store: PredictionStore,
        batch: Sequence[AnyDocument],
        sifting: Sifting,
        failures: int,
    ) -> tuple[int, int]:
        """Write rows, and return how many were new and how many were given up."""
        try:
            return sifting.write(store, batch), 0
        except Exception as error:
            if failures + 1 < _TRIES_BEFORE_SIFTING:
                raise
            store.ping()
            before = self._taken.rows
            refused = sifting.sift(store, batch, error, self._going_on)
            self._refuse(refused)
            return self._taken.rows - before, len(refused)

    def _refuse(self, rows: Sequence[tuple[AnyDocument, Exception]]) -> None:
        if self._spool is not None:
            self._spool.refuse([(document.body, _text(error)) for document, error in rows])
        for document, error in rows:
            _log.error(
                "the database refuses prediction %s of %s, it was %s: %s",
                _name(document),
                document.model,
                "given up" if self._spool is None else f"put aside in {self._spool.folder}",
                _text(error),
            )


def _name(document: AnyDocument) -> str:
    try:
        return repr(document.id)
    except (BSONError, KeyError):  # What the database refuses may be no prediction at all.
        return "that cannot be decoded"


def _text(error: Exception) -> str:
    # Messages of other libraries may quote rows.
    known = isinstance(error, MLOpsError | sqlite3.Error | OSError)
    return str(error) if known else type(error).__name__
