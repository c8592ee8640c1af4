"""Every flow has a deployment that any process with the package can run."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import timedelta

import pytest
from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.flows import load_flow_from_entrypoint
from prefect_mlops.core.errors import ConfigurationError, OrchestratorUnavailable
from prefect_mlops.demo.servers import clean_environment
from prefect_mlops.deployments.__main__ import app
from prefect_mlops.deployments.automations import TRAINING_DEPLOYMENT, automation_name
from prefect_mlops.deployments.serving import deployments_of
from prefect_mlops.flows import adopt, backtest, label, monitor, score, train, watch_canary
from typer.testing import CliRunner

FLOWS = {
    "training": train,
    "monitoring": monitor,
    "scoring": score,
    "labelling": label,
    "canary": watch_canary,
    "backtest": backtest,
    "adoption": adopt,
}


def made(**options):
    return {d.name: d for d in asyncio.run(deployments_of("calls", **options))}


def test_there_is_one_for_each_flow_and_it_knows_its_project():
    found = made()
    assert set(found) == {f"calls-{name}" for name in FLOWS}
    for name, flow in FLOWS.items():
        deployment = found[f"calls-{name}"]
        assert deployment.flow_name == flow.name
        assert deployment.parameters == {"project": "calls"}
        assert deployment.tags == ["prefect-mlops", "calls"]
        assert deployment.description
        assert not deployment.schedules
    training = found["calls-training"]
    assert f"{training.flow_name}/{training.name}" == TRAINING_DEPLOYMENT.format(project="calls")


@pytest.mark.parametrize("name", FLOWS)
def test_its_entrypoint_is_a_module_path_that_loads_the_flow(name):
    entrypoint = made()[f"calls-{name}"].entrypoint
    assert "/" not in entrypoint
    assert ":" not in entrypoint
    found = load_flow_from_entrypoint(entrypoint)
    assert isinstance(found, Flow)
    assert found is FLOWS[name]


def test_training_monitoring_and_canary_run_one_at_a_time_and_the_others_as_they_come():
    found = made()
    for name in ("training", "monitoring", "canary"):
        deployment = found[f"calls-{name}"]
        assert deployment.concurrency_limit == 1
        assert deployment.concurrency_options.collision_strategy == ConcurrencyLimitStrategy.ENQUEUE
    for name in ("scoring", "labelling"):
        assert found[f"calls-{name}"].concurrency_limit is None


def test_schedules_are_those_that_were_asked_for():
    found = made(train_cron="0 3 * * 1", monitor_minutes=30, canary_minutes=15)
    (training,) = found["calls-training"].schedules
    (monitoring,) = found["calls-monitoring"].schedules
    assert training.schedule.cron == "0 3 * * 1"
    assert monitoring.schedule.interval == timedelta(minutes=30)
    (canary,) = found["calls-canary"].schedules
    assert canary.schedule.interval == timedelta(minutes=15)
    assert not found["calls-scoring"].schedules


def test_the_command_line_installs_the_automation_of_a_saved_project(prefect_api, make_project):
    make_project(name="served").save("served", overwrite=True)

    async def deploy():
        training, *_ = await deployments_of("served")
        await training.aapply()

    asyncio.run(deploy())
    answer = CliRunner().invoke(app, ["automate", "served"])
    assert answer.exit_code == 0, answer.output
    assert automation_name("served") in answer.output


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [(["automate", "nobody"], ConfigurationError), (["serve", "nobody"], ConfigurationError)],
)
def test_the_command_line_names_a_project_that_is_not_saved(prefect_api, arguments, kind):
    answer = CliRunner().invoke(app, arguments)
    assert isinstance(answer.exception, kind)
    assert not isinstance(answer.exception, OrchestratorUnavailable)
    assert "no MLProject block is saved as 'nobody'" in str(answer.exception)


def test_the_command_line_refuses_to_run_nothing_at_once():
    answer = CliRunner().invoke(app, ["serve", "calls", "--limit", "0"])
    assert answer.exit_code == 2


def test_serving_without_a_server_ends_with_one_line():
    environment = clean_environment({"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    done = subprocess.run(
        [sys.executable, "-m", "prefect_mlops.deployments", "serve", "calls"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "the Prefect API cannot be reached to load MLProject 'calls'" in done.stderr
