"""Locks between processes: a file each, held while its process lives and removed when it is released.

The kernel frees a lock however its process dies; the file of a process that was killed stays, and
`sweep` removes it. A file is removed by the process that holds it: one that had opened it before finds,
once it gets the lock, that the file has no name any more, and tries again with a new one (filelock
looks at the number of links). Locks work between all processes that see the folder: of one machine,
of containers with one volume, and of machines with one network file system that has locks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from .errors import WorkspaceUnavailable

# Longer than another process looks at a lock only to see whether it is free.
_PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.02
FOR_EVER = -1.0


@contextmanager
def hold(path: Path, *, patience: float = _PATIENCE_SECONDS) -> Iterator[bool]:
    """Hold a lock inside the `with`, if it is free.

    Args:
        path: The lock's file; its folder is made.
        patience: How long to wait for it, seconds; `FOR_EVER` without an end.

    Yields:
        Whether it is held.

    Raises:
        WorkspaceUnavailable: If the file cannot be made.

    Example:
        >>> import tempfile
        >>> with hold(Path(tempfile.mkdtemp()) / "a.lock") as held:
        ...     held
        True
    """
    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=patience, poll_interval=_POLL_SECONDS)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise WorkspaceUnavailable(
            f"cannot write {path}: {error}. Check that the workspace exists, has room and may be written "
            "by this process"
        ) from error
    try:
        yield True
    finally:
        # Before it is let go: afterwards the file may be another process's lock. Where an open file
        # cannot be removed, filelock does it.
        with suppress(OSError):
            path.unlink()
        lock.release()


def sweep(folder: Path) -> None:
    """Remove the lock files in a folder that no process holds."""
    for path in folder.glob("*.lock"):
        with hold(path, patience=0):
            pass


def identity(folder: Path) -> str:
    """Return a text that stands for a folder of locks: who reads the same one sees the same locks.

    Raises:
        WorkspaceUnavailable: If the folder cannot be read or written.
    """
    path = folder / "identity"
    with hold(folder / "identity.lock"):
        try:
            found = path.read_text(encoding="utf-8").strip() if path.exists() else ""
            if not found:
                found = uuid.uuid4().hex
                path.write_text(found, encoding="utf-8")
        except OSError as error:
            raise WorkspaceUnavailable(
                f"cannot read or write {path}: {error}. Check that the workspace exists, has room and may "
                "be written by this process"
            ) from error
    return found
