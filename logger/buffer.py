"""The buffer that callers put rows into: accepts them at once, with back-pressure while there is no room."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from ..core.errors import LogUnavailable
from ..storage.documents import AnyDocument
from .counters import Counters
from .segment_queue import SegmentQueue
from .wake_up import WakeUp

# How often a caller that waits for room looks whether there is some. Locks that a signal could leave
# taken would be quicker.
_POLL_SECONDS = 0.005
# A caller in a tight loop would give the background thread its turn every 5 ms only, several times a batch.
_ROWS_PER_TURN = 16
_TURN_SECONDS = 1e-6


class Buffer:
    """Puts rows into the queue, with back-pressure. Threads may share it.

    Args:
        queue: Where rows wait.
        wake: Set when there is work to do.
        timeout_seconds: Longest wait for room, seconds.
        batch_rows: How many waiting rows wake the background thread.
    """

    def __init__(
        self, queue: SegmentQueue, wake: WakeUp, timeout_seconds: float, batch_rows: int
    ) -> None:
        self._queue, self._wake = queue, wake
        self._timeout_seconds, self._batch_rows = timeout_seconds, batch_rows
        self._lock = threading.Lock()
        self._dropped = 0

    def put(self, documents: Sequence[AnyDocument]) -> None:
        """Accept rows, all of them or none.

        Raises:
            LogUnavailable: If there was no room in time, or the logger is closed; nothing was kept.
        """
        queue = self._queue
        problem = queue.accept(documents)
        if problem is not None:
            self._wait_and_put(documents, problem)
        waiting = queue.logged - queue.settled
        if waiting >= self._batch_rows:
            self._wake.set()
        if waiting >= 2 * self._batch_rows and queue.logged % _ROWS_PER_TURN == 0:
            time.sleep(_TURN_SECONDS)

    def count_dropped(self, count: int) -> None:
        """Count rows that could not be accepted."""
        with self._lock:
            self._dropped += count

    def counters(
        self, *, replayed: int, new: int, orphans_given_up: int, last_error: str | None
    ) -> Counters:
        """Return what became of the rows, and of those of ended processes."""
        counts = self._queue.counts()
        return Counters(
            logged=counts.logged,
            written=counts.written,
            spooled=counts.spooled,
            replayed=replayed,
            dropped=self._dropped + counts.given_up + orphans_given_up,
            pending=counts.pending,
            last_error=last_error,
            new=new,
        )

    def _wait_and_put(self, documents: Sequence[AnyDocument], problem: str | None) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        self._queue.count_waiting_callers(1)
        try:
            while not self._queue.closed and (left := deadline - time.monotonic()) > 0:
                self._wake.set()
                time.sleep(min(left, _POLL_SECONDS))
                problem = self._queue.accept(documents)
                if problem is None:
                    return
        finally:
            self._queue.count_waiting_callers(-1)
        self.count_dropped(len(documents))
        raise LogUnavailable(
            f"{problem}; {len(documents)} predictions of {documents[0].model} were not logged"
        )
