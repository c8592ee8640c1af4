"""`prefect.yaml` deploys the same flows that `serve` does, with the same trigger."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import prefect_mlops.deployments as package
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect_mlops.deployments.automations import _from_event
from prefect_mlops.deployments.serving import deployments_of
from prefect_mlops.runs.events import RETRAINING_REQUESTED, resource_id

PATH = Path(package.__path__[0]) / "prefect.yaml"
CONTENT = yaml.safe_load(PATH.read_text(encoding="utf-8"))
DEPLOYMENTS = {deployment["name"]: deployment for deployment in CONTENT["deployments"]}
PROJECT = CONTENT["definitions"]["project"]


def test_it_deploys_what_serve_does():
    served = {d.name: d for d in asyncio.run(deployments_of(PROJECT))}
    assert set(DEPLOYMENTS) == set(served)
    for name, deployment in DEPLOYMENTS.items():
        assert deployment["entrypoint"] == served[name].entrypoint
        assert deployment["parameters"] == served[name].parameters
        assert deployment["description"] == served[name].description
        limit = deployment.get("concurrency_limit", {})
        assert limit.get("limit") == served[name].concurrency_limit


# What only the one who starts a run can know.
OF_A_RUN = {f"{PROJECT}-adoption": {"model": "models:/theirs/1"}}


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_its_entrypoints_load_and_take_its_parameters(name):
    flow = load_flow_from_entrypoint(DEPLOYMENTS[name]["entrypoint"])
    given = DEPLOYMENTS[name]["parameters"] | OF_A_RUN.get(name, {})
    assert flow.validate_parameters(given)["project"] == PROJECT


def test_its_trigger_is_that_of_the_automation():
    (trigger,) = DEPLOYMENTS[f"{PROJECT}-training"]["triggers"]
    assert trigger["expect"] == [RETRAINING_REQUESTED]
    assert trigger["match"] == {"prefect.resource.id": resource_id(PROJECT)}
    assert trigger["parameters"] == {
        "project": PROJECT,
        "cause": _from_event("event.payload.cause"),
    }


@pytest.mark.slow
def test_prefect_deploys_it(prefect_api, tmp_path):
    settings = get_current_settings().to_environment_variables(exclude_unset=True)

    def prefect(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *arguments],
            env={**os.environ, **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    pool = CONTENT["definitions"]["pool"]["name"]
    prefect("work-pool", "create", pool, "--type", "process", "--overwrite")
    prefect("deploy", "--prefect-file", str(PATH), "--all")
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"train/{PROJECT}-training")
        assert found.entrypoint == "prefect_mlops.flows.training.train"
        assert found.work_pool_name == pool
        assert found.parameters == {"project": PROJECT}
        triggers = client.read_resource_related_automations(f"prefect.deployment.{found.id}")
    assert len(triggers) == 1
