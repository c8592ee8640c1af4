"""Writes what processes that have ended left in the spool."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from ..storage.documents import AnyDocument
from .part import Part
from .spool import Orphan, Spool
from .spool_file import SpoolFile

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 10.0
_PAUSE_SECONDS = 1.0
# Each keeps a lock open; more are found once these are written.
_MOST_ORPHANS = 16


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
        self._part: Part | None = None
        self._next = time.monotonic()
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
        if time.monotonic() < self._next:
            return False
        if not self._orphans:
            self._orphans.extend(islice(self._spool.orphans(), _MOST_ORPHANS))
            if not self._orphans:
                self._next = time.monotonic() + _LOOK_SECONDS
                return False
            _log.warning(
                "%d ended processes left rows in the spool %s: they are written now",
                len(self._orphans),
                self._spool.folder,
            )
        orphan = self._orphans[0]
        if self._part is None:
            self._part = Part(SpoolFile(orphan.paths[0]), unread=None)
        part = self._part
        if not part.memory:
            self.given_up += part.fill(self._batch_rows, self._spool.refuse)
        batch = list(islice(part.memory, self._batch_rows))
        if batch:
            new, given_up = write(batch)
            self.replayed += new
            self.given_up += given_up
            self.failures = 0
            for _ in batch:
                part.memory.popleft()
        if not (part.memory or part.more):
            if part.file is not None:
                part.file.delete()
            orphan.paths.pop(0)
            self._part = None
            if not orphan.paths:
                self._orphans.popleft().remove()
        return True

    def postpone(self) -> None:
        """Pause after a failure, and go on with what another process left."""
        self.failures += 1
        self._next = time.monotonic() + _PAUSE_SECONDS
        self._close()
        self._orphans.rotate(-1)

    def leave(self) -> None:
        """Leave the rest to another process."""
        self._close()
        while self._orphans:
            self._orphans.popleft().release()

    def _close(self) -> None:
        if self._part is not None and self._part.file is not None:
            self._part.file.close()
        self._part = None
