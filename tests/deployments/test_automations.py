"""What monitoring asks for becomes a run of the training deployment that carries the cause."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
)
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.deployments.automations import automation_name, install_automation
from prefect_mlops.deployments.serving import deployments_of
from prefect_mlops.flows import train
from prefect_mlops.tasks.events import request_retraining

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
    assert request_retraining.fn(project, cause) is True
    (run,) = wait_for_runs(deployed, 1)
    assert run.parameters["project"] == name
    assert isinstance(run.parameters["cause"], dict)
    assert Cause.model_validate(run.parameters["cause"]) == cause
    assert train.validate_parameters(run.parameters)["cause"] == cause
    # Asking again, as a repeated monitoring run does, starts nothing.
    assert request_retraining.fn(project, cause) is False
    second = make_cause(name)
    request_retraining.fn(project, second)
    runs = wait_for_runs(deployed, 2)
    assert {run.parameters["cause"]["id"] for run in runs} == {cause.id, second.id}
    assert len(runs) == 2


def test_one_project_does_not_train_for_another(make_project, name, deployed):
    install_automation(name)
    time.sleep(2)
    longer = make_project(name=f"{name}-b")
    request_retraining.fn(longer, make_cause(longer.name))
    request_retraining.fn(make_project(name=name), make_cause(name))
    (run,) = wait_for_runs(deployed, 1)
    assert run.parameters["cause"]["project"] == name


def test_installing_again_leaves_one_automation(name, deployed):
    first = install_automation(name)
    second = install_automation(name)
    assert first.id != second.id
    with get_client(sync_client=True) as client:
        found = client.read_automations_by_name(automation_name(name))
    assert [automation.id for automation in found] == [second.id]
    assert found[0].enabled


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
