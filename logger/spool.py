"""The spool: a folder on disk in which logged predictions outlive the process that logged them."""

from __future__ import annotations

import hashlib
import logging
import random
import re
import sqlite3
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from ..core.errors import ConfigurationError
from .segment import Segment
from .spool_file import SpoolFile

if TYPE_CHECKING:
    from filelock import FileLock

_log = logging.getLogger(__name__)
_REFUSED = "refused.sqlite"
_MAX_REFUSED_BYTES = 64 * 2**20
# Another program may hold the file open to look at them.
_REFUSED_SECONDS = 0.2


class Spool:
    """One process's files among those of others that log to the same database.

    `<folder>/<database>/<process>-<number>.bson` hold rows. `<process>.lock` is locked for as long as
    the process lives: the kernel lets go of it however the process ends, and any process may write the
    files whose lock is free to the database. `refused.sqlite` keeps the rows that the database refuses.

    Args:
        folder: Where; made when missing. On a disk of this machine.
        target: Names the database, without credentials: rows never reach another one.
        limit_bytes: Bytes on disk at most, of this logger.

    Raises:
        ConfigurationError: If nothing can be written there.
    """

    def __init__(self, folder: str | Path, target: str, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        # A file is emptied as a whole: there must be several within the limit.
        self.file_bytes = min(4 * 2**20, limit_bytes // 4)
        self._name = uuid4().hex
        self._refused: list[tuple[bytes, str]] = []
        self._made = 0
        digest = hashlib.sha256(target.encode()).hexdigest()[:8]
        parent = Path(folder).resolve()
        self.folder = parent / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', target)[-80:]}-{digest}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._own_lock = _file_lock(self.folder / f"{self._name}.lock")
            self._own_lock.acquire()
            self.first_file = self.create_file()
        except OSError as error:
            raise ConfigurationError(
                f"the spool {self.folder} cannot be used ({error}): expected a folder that this process "
                "may write to, on a disk of this machine that is not full"
            ) from error
        # For information only: another user's folder is no reason to log nothing.
        with suppress(OSError):
            self._warn_of_others(parent)

    def create_file(self) -> SpoolFile:
        """Make the next file of this process.

        Raises:
            OSError: If it cannot be written.
        """
        self._made += 1
        file = SpoolFile(self.folder / f"{self._name}-{self._made:06d}.bson")
        file.open()
        return file

    def orphans(self) -> Iterator[Orphan]:
        """Yield what processes that have ended left, each locked for this process."""
        names = [*(_processes(self.folder) - {self._name})]
        # In another order each time: those that cannot be read must not come before all others.
        random.shuffle(names)
        for name in names:
            lock = _file_lock(self.folder / f"{name}.lock")
            if not _try_lock(lock):
                continue
            paths = sorted(self.folder.glob(f"{name}-*.bson"))
            if paths:
                yield Orphan([Segment(SpoolFile(path), unread=None) for path in paths], lock)
            else:
                _remove(lock)

    def keep_refused(self, rows: list[tuple[bytes, str]]) -> None:
        """Keep rows that the database refuses, and why; in memory for as long as the disk takes none."""
        self._refused += rows
        self.flush_refused()

    def flush_refused(self) -> None:
        """Put on disk what `keep_refused` could not."""
        if not self._refused:
            return
        try:
            self._insert(self._refused)
        except sqlite3.Error as error:
            # They are given up already. Held up here, the others would be lost for their sake.
            if sum(len(body) for body, _ in self._refused) > _MAX_REFUSED_BYTES:
                _log.error("%d refused rows are lost: %s", len(self._refused), error)
                self._refused = []
        else:
            self._refused = []

    def _insert(self, rows: list[tuple[bytes, str]]) -> None:
        connection = sqlite3.connect(self.folder / _REFUSED, timeout=_REFUSED_SECONDS)
        try:
            with connection:
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS refused (body BLOB NOT NULL, reason TEXT NOT NULL)"
                )
                connection.executemany("INSERT INTO refused VALUES (?, ?)", rows)
        finally:
            connection.close()

    def release(self) -> None:
        """Leave the files that there are to the next process."""
        self.flush_refused()
        if self._refused:
            _log.error("%d refused rows are lost: the disk took none", len(self._refused))
        if any(self.folder.glob(f"{self._name}-*.bson")):
            self._own_lock.release()
        else:
            _remove(self._own_lock)

    def _warn_of_others(self, parent: Path) -> None:
        """Warn when rows wait for a database that no process here logs to any more."""
        for other in parent.iterdir():
            if other == self.folder or not other.is_dir():
                continue
            names = _processes(other)
            if names and all(_is_free(other / f"{name}.lock") for name in names):
                _log.warning(
                    "rows wait in %s for another database, and no logger of it runs here: start one, "
                    "or, when only the database's address has changed, move the files into %s",
                    other,
                    self.folder,
                )


class Orphan:
    """What one ended process left."""

    def __init__(self, segments: list[Segment], lock: FileLock) -> None:
        self.segments = deque(segments)
        self._lock = lock

    def release(self) -> None:
        """Let go of what is left."""
        self._lock.release()

    def remove(self) -> None:
        """Remove the lock, when nothing is left."""
        _remove(self._lock)


def _processes(folder: Path) -> set[str]:
    return {path.name.rpartition("-")[0] for path in folder.glob("*-*.bson")}


def _remove(lock: FileLock) -> None:
    # Held while it goes: a process that opened it before finds it without a name, and tries a new one.
    with suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _is_free(path: Path) -> bool:
    lock = _file_lock(path)
    free = _try_lock(lock)
    if free:
        lock.release()
    return free


def _file_lock(path: Path) -> FileLock:
    from filelock import FileLock

    # A logger may be closed by another thread than the one that made it.
    return FileLock(path, timeout=0, thread_local=False)


def _try_lock(lock: FileLock) -> bool:
    """Take a lock, if it is free."""
    from filelock import Timeout

    try:
        lock.acquire()
    except Timeout:
        return False
    return True
