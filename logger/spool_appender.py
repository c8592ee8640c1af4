"""Appends waiting rows to the files of the spool, within the number of bytes that it may take on disk."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from ..core.errors import LogUnavailable
from ..storage.documents import AnyDocument
from .segment import Segment
from .spool import Spool
from .spool_file import SpoolFile


class SpoolAppender:
    """Writes rows to one process's files. Not safe to use from several threads: the queue's lock is.

    Args:
        spool: Where the files are.

    Attributes:
        bytes: Bytes on disk.
        spooled: Rows that were put on disk.
        end: Where the latest append ended in its file.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self.bytes = self.spooled = self.end = 0

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._spool.folder

    def append(
        self, segment: Segment, documents: Sequence[AnyDocument], waiting: int
    ) -> str | None:
        """Append rows to a segment's file, all of them or none.

        Args:
            segment: The active one.
            documents: Rows.
            waiting: How many rows wait, for the message.

        Returns:
            Why they are not on disk; None when they are.
        """
        file = segment.file
        if file is None:
            return segment.problem
        content = _joined(documents)
        if self.bytes and self.bytes + len(content) > self._spool.limit_bytes:
            return f"the spool {self.folder} has its {self._spool.limit_bytes} bytes, {waiting} rows waiting"
        try:
            self.end = file.append(content)
        except OSError as error:
            return self._reason(error)
        self.bytes += len(content)
        self.spooled += len(documents)
        return None

    def replace_damaged(self, segment: Segment, pending: int) -> int:
        """Give a segment another file, unless rows can be appended to the one that it has.

        Args:
            segment: Any segment.
            pending: How many rows wait, for the message.

        Returns:
            How many rows were lost, which only a damaged file had.

        Raises:
            LogUnavailable: If the disk takes no file.
        """
        # What follows damage is never read. The next process sets such a file aside.
        if segment.file is not None and not segment.damaged:
            return 0
        try:
            return segment.replace(self._spool.create_file())
        except OSError as error:
            raise self._full(error, pending) from error

    def save_memory(self, segment: Segment, pending: int) -> None:
        """Append the rows of a segment that are in memory alone, and leave them to its file.

        Args:
            segment: One with a file.
            pending: How many rows wait, for the message.

        Raises:
            LogUnavailable: If the disk does not take them; they stay in memory.
        """
        unsaved = [*islice(segment.memory, segment.unsaved)]
        if segment.file is None or not unsaved:
            return
        try:
            segment.file.append(_joined(unsaved))
        except OSError as error:
            raise self._full(error, pending) from error
        self.spooled += len(unsaved)
        segment.leave_to_file(unsaved)
        for _ in unsaved:
            segment.memory.popleft()
        segment.unsaved = 0

    def open_file(self) -> tuple[SpoolFile | None, str]:
        """Return a new file, or None and why there is none."""
        try:
            return self._spool.create_file(), ""
        except OSError as error:
            return None, self._reason(error)

    def _full(self, error: OSError, pending: int) -> LogUnavailable:
        return LogUnavailable(
            f"{self._reason(error)}; {pending} predictions are in memory, close again"
        )

    def _reason(self, error: OSError) -> str:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return f"the spool {self.folder} took no row: {'disk full' if full else error.strerror}"


def _joined(documents: Sequence[AnyDocument]) -> bytes:
    if len(documents) == 1:
        return documents[0].body
    return b"".join([document.body for document in documents])
