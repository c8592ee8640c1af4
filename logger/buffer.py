"""Rows that were accepted and are not in the database yet, in memory and on disk."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Literal

from ..core.errors import LogUnavailable
from ..storage.documents import AnyDocument
from .counters import Counters
from .segment import BATCH_BYTES, Part
from .spool import Spool
from .wake_up import Bell

_log = logging.getLogger(__name__)
SpoolWhen = Literal["always", "full"]
# How often somebody who waits for room looks whether there is some. Locks that a signal could leave
# taken would be quicker.
_LOOK_SECONDS = 0.005
# A caller in a tight loop would give the background thread its turn every 5 ms only, several times a batch.
_ROWS_PER_TURN = 16
_TURN_SECONDS = 1e-6
_MOST_LARGE = 4


class Buffer:
    """A queue of rows: callers put, one background thread takes, first in, first out.

    Args:
        spool: Where rows go on disk. None: nowhere.
        when: `always`: every row, before `put` returns; `full`: when memory has no room.
        rows: Rows in memory at most; one call's rows may be more.
        timeout_seconds: Longest wait for room, seconds.
        batch_rows: How many waiting rows wake the background thread.

    Attributes:
        logged: Rows that were accepted.
        settled: Rows that need no more work.
        wake: Set when there is work to do.
    """

    def __init__(
        self,
        spool: Spool | None,
        when: SpoolWhen,
        rows: int,
        timeout_seconds: float,
        batch_rows: int,
    ) -> None:
        self._spool, self._always = spool, when == "always"
        self._rows, self._timeout_seconds, self._batch_rows = rows, timeout_seconds, batch_rows
        self._lock = threading.Lock()
        self._live = Part(None if spool is None else spool.first)
        self._parts = deque([self._live])
        self._in_memory = self._bytes = self._waiting = self._number = 0
        self._closed = False
        self._given_up = self._spooled = self._dropped = 0
        self.logged = self.settled = 0
        self.wake = Bell()

    @property
    def pending(self) -> int:
        """Rows that need work."""
        # A row whose caller was interrupted by a signal is settled without having been logged.
        return max(0, self.logged - self.settled)

    @property
    def left(self) -> bool:
        """Whether there are rows, counted or not."""
        with self._lock:
            return any(part.memory or part.more for part in self._parts)

    def put(self, documents: Sequence[AnyDocument]) -> None:
        """Accept rows, all of them or none.

        Raises:
            LogUnavailable: If there was no room in time, or the logger is closed; nothing was kept.
        """
        problem = self._accept(documents)
        if problem is not None:
            self._wait_and_put(documents, problem)
        waiting = self.logged - self.settled
        if waiting >= self._batch_rows:
            self.wake.ring()
        if waiting >= 2 * self._batch_rows and self.logged % _ROWS_PER_TURN == 0:
            time.sleep(_TURN_SECONDS)

    def refuse(self, count: int) -> None:
        """Count rows that never came so far."""
        with self._lock:
            self._dropped += count

    def counters(
        self, *, replayed: int, new: int, others_given_up: int, last_error: str | None
    ) -> Counters:
        """Return what became of the rows, and of those of ended processes."""
        with self._lock:
            return Counters(
                logged=self.logged,
                written=self.settled - self._given_up,
                spooled=self._spooled,
                replayed=replayed,
                dropped=self._dropped + self._given_up + others_given_up,
                pending=self.pending,
                last_error=last_error,
                new=new,
            )

    def peek(self, batches: int = 1) -> list[AnyDocument]:
        """Return the first rows, at most so many batches; none when there are none. Background thread only.

        Raises:
            OSError: If they are on disk and cannot be read.
        """
        rows, limit_bytes = batches * self._batch_rows, min(batches, _MOST_LARGE) * BATCH_BYTES
        while True:
            batch: list[AnyDocument] = []
            with self._lock:
                last = self._live
                for last in self._parts:
                    batch += islice(last.memory, rows - len(batch))
                    if last.readable or len(batch) >= rows:
                        break
                full = len(batch) >= rows or not last.readable
            taken = 0
            for number, document in enumerate(batch, start=1):
                taken += len(document.body)
                if taken >= limit_bytes:
                    return batch[:number]
            if full:
                return batch
            if last is self._live:
                self._replace_live()
            try:
                self._fill(last, rows, limit_bytes)
            except OSError:
                # A row alone could not be told from a database that takes none.
                if len(batch) > 1:
                    return batch
                with self._lock:
                    # Those behind it may be readable.
                    self._parts.remove(last)
                    self._parts.append(last)
                raise

    def settle(self, count: int, given_up: int) -> None:
        """Forget the first rows: the database has them, or refuses some of them for good."""
        with self._lock:
            self._given_up += given_up
            self._in_memory -= count
            self.settled += count
            for part in self._parts:
                here = min(count, len(part.memory))
                for _ in range(here):
                    part.memory.popleft()
                part.unsaved = max(0, part.unsaved - here)
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
        self._spool.keep_refused()
        file = self._live.file
        if file is None or file.bytes >= (1 if self._waiting else self._spool.file_bytes):
            self._replace_live()
        for part in list(self._parts):
            if part is self._live:
                continue
            if not (part.memory or part.more):
                self._drop(part)
            elif part.file is not None and (failing or (part.more and part is not self._parts[0])):
                part.file.close()
        if self._live.file is None:
            self._replace_live()

    def refuse_more(self) -> None:
        """Accept no further rows."""
        with self._lock:
            self._closed = True

    def leave(self, last_error: str | None) -> None:
        """Put everything on disk that is not there yet, for the next process, and close the files.

        Args:
            last_error: Why rows are left.

        Raises:
            LogUnavailable: If there is no spool, or the disk does not take them; the rows are kept.
        """
        spool = self._spool
        with self._lock:
            if spool is None:
                waiting = sum(len(part.memory) for part in self._parts)
                if waiting:
                    raise LogUnavailable(
                        f"{waiting} predictions are in memory only: {last_error}; close again"
                    )
                return
            for part in self._parts:
                if part.unsaved:
                    self._save(spool, part)
            for part in self._parts:
                if part.file is not None and (part.memory or part.more):
                    part.file.close()
                elif part.file is not None:
                    part.file.delete()
            if self.pending:
                _log.warning(
                    "%d predictions stay in the spool %s for the next process: %s",
                    self.pending,
                    spool.folder,
                    last_error or "they could not be written in time",
                )

    def close_files(self) -> None:
        """Close the files, as they are."""
        with self._lock:
            for part in self._parts:
                if part.file is not None:
                    part.file.close()

    def _wait_and_put(self, documents: Sequence[AnyDocument], problem: str | None) -> None:
        deadline = time.monotonic() + self._timeout_seconds
        with self._lock:
            self._waiting += 1
        try:
            while not self._closed and (left := deadline - time.monotonic()) > 0:
                self.wake.ring()
                time.sleep(min(left, _LOOK_SECONDS))
                problem = self._accept(documents)
                if problem is None:
                    return
        finally:
            with self._lock:
                self._waiting -= 1
        self.refuse(len(documents))
        raise LogUnavailable(
            f"{problem}; {len(documents)} predictions of {documents[0].model} were not logged"
        )

    def _accept(self, documents: Sequence[AnyDocument]) -> str | None:
        """Keep and count rows, or say why not."""
        with self._lock:
            problem = self._keep(documents)
            if problem is None:
                self.logged += len(documents)
        return problem

    def _keep(self, documents: Sequence[AnyDocument]) -> str | None:
        """Keep rows, or say why not."""
        if self._closed:
            return "the logger is closed"
        live, count = self._live, len(documents)
        room = not live.more and (not self._in_memory or self._in_memory + count <= self._rows)
        saved = self._spool is not None and (self._always or not room)
        if self._spool is not None and saved:
            problem = self._to_disk(self._spool, live, documents)
            if problem is not None:
                return problem
            if room:
                live.read = self._number
        elif not room:
            return f"memory has no room, {self.logged - self.settled} rows waiting"
        if room:
            live.memory.extend(documents)
            self._in_memory += count
            if not saved:
                live.unsaved += count
        else:
            live.leave(documents)
        return None

    def _to_disk(self, spool: Spool, live: Part, documents: Sequence[AnyDocument]) -> str | None:
        file = live.file
        if file is None:
            return live.problem
        content = _joined(documents)
        if self._bytes and self._bytes + len(content) > spool.limit_bytes:
            waiting = self.logged - self.settled
            return f"the spool {spool.folder} has its {spool.limit_bytes} bytes, {waiting} rows waiting"
        try:
            self._number = file.append(content)
        except OSError as error:
            return _reason(spool, error)
        self._bytes += len(content)
        self._spooled += len(documents)
        return None

    def _save(self, spool: Spool, part: Part) -> None:
        try:
            file = part.file
            if file is None or part.damaged:
                # What follows damage is never read. The next process sets such a file aside.
                file = spool.create()
                lost = part.replace(file)
                self._given_up += lost
                self.settled += lost
            unsaved = [*islice(part.memory, part.unsaved)]
            file.append(_joined(unsaved))
        except OSError as error:
            raise LogUnavailable(
                f"{_reason(spool, error)}; {self.pending} predictions are in memory, close again"
            ) from error
        self._spooled += part.unsaved
        self._in_memory -= part.unsaved
        part.leave(unsaved)
        for _ in unsaved:
            part.memory.popleft()
        part.unsaved = 0

    def _fill(self, part: Part, count: int, limit_bytes: int) -> None:
        if self._spool is not None:
            before, file = len(part.memory), part.file
            given_up = part.fill(count, self._spool.refuse, limit_bytes)
            with self._lock:
                if file is not None and part.file is None:
                    self._bytes -= file.bytes
                self._in_memory += len(part.memory) - before
                self.settled += given_up
                self._given_up += given_up

    def _drop(self, part: Part) -> None:
        with self._lock:
            self._parts.remove(part)
            if part.file is not None:
                self._bytes -= part.file.bytes
        if part.file is not None:
            part.file.delete()

    def _replace_live(self) -> None:
        """Seal the file that callers append to, and give them another."""
        if self._spool is None:
            return
        file, problem = None, ""
        try:
            file = self._spool.create()
        except OSError as error:
            problem = _reason(self._spool, error)
        with self._lock:
            live = self._live
            # On a full disk, a file can only be replaced by being emptied and removed first.
            if live.file is not None and (file is not None or live.more or not live.memory):
                live = self._live = Part(file)
                self._parts.append(live)
            if live.file is None:
                live.file, live.problem = file, problem


def _joined(documents: Sequence[AnyDocument]) -> bytes:
    if len(documents) == 1:
        return documents[0].body
    return b"".join([document.body for document in documents])


def _reason(spool: Spool, error: OSError) -> str:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return f"the spool {spool.folder} took no row: {'disk full' if full else error.strerror}"
