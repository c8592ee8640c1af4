"""Runs of killed trainings are closed, those of living ones never."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest
from prefect_mlops.core import tags
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.workspace import Workspace
from prefect_mlops.registry.abandoned_runs import close_abandoned
from prefect_mlops.registry.tracking import close_run, experiment_id, open_run
from support.candidates import with_mlflow

HOLD = """
import sys, time
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.workspace import Workspace

with Checkpoints(Workspace(sys.argv[1]), "other").exclusive():
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def project(make_project):
    return with_mlflow(make_project())


@pytest.fixture
def mine(project):
    """The attempt that this process holds."""
    checkpoints = Checkpoints(project.open_workspace(), "mine")
    with checkpoints.exclusive():
        yield checkpoints


def status(project, run_id: str) -> str:
    return project.registry.get_client().get_run(run_id).info.status


def trial_of(project, run_id: str) -> str:
    client = project.registry.get_client()
    texts = {"mlflow.parentRunId": run_id, tags.PROJECT: project.name}
    return client.create_run(experiment_id(project.stores, client), tags=texts).info.run_id


def test_the_run_of_a_killed_process_is_closed_and_says_why(project, mine):
    other = Checkpoints(project.open_workspace(), "other")
    run_id = open_run(project.stores, "their key", None, attempt=other.attempt)
    trial = trial_of(project, run_id)
    command = [sys.executable, "-c", HOLD, project.workspace]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        assert close_abandoned(project.stores, mine, "my key") == []
        assert status(project, run_id) == status(project, trial) == "RUNNING"
        holder.send_signal(signal.SIGKILL)
    assert set(close_abandoned(project.stores, mine, "my key")) == {run_id, trial}
    assert status(project, run_id) == status(project, trial) == "KILLED"
    found = project.registry.get_client().get_run(run_id).data.tags
    assert found[tags.KILLED_BECAUSE] == "its training was killed and not started again"
    assert close_abandoned(project.stores, mine, "my key") == []
    # Started again after all, it runs, and nothing says that it was killed.
    assert open_run(project.stores, "their key", None, attempt=other.attempt) == run_id
    assert status(project, run_id) == "RUNNING"
    assert tags.KILLED_BECAUSE not in project.registry.get_client().get_run(run_id).data.tags


def test_the_own_run_goes_on_and_an_earlier_one_of_the_attempt_does_not(project, mine):
    own = open_run(project.stores, "my key", None, attempt=mine.attempt)
    superseded = open_run(project.stores, "my key of other rows", None, attempt=mine.attempt)
    assert close_abandoned(project.stores, mine, "my key") == [superseded]
    assert status(project, own) == "RUNNING"


def test_runs_that_nobody_can_tell_about_are_left_alone(project, mine, tmp_path):
    elsewhere = Checkpoints(Workspace(str(tmp_path / "elsewhere")), "other")
    runs = [
        open_run(project.stores, "of another workspace", None, attempt=elsewhere.attempt),
        open_run(project.stores, "of an older version", None),
    ]
    foreign = open_run(
        project.model_copy(update={"name": "foreign"}).stores, "theirs", None, attempt=mine.attempt
    )
    assert close_abandoned(project.stores, mine, "my key") == []
    assert {status(project, run_id) for run_id in [*runs, foreign]} == {"RUNNING"}


def test_a_trial_that_outlived_its_training_is_closed(project, mine):
    ended = open_run(project.stores, "ended", None, attempt=mine.attempt)
    trial = trial_of(project, ended)
    close_run(project.registry, ended, "FINISHED")
    running = open_run(project.stores, "my key", None, attempt=mine.attempt)
    own_trial = trial_of(project, running)
    assert close_abandoned(project.stores, mine, "my key") == [trial]
    assert status(project, ended) == "FINISHED"
    assert status(project, own_trial) == "RUNNING"


def test_without_an_experiment_there_is_nothing_to_close(project, mine):
    assert close_abandoned(project.stores, mine) == []
    client = project.registry.get_client()
    client.delete_experiment(experiment_id(project.stores, client))
    assert close_abandoned(project.stores, mine) == []
