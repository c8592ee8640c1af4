"""What monitoring asks for becomes a run of the training deployment that carries the cause."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
)
from prefect.events.schemas.automations import AutomationCore
from prefect.types.entrypoint import EntrypointType
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.deployments.automations import automation_name, install_automation
from prefect_mlops.deployments.serving import deployments_of
from prefect_mlops.flows import train
from prefect_mlops.tasks.retraining_requests import request_retraining

pytestmark = pytest.mark.usefixtures("prefect_api")
START = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def name():
    return f"calls-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def deployed(name):
    """Id of the training deployment, on the server."""

    async def deploy():
        training, *_ = await deployments_of(name)
        return await training.aapply()

    return asyncio.run(deploy())


def make_cause(project: str) -> Cause:
    return Cause(
        id=uuid.uuid4().hex[:16],
        project=project,
        champion_version="7",
        window=Window(start=START, end=START + timedelta(days=1)),
        rows=500,
        reason='strong drifted: "far" {{ out }}',
        signals=["drift", "performance"],
        drifted_columns=["strong", "a 'quoted' one"],
        metric="log_loss",
        value=0.61,
        promised=0.4,
        decided_at=START,
    )


def runs_of(deployment) -> list:
    with get_client(sync_client=True) as client:
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter(),
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
        )


def wait_for_runs(deployment, count: int, seconds: float = 30) -> list:
    until = time.monotonic() + seconds
    while len(found := runs_of(deployment)) < count and time.monotonic() < until:
        time.sleep(0.2)
    return found


def test_a_request_runs_the_training_with_its_cause(make_project, name, deployed):
    install_automation(name)
    # An event right after its automation was created can be lost.
    time.sleep(2)
    cause, project = make_cause(name), make_project(name=name)
    assert request_retraining.fn(cause, **project.arguments(request_retraining)) is True
    (run,) = wait_for_runs(deployed, 1)
    assert run.parameters["project"] == name
    assert isinstance(run.parameters["cause"], dict)
    assert Cause.model_validate(run.parameters["cause"]) == cause
    assert train.validate_parameters(run.parameters)["cause"] == cause
    # Asking again, as a repeated monitoring run does, starts nothing.
    assert request_retraining.fn(cause, **project.arguments(request_retraining)) is False
    second = make_cause(name)
    request_retraining.fn(second, **project.arguments(request_retraining))
    runs = wait_for_runs(deployed, 2)
    assert {run.parameters["cause"]["id"] for run in runs} == {cause.id, second.id}
    assert len(runs) == 2


def test_one_project_does_not_train_for_another(make_project, name, deployed):
    install_automation(name)
    time.sleep(2)
    longer = make_project(name=f"{name}-b")
    request_retraining.fn(make_cause(longer.name), **longer.arguments(request_retraining))
    request_retraining.fn(make_cause(name), **make_project(name=name).arguments(request_retraining))
    (run,) = wait_for_runs(deployed, 1)
    assert run.parameters["cause"]["project"] == name


def installed(name: str) -> list:
    with get_client(sync_client=True) as client:
        return client.read_automations_by_name(automation_name(name))


def test_installing_again_leaves_the_one_in_force_as_it_is(name, deployed):
    install_automation(name)
    (before,) = installed(name)
    assert before.enabled
    assert install_automation(name).id == before.id
    # Not written again either: a server forgets an automation while it takes in a new form of it.
    assert installed(name) == [before]


def test_installing_for_another_deployment_updates_the_one_in_force(name, deployed):
    async def deploy() -> uuid.UUID:
        other = await train.ato_deployment(
            f"{name}-elsewhere", entrypoint_type=EntrypointType.MODULE_PATH
        )
        return await other.aapply()

    elsewhere = asyncio.run(deploy())
    first = install_automation(name)
    second = install_automation(name, f"train/{name}-elsewhere")
    (found,) = installed(name)
    assert first.id == second.id == found.id
    assert found.actions[0].deployment_id == elsewhere
    assert found.enabled


def test_of_several_with_the_name_one_stays_and_never_none(name, deployed, monkeypatch):
    created = install_automation(name)
    with get_client(sync_client=True) as client:
        (kept,) = installed(name)
        doubled = client.create_automation(AutomationCore(**kept.model_dump(exclude={"id"})))
    counts = []
    delete = SyncPrefectClient.delete_automation

    def counted(self, automation_id):
        delete(self, automation_id)
        counts.append(len(installed(name)))

    monkeypatch.setattr(SyncPrefectClient, "delete_automation", counted)
    install_automation(name)
    assert counts == [1]
    (left,) = installed(name)
    assert left.id in {created.id, doubled}


def test_one_that_somebody_disabled_stays_disabled(name, deployed):
    created = install_automation(name)
    with get_client(sync_client=True) as client:
        client.pause_automation(created.id)
    assert install_automation(name).enabled is False
    assert [found.enabled for found in installed(name)] == [False]


@pytest.mark.slow
def test_no_request_is_lost_while_it_is_installed_over_and_over(make_project, name, deployed):
    install_automation(name)
    time.sleep(2)
    project = make_project(name=name)
    causes = [make_cause(name) for _ in range(10)]
    stop = threading.Event()

    def reinstall() -> None:
        while not stop.is_set():
            install_automation(name)

    thread = threading.Thread(target=reinstall)
    thread.start()
    try:
        for cause in causes:
            request_retraining.fn(cause, **project.arguments(request_retraining))
        runs = wait_for_runs(deployed, len(causes))
    finally:
        stop.set()
        thread.join()
    asked = [run.parameters["cause"]["id"] for run in runs]
    assert sorted(asked) == sorted(cause.id for cause in causes)


def test_an_automation_for_another_deployment_names_it(name, deployed):
    with pytest.raises(ConfigurationError, match="'train/elsewhere' does not exist"):
        install_automation(name, "train/elsewhere")
    created = install_automation(name, f"train/{name}-training")
    assert created.actions[0].deployment_id == deployed


def test_without_a_deployment_nothing_is_installed_and_what_was_there_stays(name, deployed):
    install_automation(name)
    with pytest.raises(ConfigurationError, match="serve or deploy the flows first"):
        install_automation(name, "train/elsewhere")
    with get_client(sync_client=True) as client:
        assert len(client.read_automations_by_name(automation_name(name))) == 1
