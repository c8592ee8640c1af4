"""The queue of rows that wait for the database: segments in memory and on disk, first in, first out."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from ..core.errors import LogUnavailable
from ..storage.documents import AnyDocument
from .segment import Segment
from .spool import Spool
from .spool_appender import SpoolAppender

_log = logging.getLogger(__name__)


class QueueCounts(NamedTuple):
    """What became of the rows of a queue, at one moment.

    Attributes:
        logged: Rows that were accepted.
        written: Rows that the database has.
        spooled: Rows that were put on disk.
        given_up: Rows that will never be in the database.
        pending: Rows that need work.
    """

    logged: int
    written: int
    spooled: int
    given_up: int
    pending: int


class SegmentQueue:
    """Callers append rows to the active segment, one background thread takes them from the first one.

    Args:
        spool: Where rows go on disk. None: nowhere.
        always: Whether every row goes on disk, or only those that memory has no room for.
        rows: Rows in memory at most; one call's rows may be more.

    Attributes:
        logged: Rows that were accepted.
        settled: Rows that need no more work: written, or given up.
    """

    def __init__(self, spool: Spool | None, *, always: bool, rows: int) -> None:
        self._spool, self._always, self._rows = spool, always, rows
        self._disk = None if spool is None else SpoolAppender(spool)
        self._lock = threading.Lock()
        self._active = Segment(None if spool is None else spool.first_file)
        self._segments = deque([self._active])
        self._in_memory = self._callers_waiting = 0
        self._closed = False
        self._given_up = self.logged = self.settled = 0

    @property
    def pending(self) -> int:
        """Rows that need work."""
        # A row whose caller was interrupted by a signal is settled without having been logged.
        return max(0, self.logged - self.settled)

    @property
    def has_rows(self) -> bool:
        """Whether there are rows, counted or not."""
        with self._lock:
            return any(segment.memory or segment.has_unread for segment in self._segments)

    @property
    def closed(self) -> bool:
        """Whether rows are refused from now on."""
        return self._closed

    def accept(self, documents: Sequence[AnyDocument]) -> str | None:
        """Keep and count rows, all of them or none, or say why not."""
        with self._lock:
            problem = self._keep(documents)
            if problem is None:
                self.logged += len(documents)
        return problem

    def count_waiting_callers(self, change: int) -> None:
        """Note that callers began or ceased to wait for room."""
        with self._lock:
            self._callers_waiting += change

    def counts(self) -> QueueCounts:
        """Return what became of the rows so far."""
        with self._lock:
            return QueueCounts(
                logged=self.logged,
                written=self.settled - self._given_up,
                spooled=0 if self._disk is None else self._disk.spooled,
                given_up=self._given_up,
                pending=self.pending,
            )

    def stop_accepting(self) -> None:
        """Accept no further rows."""
        with self._lock:
            self._closed = True

    def peek(self, rows: int, limit_bytes: int) -> list[AnyDocument]:
        """Return the first rows, none when there are none. Background thread only.

        Args:
            rows: How many at most.
            limit_bytes: How many bytes at most; one row may have more.

        Raises:
            OSError: If they are on disk and cannot be read.
        """
        while True:
            batch: list[AnyDocument] = []
            with self._lock:
                last = self._active
                for last in self._segments:
                    batch += islice(last.memory, rows - len(batch))
                    if last.can_load or len(batch) >= rows:
                        break
                full = len(batch) >= rows or not last.can_load
            size = 0
            for number, document in enumerate(batch, start=1):
                size += len(document.body)
                if size >= limit_bytes:
                    return batch[:number]
            if full:
                return batch
            if last is self._active:
                self._replace_active()
            try:
                self._load(last, rows, limit_bytes)
            except OSError:
                # A row alone could not be told from a database that takes none.
                if len(batch) > 1:
                    return batch
                with self._lock:
                    # Those behind it may be readable.
                    self._segments.remove(last)
                    self._segments.append(last)
                raise

    def settle(self, count: int, given_up: int) -> None:
        """Forget the first rows: the database has them, or refuses some of them for good."""
        with self._lock:
            self._given_up += given_up
            self._in_memory -= count
            self.settled += count
            for segment in self._segments:
                here = min(count, len(segment.memory))
                for _ in range(here):
                    segment.memory.popleft()
                segment.unsaved = max(0, segment.unsaved - here)
                count -= here
                if not count:
                    break
            # Rows whose caller a signal interrupted before it had counted them.
            self.logged = max(self.logged, self.settled)

    def tidy(self, *, failing: bool) -> None:
        """Make room on disk. Background thread only.

        Args:
            failing: Whether the database is away: rows stay, and had better take little space.

        Raises:
            OSError: If a file cannot be written.
        """
        if self._spool is None:
            return
        self._spool.flush_refused()
        file = self._active.file
        if file is None or file.bytes >= (1 if self._callers_waiting else self._spool.file_bytes):
            self._replace_active()
        for segment in list(self._segments):
            if segment is self._active:
                continue
            if not (segment.memory or segment.has_unread):
                self._drop(segment)
            elif segment.file is not None and (
                failing or (segment.has_unread and segment is not self._segments[0])
            ):
                segment.file.close()
        if self._active.file is None:
            self._replace_active()

    def save_to_spool(self, last_error: str | None) -> None:
        """Put everything on disk that is not there yet, for the next process, and close the files.

        Args:
            last_error: Why rows are left.

        Raises:
            LogUnavailable: If there is no spool, or the disk does not take them; the rows are kept.
        """
        with self._lock:
            if self._disk is None:
                waiting = sum(len(segment.memory) for segment in self._segments)
                if waiting:
                    raise LogUnavailable(
                        f"{waiting} predictions are in memory only: {last_error}; close again"
                    )
                return
            for segment in self._segments:
                if segment.unsaved:
                    self._save(self._disk, segment)
            for segment in self._segments:
                if segment.file is not None and (segment.memory or segment.has_unread):
                    segment.file.close()
                elif segment.file is not None:
                    segment.file.delete()
            if self.pending:
                _log.warning(
                    "%d predictions stay in the spool %s for the next process: %s",
                    self.pending,
                    self._disk.folder,
                    last_error or "they could not be written in time",
                )

    def close_files(self) -> None:
        """Close the files, as they are."""
        with self._lock:
            for segment in self._segments:
                if segment.file is not None:
                    segment.file.close()

    def _keep(self, documents: Sequence[AnyDocument]) -> str | None:
        """Keep rows, or say why not."""
        if self._closed:
            return "the logger is closed"
        active, count = self._active, len(documents)
        room = not active.has_unread and (
            not self._in_memory or self._in_memory + count <= self._rows
        )
        saved = self._disk is not None and (self._always or not room)
        if self._disk is not None and saved:
            problem = self._disk.append(active, documents, self.logged - self.settled)
            if problem is not None:
                return problem
            if room:
                active.loaded_to = self._disk.end
        elif not room:
            return f"memory has no room, {self.logged - self.settled} rows waiting"
        if room:
            active.memory.extend(documents)
            self._in_memory += count
            if not saved:
                active.unsaved += count
        else:
            active.leave_to_file(documents)
        return None

    def _save(self, disk: SpoolAppender, segment: Segment) -> None:
        lost = disk.replace_damaged(segment, self.pending)
        self._given_up += lost
        self.settled += lost
        unsaved = segment.unsaved
        disk.save_memory(segment, self.pending)
        self._in_memory -= unsaved

    def _load(self, segment: Segment, rows: int, limit_bytes: int) -> None:
        if self._spool is None or self._disk is None:
            return
        before, file = len(segment.memory), segment.file
        given_up = segment.load(rows, self._spool.keep_refused, limit_bytes)
        with self._lock:
            if file is not None and segment.file is None:
                self._disk.bytes -= file.bytes
            self._in_memory += len(segment.memory) - before
            self.settled += given_up
            self._given_up += given_up

    def _drop(self, segment: Segment) -> None:
        with self._lock:
            self._segments.remove(segment)
            if segment.file is not None and self._disk is not None:
                self._disk.bytes -= segment.file.bytes
        if segment.file is not None:
            segment.file.delete()

    def _replace_active(self) -> None:
        """Seal the file that callers append to, and give them another."""
        if self._disk is None:
            return
        file, problem = self._disk.open_file()
        with self._lock:
            active = self._active
            # On a full disk, a file can only be replaced by being emptied and removed first.
            if active.file is not None and (
                file is not None or active.has_unread or not active.memory
            ):
                active = self._active = Segment(file)
                self._segments.append(active)
            if active.file is None:
                active.file, active.problem = file, problem
