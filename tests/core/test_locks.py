"""A lock is held by one process at a time, and leaves no file behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from prefect_mlops.core.errors import WorkspaceUnavailable
from prefect_mlops.core.locks import hold, identity, sweep

HOLD = """
import sys, time
from pathlib import Path
from prefect_mlops.core.locks import hold

with hold(Path(sys.argv[1])) as held:
    print(held, flush=True)
    time.sleep(60)
"""
# Whoever is inside marks it; whoever finds the mark of another was let in too early.
COUNT = """
import os, sys, time
from pathlib import Path
from prefect_mlops.core.locks import hold, sweep

folder, times = Path(sys.argv[1]), int(sys.argv[2])
inside, count = folder / "inside", folder / "count"
for _ in range(times):
    with hold(folder / "locks" / "a.lock", patience=60) as held:
        assert held
        os.close(os.open(inside, os.O_CREAT | os.O_EXCL))
        count.write_text(str(int(count.read_text()) + 1))
        inside.unlink()
    sweep(folder / "locks")
"""


def run(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_lock_that_is_let_go_leaves_no_file(tmp_path):
    for number in range(5):
        with hold(tmp_path / "locks" / f"{number}.lock") as held:
            assert held
            assert list((tmp_path / "locks").iterdir()) == [tmp_path / "locks" / f"{number}.lock"]
    assert list((tmp_path / "locks").iterdir()) == []


def test_an_error_inside_lets_it_go_too(tmp_path):
    with pytest.raises(KeyError), hold(tmp_path / "a.lock"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(300)
def test_never_two_processes_at_once_although_the_file_is_removed_each_time(tmp_path):
    (tmp_path / "count").write_text("0")
    processes = [run(COUNT, tmp_path, 200) for _ in range(4)]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    assert (tmp_path / "count").read_text() == "800"
    assert list((tmp_path / "locks").iterdir()) == []


def test_who_waits_gets_it_as_soon_as_its_holder_is_killed(tmp_path):
    path = tmp_path / "a.lock"
    with run(HOLD, path) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "True\n"
        started = time.monotonic()
        with hold(path, patience=0.3) as held:
            assert not held
        assert 0.3 <= time.monotonic() - started < 3
        sweep(tmp_path)
        assert path.exists()
        holder.send_signal(signal.SIGKILL)
    assert path.exists()
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_locks_is_told_from_others_and_stays_itself(tmp_path):
    first, other = identity(tmp_path / "first"), identity(tmp_path / "other")
    assert first != other
    assert identity(tmp_path / "first") == first
    assert [path.name for path in (tmp_path / "first").iterdir()] == ["identity"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(WorkspaceUnavailable, match="may be written"),
        hold(tmp_path / "file/a.lock"),
    ):
        pass
