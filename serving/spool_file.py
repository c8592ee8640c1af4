"""One file of the spool: rows in the order in which they were logged."""

from __future__ import annotations

import ctypes
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakSet

import bson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

# The write-ahead log first: without it, nothing can be mistaken for a spool of somebody else's.
_PARTS = ("-wal", "-journal", "-shm", "")
_ROWS_PER_READ = 50
_INSERT = "INSERT INTO rows (bodies) VALUES (?)"
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_open: WeakSet[SpoolFile] = WeakSet()


class SpoolFile:
    """Encoded rows in a SQLite file that has one user at a time.

    Callers append until the file is sealed, and only then the background thread reads it, so that
    neither waits for the other. Rows are not deleted: the file is, when the database has them all.
    A commit is a write without a wait for the disk: rows outlive the process, not the power.

    Every method raises `sqlite3.Error` when the file cannot be read or written.

    Args:
        path: The file; it is opened, and made when missing, once it is used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None
        _open.add(self)

    def open(self) -> None:
        """Open the file, so that nobody waits for that later."""
        self._opened()

    def append(self, bodies: Sequence[bytes]) -> int:
        """Add rows, all of them or none.

        Returns:
            Number of the last.
        """
        connection = self._opened()
        if len(bodies) == 1 and self._cursor is not None:
            number = self._cursor.execute(_INSERT, bodies).lastrowid
            self.bytes += len(bodies[0])
            return number or 0
        number = None
        with connection:
            connection.execute("BEGIN")
            for begin in range(0, len(bodies), _ROWS_PER_READ):
                # BSON documents tell their own length: several are as good as one.
                joined = b"".join(bodies[begin : begin + _ROWS_PER_READ])
                number = connection.execute(_INSERT, (joined,)).lastrowid
        self.bytes += sum(map(len, bodies))
        return number or 0

    def read(self, after: int) -> tuple[int, list[bytes]]:
        """Return the number of the last row that was read, and the next rows; none at the end."""
        # One row, in one step: each step gives up Python's lock, and a busy host may keep it for 5 ms.
        last, text = (
            self._opened()
            .execute(
                "SELECT max(number), group_concat(hex(bodies), '') FROM "
                "(SELECT number, bodies FROM rows WHERE number > ? ORDER BY number LIMIT ?)",
                (after, _ROWS_PER_READ),
            )
            .fetchone()
        )
        if last is None:
            return after, []
        return last, [
            bytes(document.raw) for document in bson.decode_all(bytes.fromhex(text), _RAW)
        ]

    def close(self) -> None:
        """Close the file until it is used again, and with it the log, several times the rows' size."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._cursor = None

    def delete(self) -> None:
        """Remove the file."""
        if self._connection is not None:
            # Closing writes everything a second time; nobody will read it.
            self._connection.execute("PRAGMA synchronous = OFF")
        for part in _PARTS:
            Path(f"{self.path}{part}").unlink(missing_ok=True)
        self.close()

    def set_aside(self) -> Path:
        """Rename a file that cannot be read, so that nobody tries again, and return its new name."""
        self.close()
        for part in _PARTS:
            found = Path(f"{self.path}{part}")
            if found.exists():
                found.rename(f"{self.path}.unreadable{part}")
        return Path(f"{self.path}.unreadable")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                # One connection needs no locks, and then no memory shared between processes.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                # A commit writes whole pages.
                connection.execute("PRAGMA page_size = 2048")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.execute("PRAGMA wal_autocheckpoint = 0")
                # Also the first write to the log, the only one that waits for the disk.
                connection.execute(
                    "CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, bodies BLOB NOT NULL)"
                )
            except sqlite3.Error:
                connection.close()
                raise
            self._connection, self._cursor = connection, connection.cursor()
        return self._connection

    def _forget_connection(self) -> None:
        if self._connection is not None:
            # Closing it would write the parent's log into the parent's file: it must never be freed.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._connection))
            self._connection = self._cursor = None


def _after_fork() -> None:
    for file in list(_open):
        file._forget_connection()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
