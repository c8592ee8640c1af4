"""The background writer: a thread that takes rows from the buffer and writes them to the database."""

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
from .poison_rows import InsertedRows, PoisonRowFilter
from .replay import Replay
from .segment import BATCH_BYTES
from .segment_queue import SegmentQueue
from .spool import Spool
from .wake_up import WakeUp

_log = logging.getLogger(__name__)
_MAX_PAUSE_SECONDS = 10.0
_TRIES_BEFORE_ISOLATING = 3
_MORE_BATCHES, _MORE_ROWS = 4, 2_000
_MAX_LARGE_BATCHES = 4
# How often a caller that waits for rows to be written looks. Locks that a signal could leave taken would
# be quicker.
_POLL_SECONDS = 0.001


class Writer:
    """Writes batches until it is stopped.

    Args:
        open_store: Opens the database.
        queue: Where rows wait.
        wake: Set by callers when there is work to do.
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
        queue: SegmentQueue,
        wake: WakeUp,
        spool: Spool | None,
        *,
        batch_rows: int,
        flush_seconds: float,
    ) -> None:
        self._open_store, self._store = open_store, None
        self._queue, self._wake, self._spool = queue, wake, spool
        self._replay = None if spool is None else Replay(spool, batch_rows)
        self._batch_rows, self._flush_seconds = batch_rows, flush_seconds
        self._inserted = InsertedRows()
        self._own_filter, self._orphan_filter = (
            PoisonRowFilter(self._inserted),
            PoisonRowFilter(self._inserted),
        )
        self._urgent = WakeUp()
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
    def orphans_given_up(self) -> int:
        """Rows of ended processes that were given up."""
        return 0 if self._replay is None else self._replay.given_up

    def flush(self) -> None:
        """Wait until every row that was logged before is written.

        Raises:
            LogUnavailable: If a try that began after the call failed.
        """
        target, begun = self._queue.logged, self._tries
        self._wanted = max(self._wanted, target)
        self._wake_thread()
        while self._queue.settled < target:
            if self._failed_try > begun or self._stopping or not self._thread.is_alive():
                raise LogUnavailable(
                    f"{self._queue.pending} predictions are not in the database yet: "
                    f"{self.last_error or 'the logger is closed'}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, timeout_seconds: float | None) -> None:
        """End the thread, and write what is left for as long as the database takes it.

        Args:
            timeout_seconds: Longest time to write, seconds; the try that runs then is finished. None:
                as long as it takes.
        """
        if timeout_seconds is not None:
            self._deadline = time.monotonic() + timeout_seconds
        self._stopping = True
        self._wake_thread()
        self._thread.join()
        while self._queue.has_rows and self._time_left():
            if self._try() is None:
                break

    def release(self) -> None:
        """Close the database, and release the files of ended processes."""
        if self._replay is not None:
            self._replay.release()
        if self._store is not None:
            self._store.close()
            self._store = None

    def _run(self) -> None:
        while not self._stopping:
            # Cleared first: whatever comes during the try gets another one.
            self._wake.clear()
            self._urgent.clear()
            more = self._try()
            if self._stopping:
                return
            if more is None:
                longest = min(
                    self._flush_seconds * 2 ** min(self._failures - 1, 16), _MAX_PAUSE_SECONDS
                )
                # While the database is away, a full batch is no reason to hurry.
                self._urgent.wait(longest)
            elif not more and self._queue.settled >= self._wanted:
                self._wake.wait(min(self._flush_seconds, _MAX_PAUSE_SECONDS))

    def _wake_thread(self) -> None:
        self._urgent.set()
        self._wake.set()

    def _time_left(self) -> bool:
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
                    "%d predictions wait to be logged: %s", self._queue.pending, self.last_error
                )
            # The database answers: others' rows show whether it takes any.
            if self._own_filter.passes:
                self._write_orphans()
        else:
            self._failures, self.last_error = 0, None
            more = self._write_orphans() or more
        try:
            self._queue.tidy(failing=more is None)
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
        batches = min(2 ** min(self._own_filter.passes, 16), most)
        batch = self._queue.peek(
            batches * self._batch_rows, min(batches, _MAX_LARGE_BATCHES) * BATCH_BYTES
        )
        if batch:
            new, given_up = self._write(self._store, batch, self._own_filter, self._failures)
            self.new += new
            self._queue.settle(len(batch), given_up)
        return self._queue.pending >= self._batch_rows

    def _write_orphans(self) -> bool:
        store, replay = self._store, self._replay
        if store is None or replay is None or self._stopping:
            return False
        try:
            return replay.step(
                lambda batch: self._write(store, batch, self._orphan_filter, replay.failures)
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
        row_filter: PoisonRowFilter,
        failures: int,
    ) -> tuple[int, int]:
        """Write rows, and return how many were new and how many were given up."""
        try:
            return row_filter.write(store, batch), 0
        except Exception as error:
            if failures + 1 < _TRIES_BEFORE_ISOLATING:
                raise
            store.ping()
            before = self._inserted.count
            refused = row_filter.isolate(store, batch, error, self._time_left)
            self._refuse(refused)
            return self._inserted.count - before, len(refused)

    def _refuse(self, rows: Sequence[tuple[AnyDocument, Exception]]) -> None:
        if self._spool is not None:
            self._spool.keep_refused([(document.body, _text(error)) for document, error in rows])
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
