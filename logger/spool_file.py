"""One file of the spool: an append-only file of BSON rows, in the order in which they were logged.

It is what mongodump writes: BSON documents one after the other, which `bsondump` shows and `mongorestore`
loads. A transaction of an embedded database costs a caller ten times what this append does.
"""

from __future__ import annotations

import os
from pathlib import Path

# Of a document: its length, and the byte that ends it.
_LENGTH_BYTES, _MIN_BYTES = 4, 5
# MongoDB's documents have at most 16 MiB.
_MAX_BYTES = 16 * 2**20
_BYTES_PER_READ = 2**16


class DamagedFile(Exception):
    """What follows in a file is no document."""


class SpoolFile:
    """Encoded rows in a file that has one user at a time.

    Callers append until the file is sealed, and only then the background thread reads it, so that
    neither waits for the other. Rows are not deleted: the file is, when the database has them all.
    An append is handed to the kernel without a wait for the disk: rows outlive the process, not the
    power. Every method raises `OSError` when the file cannot be read or written.

    Args:
        path: The file; it is opened, and made when missing, once it is used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.bytes = 0
        self._descriptor: int | None = None

    def open(self) -> None:
        """Open the file, so that no caller waits for that later."""
        self._opened()

    def append(self, content: bytes) -> int:
        """Add documents, all of them or none.

        Returns:
            Where they end.
        """
        descriptor = self._opened()
        before = self.bytes
        try:
            written = os.write(descriptor, content)
            while written < len(content):
                written += os.write(descriptor, content[written:])
        except OSError:
            # Half a row would make what follows unreadable.
            os.ftruncate(descriptor, before)
            raise
        # Asked for, not added up: a signal may have ended an earlier call right here.
        self.bytes = os.lseek(descriptor, 0, os.SEEK_CUR)
        return self.bytes

    def read(self, begin: int) -> tuple[int, list[bytes]]:
        """Return the next rows from a place, and where they end; none at the end of the file.

        Raises:
            DamagedFile: If no row follows there.
        """
        content = self._content(begin, _BYTES_PER_READ)
        if len(content) >= _LENGTH_BYTES:
            content += self._content(begin + len(content), _size(content, 0) - len(content))
        bodies: list[bytes] = []
        place = 0
        while len(content) - place >= _LENGTH_BYTES:
            try:
                end = place + _size(content, place)
            except DamagedFile:
                # Said by the next call: the rows before are as they were.
                if bodies:
                    break
                raise
            if end > len(content):
                break
            bodies.append(content[place:end])
            place = end
        if content and not bodies:
            raise DamagedFile("it ends in the middle of a row")
        return begin + place, bodies

    def close(self) -> None:
        """Close the file until it is used again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def delete(self) -> None:
        """Remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)

    def set_aside(self) -> Path:
        """Rename a file that cannot be read, so that it is not tried again, and return its new name."""
        self.close()
        return self.path.rename(f"{self.path}.unreadable")

    def _content(self, begin: int, count: int) -> bytes:
        if count <= 0:
            return b""
        descriptor = self._opened()
        os.lseek(descriptor, begin, os.SEEK_SET)
        return os.read(descriptor, count)

    def _opened(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._descriptor = os.open(self.path, flags, 0o600)
        return self._descriptor


def _size(content: bytes, place: int) -> int:
    size = int.from_bytes(content[place : place + _LENGTH_BYTES], "little")
    if not _MIN_BYTES <= size <= _MAX_BYTES:
        raise DamagedFile(f"{size} is no document's length")
    return size
