"""Lets a study be run by one process at a time: two would run and end the same trials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import WorkspaceUnavailable
from ..core.locks import hold
from ..runs.run_logger import run_logger

# Of a study that takes longer than a day somebody will want to hear.
LONGEST_WAIT_SECONDS = 24 * 3_600.0


@contextmanager
def only_process(url: str) -> Iterator[None]:
    """Let no other process or thread run a study while this one does.

    The lock is the file `<database>.lock` beside it. The kernel frees it however its process dies.

    Args:
        url: SQLAlchemy URL of the database.

    Raises:
        WorkspaceUnavailable: If it is still run after a day, or the lock cannot be written.
    """
    path = url.removeprefix("sqlite:///")
    lock = Path(f"{path}.lock")
    with hold(lock, patience=0) as held:
        if held:
            yield
            return
    run_logger().info(
        "another run is at the study in %s: waiting for it, %g s at most",
        path,
        LONGEST_WAIT_SECONDS,
    )
    with hold(lock, patience=LONGEST_WAIT_SECONDS) as held:
        if not held:
            raise WorkspaceUnavailable(
                f"the study in {path} is still run by another process after {LONGEST_WAIT_SECONDS:g} s. Look for that "
                "one, and start this again when it has ended: what it finished is not repeated"
            )
        yield
