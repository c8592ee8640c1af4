"""A study is run by one process at a time, and a killed one is in nobody's way."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from prefect_mlops.core.errors import WorkspaceUnavailable
from prefect_mlops.tasks import study_lock
from prefect_mlops.tasks.study_lock import only_process

HOLD = """
import sys, time
from prefect_mlops.tasks.study_lock import only_process

with only_process(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """A process that runs the study."""
    command = [sys.executable, "-c", HOLD, f"sqlite:///{tmp_path}/study.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_who_waits_too_long_is_told_which_study_it_was(other, tmp_path, monkeypatch):
    monkeypatch.setattr(study_lock, "LONGEST_WAIT_SECONDS", 0.1)
    with (
        pytest.raises(WorkspaceUnavailable, match=r"study\.db is still run by another process"),
        only_process(f"sqlite:///{tmp_path}/study.db"),
    ):
        pass
    with only_process(f"sqlite:///{tmp_path}/other.db"):
        pass


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_killed_process_leaves_the_study_to_the_next(other, tmp_path, monkeypatch):
    monkeypatch.setattr(study_lock, "LONGEST_WAIT_SECONDS", 30.0)
    other.send_signal(signal.SIGKILL)
    with only_process(f"sqlite:///{tmp_path}/study.db"):
        pass
    assert list(tmp_path.iterdir()) == []
