"""Versions and aliases are read as they are, and a missing one is told from an unreachable registry."""

from __future__ import annotations

import pytest
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core.errors import ModelUnavailable, RegistryUnavailable
from prefect_mlops.registry.versions import find_version, get_champion, get_version
from support.candidates import with_mlflow


@pytest.fixture
def project(make_project):
    return with_mlflow(make_project())


@pytest.fixture
def client(project):
    client = project.registry.get_client()
    client.create_registered_model("calls")
    client.create_model_version("calls", "file:///nowhere", tags={"number": "7"})
    return client


def test_before_the_first_training_there_is_no_champion(project):
    assert find_version(project.registry, "champion") is None
    with pytest.raises(ModelUnavailable, match="run the training flow first"):
        get_champion(project.registry)


def test_a_registered_version_is_no_champion_by_itself(project, client):
    assert find_version(project.registry, "champion") is None


def test_a_version_is_found_by_alias_and_by_number(project, client):
    client.set_registered_model_alias("calls", "champion", "1")
    client.set_registered_model_alias("calls", "approved", "1")
    found = get_champion(project.registry)
    assert found == find_version(project.registry, "approved") == get_version(project.registry, "1")
    assert found.uri == "models:/calls/1"
    assert found.aliases == ["approved", "champion"]
    assert found.tags == {"number": "7"}
    # Registered by hand, without a run.
    assert found.run_id == ""


def test_a_version_that_is_not_there_is_named(project, client):
    with pytest.raises(ModelUnavailable, match="calls has no version 2"):
        get_version(project.registry, "2")


@pytest.mark.parametrize(
    "look", [lambda p: find_version(p.registry, "champion"), lambda p: get_version(p.registry, "1")]
)
def test_a_registry_out_of_reach_is_no_missing_champion(make_project, look):
    project = make_project(
        registry=ModelRegistry(tracking_uri="http://127.0.0.1:9", model_name="calls")
    )
    with pytest.raises(RegistryUnavailable, match="cannot be reached"):
        look(project)
