"""Finished steps are kept whole, under the parameters they belong to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Snapshot
from prefect_mlops.core.workspace import Workspace

SNAPSHOT = Snapshot(uri="rows.parquet", digest="d", rows=3, columns={"x": "double"}, source="test")
HOLD = """
import sys, time
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.workspace import Workspace

with Checkpoints(Workspace(sys.argv[1]), sys.argv[2]).exclusive():
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def workspace(tmp_path):
    return Workspace(str(tmp_path / "workspace"))


@pytest.fixture
def key(request, tmp_path):
    """A key of this test alone."""
    return f"{os.getpid()}-{abs(hash(str(tmp_path)))}"


def test_a_saved_step_is_loaded_as_it_was_and_an_unsaved_one_is_not_there(workspace, key):
    checkpoints = Checkpoints(workspace, key)
    assert checkpoints.load("extract", Snapshot) is None
    checkpoints.save("extract", SNAPSHOT)
    assert Checkpoints(workspace, key).load("extract", Snapshot) == SNAPSHOT
    assert checkpoints.load("split", Snapshot) is None


def test_other_parameters_find_nothing(workspace, key):
    Checkpoints(workspace, key).save("extract", SNAPSHOT)
    assert Checkpoints(workspace, f"other-{key}").load("extract", Snapshot) is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"uri": "of another version"}', b"\xff\xfe"])
def test_a_file_that_cannot_be_read_counts_as_not_there(workspace, key, content):
    workspace.write_bytes(f"attempts/{key}/extract.json", content)
    assert Checkpoints(workspace, key).load("extract", Snapshot) is None


def test_cleared_steps_are_gone_and_those_of_other_attempts_stay(workspace, key):
    mine, other = Checkpoints(workspace, key), Checkpoints(workspace, f"other-{key}")
    mine.clear()
    mine.save("extract", SNAPSHOT)
    other.save("extract", SNAPSHOT)
    mine.clear()
    assert mine.load("extract", Snapshot) is None
    assert other.load("extract", Snapshot) == SNAPSHOT


def test_an_attempt_is_held_by_one_process_until_it_dies_however_it_dies(workspace, key):
    command = [sys.executable, "-c", HOLD, workspace.root, key]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        checkpoints = Checkpoints(workspace, key)
        with pytest.raises(ConfigurationError, match="another process"), checkpoints.exclusive():
            pass
        with Checkpoints(workspace, f"other-{key}").exclusive():
            pass
        holder.send_signal(signal.SIGKILL)
    with checkpoints.exclusive():
        pass


def locks(workspace: Workspace) -> list[str]:
    return sorted(path.name for path in workspace.local_folder("locks").glob("*.lock"))


def test_fifty_attempts_leave_no_lock_behind_here_or_among_temporary_files(
    workspace, key, tmp_path, monkeypatch
):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    for number in range(50):
        with Checkpoints(workspace, f"{key}-{number}").exclusive():
            assert len(locks(workspace)) == 1
    assert locks(workspace) == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_remote_workspace_is_locked_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    remote = Workspace("memory://bucket/calls")
    with Checkpoints(remote, "key").exclusive():
        (lock,) = tmp_path.rglob("*.lock")
        assert lock.is_relative_to(tmp_path / "prefect-mlops")
    assert list(tmp_path.rglob("*.lock")) == []


def test_an_attempt_is_abandoned_once_its_process_is_dead_and_no_sooner(workspace, key, tmp_path):
    checkpoints, other = Checkpoints(workspace, key), Checkpoints(workspace, f"other-{key}")
    command = [sys.executable, "-c", HOLD, workspace.root, f"other-{key}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with checkpoints.exclusive(), checkpoints.abandoned(other.attempt) as found:
            assert not found
        holder.send_signal(signal.SIGKILL)
    with checkpoints.exclusive():
        # The lock of the killed one was swept away.
        assert len(locks(workspace)) == 1
        with checkpoints.abandoned(other.attempt) as found:
            assert found
        with checkpoints.abandoned(checkpoints.attempt) as found:
            assert found
        elsewhere = Checkpoints(Workspace(str(tmp_path / "elsewhere")), f"other-{key}")
        with checkpoints.abandoned(elsewhere.attempt) as found:
            assert not found
