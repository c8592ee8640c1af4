"""Replay of spooled rows: writes what ended processes left in the spool to the database."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain, islice

from ..storage.documents import AnyDocument
from .spool import Orphan, Spool

_log = logging.getLogger(__name__)
_SCAN_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
# Each keeps a lock open; more are found once these are written.
_MAX_ORPHANS = 16


class Replay:
    """The files of ended processes, one batch at a time.

    Args:
        spool: Where they are.
        batch_rows: Rows to a batch.
    """

    def __init__(self, spool: Spool, batch_rows: int) -> None:
        self._spool = spool
        self._batch_rows = batch_rows
        self._orphans: deque[Orphan] = deque()
        # Until when to pause, and when to look for what others left.
        self._next = self._look = time.monotonic()
        self.replayed = self.given_up = self.failures = 0

    def step(self, write: Callable[[Sequence[AnyDocument]], tuple[int, int]]) -> bool:
        """Write one batch, if there is one.

        Args:
            write: Writes rows and returns how many were new and how many were given up.

        Returns:
            Whether there may be more at once.

        Raises:
            Exception: If the rows cannot be read or written now; nothing is lost.
        """
        now = time.monotonic()
        if now < self._next:
            return False
        if now >= self._look:
            # Those that wait because something is wrong with them must not keep others from being found.
            found = list(islice(self._spool.orphans(), max(1, _MAX_ORPHANS - len(self._orphans))))
            self._orphans.extendleft(found)
            self._look = now + _SCAN_SECONDS
            if found:
                _log.warning(
                    "%d ended processes left rows in the spool %s: they are written now",
                    len(found),
                    self._spool.folder,
                )
        if not self._orphans:
            return False
        orphan = self._orphans[0]
        segment = orphan.segments[0]
        if not segment.memory:
            self.given_up += segment.load(self._batch_rows, self._spool.keep_refused)
        batch = list(islice(segment.memory, self._batch_rows))
        if batch:
            new, given_up = write(batch)
            self.replayed += new
            self.given_up += given_up
            self.failures = 0
            for _ in batch:
                segment.memory.popleft()
        if not (segment.memory or segment.has_unread):
            if segment.file is not None:
                segment.file.delete()
            orphan.segments.popleft()
            if not orphan.segments:
                self._orphans.popleft().remove()
                if not self._orphans:
                    self._look = now
        return True

    def postpone(self) -> None:
        """Pause after a failure, and go on with what another process left."""
        self.failures += 1
        self._next = time.monotonic() + _PAUSE_SECONDS
        # What was read of it is kept: rows that cannot be decoded are refused once.
        self._close_files()
        if self._orphans:
            self._orphans[0].segments.rotate(-1)
            self._orphans.rotate(-1)

    def release(self) -> None:
        """Leave the remaining files to another process."""
        self._close_files()
        while self._orphans:
            self._orphans.popleft().release()

    def _close_files(self) -> None:
        for segment in chain.from_iterable(orphan.segments for orphan in self._orphans):
            if segment.file is not None:
                with suppress(OSError):
                    segment.file.close()
