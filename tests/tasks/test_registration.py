"""A candidate becomes one version, which says where it comes from."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from prefect import flow
from prefect.runtime import flow_run
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core import tags
from prefect_mlops.core.errors import RegistryUnavailable
from prefect_mlops.core.results import Cause, DataValidation, Window
from prefect_mlops.core.version import VERSION
from prefect_mlops.registry.evidence_tags import evidence_tags
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.tasks.registration import finalise, register
from support.candidates import log_candidate, split_at

START = datetime(2026, 2, 1, tzinfo=UTC)


def make_cause(**overrides) -> Cause:
    settings = {
        "id": "c1",
        "project": "calls",
        "champion_version": "1",
        "window": Window(start=START, end=START.replace(day=2)),
        "rows": 500,
        "reason": "strong drifted",
        "signals": ["drift"],
        "drifted_columns": ["strong"],
        "metric": "log_loss",
        "decided_at": START,
    }
    return Cause(**{**settings, **overrides})


@pytest.fixture
def project(make_project):
    return make_project()


@pytest.fixture
def split(project, calls):
    return split_at(project, calls(300), 200)


@pytest.fixture
def candidate(project, split):
    return log_candidate(project, split, iterations=3)


@pytest.fixture
def evidence(project, split, candidate):
    """A function that takes the evidence."""

    def take(training_key="key", cause=None):
        return evidence_tags(
            snapshot=split.train,
            validation=DataValidation(snapshot=split.train, gates=[], suite_uri="s", inferred=True),
            split=split,
            candidate=candidate,
            training_key=training_key,
            cause=cause,
            **project.arguments(evidence_tags),
        )

    return take


def versions(project):
    return project.registry.get_client().search_model_versions("name='calls'")


def test_a_version_says_which_data_code_and_cause(project, split, candidate, evidence):
    cause = make_cause()
    found = register.fn(candidate, evidence(cause=cause), **project.arguments(register))
    assert (found.name, found.version, found.run_id) == ("calls", "1", candidate.run_id)
    assert found.aliases == []
    assert found.tags[tags.PROJECT] == "calls"
    assert found.tags[tags.SNAPSHOT_DIGEST] == split.train.digest
    assert found.tags[tags.SNAPSHOT_URI] == split.train.uri
    assert found.tags[tags.HOLDOUT_DIGEST] == split.holdout.digest
    assert found.tags[tags.FITTED_DIGEST] == candidate.fitted_digest
    assert datetime.fromisoformat(found.tags[tags.CUTOFF]) == candidate.cutoff
    assert found.tags[tags.CUTOFF_ROW] == "200"
    assert datetime.fromisoformat(found.tags[tags.EVALUATED_CUTOFF]) == split.train.last
    assert float(found.tags[tags.HOLDOUT_SCORE]) == candidate.metrics["log_loss"]
    assert found.tags[tags.CODE_VERSION].startswith(VERSION)
    assert found.tags[tags.CAUSE_ID] == "c1"
    assert Cause.model_validate_json(found.tags[tags.CAUSE]) == cause


def test_what_is_not_known_is_no_tag(evidence):
    found = evidence()
    assert all(isinstance(value, str) for value in found.values())
    assert not {tags.CAUSE, tags.CAUSE_ID, tags.FLOW_RUN_ID} & set(found)


def test_a_cause_with_hundreds_of_columns_can_be_read_back(project, candidate, evidence):
    cause = make_cause(drifted_columns=[f"a column with a long name {i}" for i in range(600)])
    found = register.fn(candidate, evidence(cause=cause), **project.arguments(register))
    assert (
        Cause.model_validate_json(get_version(project.registry, found.version).tags[tags.CAUSE])
        == cause
    )


def test_the_registered_model_is_the_logged_one(project, calls, candidate, evidence):
    found = register.fn(candidate, evidence(), **project.arguments(register))
    rows = calls(20)
    ours = project.registry.load_model(candidate.model_uri, "binary").predict(rows)
    theirs = project.registry.load_model(found.uri, "binary").predict(rows)
    assert (ours == theirs).all()


def test_registering_the_same_training_again_gives_the_same_version(project, candidate, evidence):
    first = register.fn(candidate, evidence(), **project.arguments(register))
    assert register.fn(candidate, evidence(), **project.arguments(register)) == first
    assert len(versions(project)) == 1


def test_another_model_of_the_same_training_is_another_version(project, split, candidate, evidence):
    first = register.fn(candidate, evidence(), **project.arguments(register))
    again = log_candidate(project, split, name="again")
    assert again.model_uri != candidate.model_uri
    assert register.fn(again, evidence(), **project.arguments(register)).version != first.version
    assert (
        register.fn(candidate, evidence(), **project.arguments(register)).version == first.version
    )


def test_another_training_gives_another_version(project, candidate, evidence):
    first = register.fn(candidate, evidence("one"), **project.arguments(register))
    second = register.fn(candidate, evidence("two"), **project.arguments(register))
    assert [first.version, second.version] == ["1", "2"]
    assert register.fn(candidate, evidence("one"), **project.arguments(register)).version == "1"


def test_the_flow_run_is_named_and_linked(prefect_api, project, candidate, evidence):
    @flow
    def training():
        return register(candidate, evidence(), **project.arguments(register)), flow_run.get_id()

    found, identifier = training()
    assert found.tags[tags.FLOW_RUN_ID] == identifier
    assert identifier is not None


def test_a_version_that_was_not_promoted_is_the_challenger(project, candidate, evidence):
    first = register.fn(candidate, evidence("one"), **project.arguments(register))
    reasons = ["superiority: not better", "slice job=student: worse"]
    finalised = finalise.fn(first, "challenger", reasons, **project.arguments(finalise))
    assert finalised.aliases == ["challenger"]
    assert finalised.tags[tags.OUTCOME] == "challenger"
    assert json.loads(finalised.tags[tags.REASONS]) == reasons
    second = register.fn(candidate, evidence("two"), **project.arguments(register))
    finalise.fn(second, "challenger", reasons, **project.arguments(finalise))
    challenger = find_version(project.registry, tags.CHALLENGER)
    assert challenger is not None
    assert challenger.version == "2"


def test_a_promoted_version_takes_no_alias_here(project, candidate, evidence):
    first = register.fn(candidate, evidence(), **project.arguments(register))
    finalised = finalise.fn(first, "promoted", [], **project.arguments(finalise))
    assert finalised.aliases == []
    assert finalised.tags[tags.OUTCOME] == "promoted"
    assert json.loads(finalised.tags[tags.REASONS]) == []


def test_many_long_reasons_can_be_read_back(project, candidate, evidence):
    first = register.fn(candidate, evidence(), **project.arguments(register))
    reasons = [f"slice job={i}: {'worse ' * 20}" for i in range(100)]
    finalised = finalise.fn(first, "challenger", reasons, **project.arguments(finalise))
    assert json.loads(finalised.tags[tags.REASONS]) == reasons


def test_a_registry_out_of_reach_is_told(make_project, candidate, evidence):
    gone = make_project(
        registry=ModelRegistry(tracking_uri="http://127.0.0.1:9", model_name="calls")
    )
    with pytest.raises(RegistryUnavailable, match="cannot be reached"):
        register.fn(candidate, evidence(), **gone.arguments(register))
