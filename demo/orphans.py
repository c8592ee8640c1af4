"""What a demo leaves in its folder about its processes: a lock while it runs, and who to end after it.

| function | does |
| --- | --- |
| `lock` | refuses a second demo in the same folder while the first one runs |
| `write_record` | says who was started, so that they are known again later |
| `kill_all` | ends processes and everything they started |
| `reap_orphans` | ends what a killed demo left behind, and nothing else |
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from ..core.errors import WorkspaceUnavailable

# Every process of one start carries a random value under this name in its environment.
TOKEN = "PREFECT_MLOPS_DEMO_TOKEN"


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder for one demo at a time; the lock goes with the process, however it ends.

    Args:
        folder: The demo's folder; made if missing.

    Raises:
        WorkspaceUnavailable: If another demo holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "demo.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise WorkspaceUnavailable(
            f"cannot write the demo's folder {folder}: {error}. Choose a folder you may write"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            raise WorkspaceUnavailable(
                f"another demo (process {file.read().strip() or 'unknown'}) is running in {folder}: "
                "wait for it, stop it with Ctrl-C, or choose another folder"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def write_record(path: Path, token: str, processes: Iterable[psutil.Process]) -> None:
    """Write who was started, so that a later demo can know them again.

    Args:
        path: The record, JSON.
        token: Random value in the environment of every one of them.
        processes: The processes known so far.
    """
    entries = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            started, command = process.create_time(), process.cmdline()
            entries.append({"pid": process.pid, "started": started, "command": command})
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"token": token, "processes": entries}), "utf-8")
    beside.replace(path)


def kill_all(processes: Iterable[psutil.Process], token: str) -> list[int]:
    """Kill processes and whatever else carries their token, until nothing does; never this one.

    Args:
        processes: Processes to kill.
        token: Value of `TOKEN` in the environment of the others.

    Returns:
        Ids of the processes that were killed.
    """
    doomed = {process.pid: process for process in [*processes, *_with_token(token)]}
    doomed.pop(os.getpid(), None)
    killed: list[int] = []
    while doomed:
        for process in doomed.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        killed += doomed
        _, alive = psutil.wait_procs(doomed.values(), timeout=5)
        # Looked for again: one of them may have started another just before it was killed.
        new = {process.pid: process for process in _with_token(token)}
        doomed = {pid: process for pid, process in new.items() if process not in alive}
    return killed


def _with_token(token: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(TOKEN) == token:
                yield process


def _recorded(entries: list[dict[str, object]]) -> Iterator[psutil.Process]:
    for entry in entries:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(str(entry["pid"])))
            same_start = abs(process.create_time() - float(str(entry["started"]))) < 2.0
            if same_start and process.cmdline() == entry["command"]:
                yield process
                yield from process.children(recursive=True)


def reap_orphans(folder: Path) -> list[int]:
    """End processes that an earlier demo in this folder left behind.

    Only processes recorded in the folder are ended: same id, same start time and same command line,
    or the random token of the record in their environment. Hold the folder's `lock` while calling.

    Args:
        folder: The demo's folder.

    Returns:
        Ids of the processes that were ended.
    """
    ended: list[int] = []
    for path in sorted((folder / "processes").glob("*.json")):
        # Records appear whole, so a file that is none is somebody else's and stays.
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(path.read_text("utf-8"))
            ended += kill_all(_recorded(record["processes"]), str(record["token"]))
            path.unlink()
    return sorted(set(ended))
