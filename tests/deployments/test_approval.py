"""A served training waits for a person without a process, through restarts of everything, and ends once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from uuid import UUID, uuid4

import pytest
from conftest import make_calls
from prefect.client.schemas.objects import StateType
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect_mlops.core import tags
from prefect_mlops.demo.servers import clean_environment
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.runs.approvals import approval_requests, open_requests
from prefect_mlops.tasks import record_approval
from support.candidates import with_mlflow
from support.events_worker import forget_events
from support.served import Served, make_cause, trainings, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ANSWER = {"decision": "approve", "reason": "the curves look right", "approver": "Ann"}


@pytest.fixture
def served(make_project, tmp_path):
    """A real server, and `serve` for a project whose promotions a person approves."""
    name = f"calls-{uuid4().hex[:8]}"
    project = with_mlflow(
        make_project(
            make_calls(600),
            name=name,
            training={"estimators": ["linear"], "trials": 1, "folds": 2},
            gates={"deepchecks": [], "resamples": 200, "approval": "person"},
        )
    )
    served = Served(tmp_path, project)
    served.start_server()
    settings = {PREFECT_API_URL: served.server.api_url, PREFECT_HOME: served.server.home}
    with temporary_settings(settings):
        project.save(name)
        served.serve()
        yield served
        forget_events()
    served.close()


def start(served, cause=None) -> UUID:
    parameters = {"project": served.project.name, "cause": cause and cause.model_dump(mode="json")}
    with served.client() as client:
        name = f"train/{served.project.name}-training"
        deployment = client.read_deployment_by_name(name).id
        return client.create_flow_run_from_deployment(deployment, parameters=parameters).id


def state_of(served, run: UUID):
    with served.client() as client:
        return client.read_flow_run(run).state


def suspended(served, cause=None) -> UUID:
    """Start a training and wait until it is suspended and its process is gone."""
    run = start(served, cause)
    assert until(lambda: state_of(served, run).name == "Suspended", 300), served.said()
    assert until(lambda: not served.children(), 60), served.said()
    return run


def approve(served, run: UUID) -> None:
    with served.client() as client:
        response = client.resume_flow_run(run, run_input=ANSWER)
    assert response.status.value == "ACCEPT", response.details


def ended(served, run: UUID):
    assert until(lambda: state_of(served, run).is_final(), 300), served.said()
    return state_of(served, run)


def assert_one_of_each(served) -> None:
    """One MLflow run, one version, one promotion that says who approved it."""
    project = served.project
    assert trainings(project) == 1
    client = project.registry.get_client()
    (version,) = client.search_model_versions(f"name='{project.registry.model_name}'")
    assert find_version(project.registry, tags.CHAMPION).version == str(version.version)
    (entry,) = promotion_log(project.stores)
    assert entry["approval"]["decision"] == "approved"
    assert client.get_run(version.run_id).info.status == "FINISHED"


def test_approved_after_server_and_serve_were_restarted_it_goes_on_after_its_last_step(served):
    cause = make_cause(served.project.name, "none")
    run = suspended(served, cause)
    version = get_version(served.project.registry, "1")
    assert served.project.registry.get_client().get_run(version.run_id).info.status == "SCHEDULED"
    served.end(signal.SIGKILL)
    served.server.stop()
    served.start_server()
    # Edited meanwhile: what waits goes on as what it was.
    edited = served.project.model_copy(deep=True)
    edited.training.trials = 2
    edited.save(served.project.name, overwrite=True)
    served.serve()
    assert state_of(served, run).name == "Suspended"
    # Asked for again while it waits, nothing is trained.
    second = ended(served, start(served, cause))
    assert second.name == "Challenger"
    assert "version 1 waits for a person" in second.message
    assert served.journal("retraining") == []
    assert trainings(served.project) == 1
    approve(served, run)
    state = ended(served, run)
    assert state.name == "Promoted", state.message
    assert "compare: finished by the interrupted attempt" in served.said()
    assert_one_of_each(served)
    (end,) = served.journal("retraining")
    assert (end["outcome"], end["cause_id"]) == ("promoted", cause.id)
    assert open_requests(served.project.stores) == []


def test_settings_edited_and_trained_with_meanwhile_the_first_version_still_gets_its_answer(served):
    first = suspended(served)
    served.project.training.trials = 2
    served.project.save(served.project.name, overwrite=True)
    second = suspended(served)
    record_approval.fn("2", "rejected", "unfair", "Bob", stores=served.project.stores)
    assert ended(served, second).name == "Challenger"
    approve(served, first)
    state = ended(served, first)
    assert state.name == "Promoted", state.message
    assert find_version(served.project.registry, tags.CHAMPION).version == "1"
    # Nor is anything trained twice after that.
    known = ended(served, start(served))
    assert known.name == "Challenger"
    assert "rejected by Bob" in known.message
    assert trainings(served.project) == 2


def test_by_command_it_is_listed_and_rejected(served):
    run = suspended(served)

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "prefect_mlops.flows",
                "approve",
                served.project.name,
                *arguments,
            ],
            env=clean_environment(served.server.client_environment),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )

    listed = command()
    assert listed.returncode == 0, listed.stderr
    assert "calls" in listed.stdout
    assert "--version 1" in listed.stdout
    bare = command("--version", "1")
    assert bare.returncode == 2
    assert "--reason" in bare.stderr
    given = command("--version", "1", "--reject", "--reason", "too slow", "--by", "Ann")
    assert given.returncode == 0, given.stderr
    assert "rejected by Ann (command line): too slow" in given.stdout
    state = ended(served, run)
    assert state.name == "Challenger"
    assert state.message.startswith("approval: rejected by Ann (command line): too slow (1 of ")
    assert get_version(served.project.registry, "1").aliases == []
    late = command("--version", "1", "--reason", "no, good", "--by", "Bob")
    assert late.returncode == 1
    assert "The first answer counts" in late.stderr
    assert "nothing waits" in command().stdout


def test_by_a_tag_in_mlflow_it_is_approved_without_anybody_asking_prefect(served):
    run = suspended(served)
    client = served.project.registry.get_client()
    client.set_model_version_tag("calls", "1", tags.APPROVAL, "approved: looks right by Ann")
    state = ended(served, run)
    assert state.name == "Promoted", state.message
    assert_one_of_each(served)


def test_nobody_answers_and_the_default_holds(served):
    project = served.project
    project.gates.approval.timeout_seconds = 20
    project.save(project.name, overwrite=True)
    run = start(served)
    state = ended(served, run)
    assert state.name == "Challenger", state.message
    assert state.message.startswith("approval: rejected: nobody answered within 20 seconds (1 of ")
    assert find_version(project.registry, tags.CHAMPION) is None


MOMENTS = {
    "its process began": lambda served: served.children(),
    "the answer is in the journal": lambda served: (
        approval_requests(served.project.stores)[0].approval
    ),
    "the promotion is in the journal": lambda served: promotion_log(served.project.stores),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_right_after_the_approval_there_is_one_version_and_one_champion(served, moment):
    run = suspended(served)
    approve(served, run)
    deadline = time.monotonic() + 120
    while not MOMENTS[moment](served) and time.monotonic() < deadline:
        time.sleep(0.01)
    killed = served.children()
    for child in killed:
        os.kill(child.pid, signal.SIGKILL)
    assert killed
    state = ended(served, run)
    if state.type != StateType.COMPLETED:
        # Started again, it goes on, and the answer that was given still counts.
        state = ended(served, start(served))
    assert state.name == "Promoted", state.message
    assert_one_of_each(served)
    (request,) = approval_requests(served.project.stores)
    assert (request.approval.by, request.approval.through) == ("Ann", "prefect")
