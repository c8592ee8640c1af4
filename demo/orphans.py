"""Finds and ends the processes of a demo, also those that a killed demo left behind.

Every process that a demo starts, and all that these start, carry a random token in their environment. A
record in the demo's folder keeps the token, so that the next demo knows them again and ends nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from ..core.errors import WorkspaceUnavailable
from ..core.locks import hold

# Name of the environment variable that holds the token.
TOKEN = "PREFECT_MLOPS_DEMO_TOKEN"
_LONGEST_KILL_SECONDS = 10.0
_POLL_SECONDS = 0.05


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder for one demo at a time; the lock goes with the process, however it ends.

    Args:
        folder: The demo's folder; made if missing.

    Raises:
        WorkspaceUnavailable: If another demo holds it, or it cannot be written.
    """
    # Beside the lock, whose file every process that looks at it empties.
    holder = folder / "demo.pid"
    with hold(folder / "demo.lock", patience=0) as held:
        if not held:
            process = holder.read_text("utf-8") if holder.exists() else "unknown"
            raise WorkspaceUnavailable(
                f"another demo (process {process}) is running in {folder}: wait for it, stop it with "
                "Ctrl-C, or choose another folder"
            )
        holder.write_text(str(os.getpid()), "utf-8")
        yield


def write_record(path: Path, token: str) -> None:
    """Keep the token of a process that is started, so that a later demo can end it.

    Args:
        path: The record, JSON.
        token: Random value in the environment of the process and of those that it starts.
    """
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"token": token}), "utf-8")
    beside.replace(path)


def with_token(token: str) -> Iterator[psutil.Process]:
    """Yield the processes of this user that carry a token, but for this one."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                yield process


def kill_all(processes: Iterable[psutil.Process], token: str) -> list[int]:
    """Kill processes and whatever else carries their token, until nothing does; never this one.

    Args:
        processes: Processes to kill.
        token: Value of `TOKEN` in the environment of the others.

    Returns:
        Ids of the processes that were killed.
    """
    killed: set[int] = set()
    doomed = {process for process in processes if process.pid != os.getpid()}
    deadline = time.monotonic() + _LONGEST_KILL_SECONDS
    # Looked for again: one of them may have started another just before it was killed.
    while (doomed := doomed | set(with_token(token))) and time.monotonic() < deadline:
        for process in doomed:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
                killed.add(process.pid)
        psutil.wait_procs(doomed, timeout=_POLL_SECONDS)
        doomed = {process for process in doomed if _is_alive(process)}
    return sorted(killed)


def reap_orphans(folder: Path) -> list[int]:
    """End processes that an earlier demo in this folder left behind.

    Hold the folder's `lock` while calling.

    Args:
        folder: The demo's folder.

    Returns:
        Ids of the processes that were ended.
    """
    ended: set[int] = set()
    for path in sorted((folder / "processes").glob("*.json")):
        # Records appear whole, so a file that is none is not the demo's and stays.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            token = json.loads(path.read_text("utf-8"))["token"]
            if isinstance(token, str) and token:
                ended.update(kill_all([], token))
                path.unlink()
    return sorted(ended)


def _is_alive(process: psutil.Process) -> bool:
    # A killed process whose parent has not looked yet is a zombie.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False
