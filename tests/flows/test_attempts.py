"""Finished steps of an interrupted attempt are trusted as far as what they made is still there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from prefect_mlops.core import tags
from prefect_mlops.core.checkpoints import Checkpoints
from prefect_mlops.core.results import Candidate, ModelVersion, Snapshot, Split
from prefect_mlops.flows.attempts import OpenedRun, forget_lost_steps, reopen_run
from prefect_mlops.registry.tracking import close_run
from prefect_mlops.registry.versions import get_version
from support.candidates import crown, log_candidate, split_at

FEATURE_TYPES = {
    "extract": Snapshot,
    "split": Split,
    "open_run": OpenedRun,
    "fit": Candidate,
    "register": ModelVersion,
}


@pytest.fixture
def project(make_project, calls):
    return make_project(calls(300))


@pytest.fixture
def candidate(project, calls) -> Candidate:
    return log_candidate(project, split_at(project, calls(300), 200))


@pytest.fixture
def checkpoints(project, calls, candidate) -> Checkpoints:
    """An attempt that was interrupted after it had registered its model."""
    kept = Checkpoints(project.open_workspace(), "key")
    parts = split_at(project, calls(300), 200)
    number = crown(project, candidate).version
    client = project.registry.get_client()
    client.set_model_version_tag("calls", number, tags.TRAINING_KEY, "k")
    for step, result in {
        "extract": parts.train,
        "split": parts,
        "open_run": OpenedRun(run_id=candidate.run_id),
        "fit": candidate,
        "register": get_version(project.registry, number),
    }.items():
        kept.save(step, result)
    return kept


def left(checkpoints: Checkpoints) -> list[str]:
    return [
        step for step, kind in FEATURE_TYPES.items() if checkpoints.load(step, kind) is not None
    ]


def test_an_attempt_of_which_everything_is_there_is_trusted(project, checkpoints):
    assert forget_lost_steps(project, checkpoints) is None
    assert left(checkpoints) == list(FEATURE_TYPES)
    assert forget_lost_steps(project, Checkpoints(project.open_workspace(), "new")) is None


def test_a_run_that_goes_on_is_running(project, checkpoints, candidate):
    close_run(project.registry, candidate.run_id, "FAILED")
    assert forget_lost_steps(project, checkpoints) is None
    reopen_run(project, candidate.run_id)
    client = project.registry.get_client()
    assert client.get_run(candidate.run_id).info.status == "RUNNING"


def test_a_deleted_run_is_opened_again_with_all_that_follows(project, checkpoints, candidate):
    project.registry.get_client().delete_run(candidate.run_id)
    assert "was deleted" in str(forget_lost_steps(project, checkpoints))
    assert left(checkpoints) == ["extract", "split"]


def test_a_deleted_model_is_fitted_again(project, checkpoints, candidate):
    client = project.registry.get_client()
    client.delete_logged_model(candidate.model_uri.removeprefix("models:/"))
    assert candidate.model_uri in str(forget_lost_steps(project, checkpoints))
    assert left(checkpoints) == ["extract", "split", "open_run"]


def test_deleted_files_of_a_model_are_made_again(project, checkpoints, candidate):
    client = project.registry.get_client()
    logged = client.get_logged_model(candidate.model_uri.removeprefix("models:/"))
    shutil.rmtree(Path(logged.artifact_location.removeprefix("file://")))
    assert "holds no MLmodel" in str(forget_lost_steps(project, checkpoints))
    assert left(checkpoints) == ["extract", "split", "open_run"]


def test_a_deleted_version_is_registered_again(project, checkpoints):
    project.registry.get_client().delete_model_version("calls", "1")
    assert forget_lost_steps(project, checkpoints) == "version 1 was deleted"
    assert left(checkpoints) == ["extract", "split", "open_run", "fit"]
