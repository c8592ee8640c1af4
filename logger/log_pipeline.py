"""The logging pipeline: brings encoded rows to the database through buffer, spool and background writer."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from pathlib import Path
from threading import RLock

from ..core.errors import ConfigurationError, LogUnavailable
from ..storage.documents import AnyDocument
from ..storage.open import StoreOpener
from ..storage.uris import public_name
from .buffer import Buffer
from .counters import Counters
from .logger_settings import LoggerSettings
from .segment_queue import SegmentQueue
from .spool import Spool
from .wake_up import WakeUp
from .writer import Writer


class LogPipeline:
    """Takes rows, writes them in the background, and accounts for every one of them.

    It is closed when the program ends. A forked process must make its own: this one's belongs to the
    process that made it.

    Args:
        settings: Where rows go, and what waits for how long.

    Raises:
        ConfigurationError: If the URI or an option cannot be used, or the spool cannot be written.
    """

    def __init__(self, settings: LoggerSettings) -> None:
        self._settings = settings
        self._process = os.getpid()
        self._closed = False
        self._closing = RLock()
        uri, collection = settings.uri, settings.collection
        self._opener = StoreOpener(uri, collection, settings.timeout_seconds, settings.options)
        try:
            target = f"{_database_of(uri)} {collection}"
            self._spool = (
                None
                if settings.spool is None
                else Spool(settings.spool, target, settings.spool_bytes)
            )
        except ConfigurationError:
            self._opener.close()
            raise
        wake = WakeUp()
        self._queue = SegmentQueue(
            self._spool, always=settings.spool_when == "always", rows=settings.buffer_rows
        )
        self._buffer = Buffer(self._queue, wake, settings.room_seconds, settings.batch_rows)
        self._writer = Writer(
            self._opener.open,
            self._queue,
            wake,
            self._spool,
            batch_rows=settings.batch_rows,
            flush_seconds=settings.flush_seconds,
        )
        atexit.register(self.close)

    @property
    def pending(self) -> int:
        """Rows that were accepted and are not in the database yet."""
        return self._queue.pending

    def counters(self) -> Counters:
        """Return what was done so far."""
        return self._buffer.counters(
            replayed=self._writer.replayed,
            new=self._writer.new,
            orphans_given_up=self._writer.orphans_given_up,
            last_error=self._writer.last_error,
        )

    def put(self, documents: Sequence[AnyDocument]) -> None:
        """Accept rows, all of them or none.

        Raises:
            LogUnavailable: If there was no room in time, or it is closed; nothing was kept.
        """
        self._buffer.put(documents)

    def count_dropped(self, count: int) -> None:
        """Count rows that could not be encoded."""
        self._buffer.count_dropped(count)

    def check_process(self) -> None:
        """Raise `LogUnavailable` in any process but the one that made it."""
        if os.getpid() != self._process:
            raise LogUnavailable(
                f"the logger of {self._settings.model} was made in process {self._process}, and this is "
                f"{os.getpid()}, forked from it: make a logger after the fork"
            )

    def flush(self) -> None:
        """Wait until every row put before this call is in the database. See `Writer.flush`."""
        self.check_process()
        if not self._closed:
            self._writer.flush()

    def close(self) -> None:
        """Write the waiting rows and stop. See `PredictionLogger.close`."""
        # A forked process leaves rows, thread and files to the one that made the logger.
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._closed:
                return
            self._queue.stop_accepting()
            self._writer.stop(None if self._spool is None else self._settings.timeout_seconds)
            self._queue.save_to_spool(self._writer.last_error)
            self._release()

    def abandon(self) -> None:
        """Stop without writing what waits in memory."""
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._closed:
                return
            self._queue.stop_accepting()
            self._writer.stop(0.0)
            self._queue.close_files()
            self._release()

    def _release(self) -> None:
        self._writer.release()
        self._opener.close()
        if self._spool is not None:
            self._spool.release()
        self._closed = True
        atexit.unregister(self.close)


def _database_of(uri: str) -> str:
    """Return which database a URI is of, the same for every user and working folder."""
    if uri.startswith("sqlite"):
        return str(Path(uri.removeprefix("sqlite:///")).resolve())
    return f"{uri.partition('://')[0]}://{public_name(uri)}"
