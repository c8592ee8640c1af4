"""A known outcome counts as long as the registry still holds what it says."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.core import tags
from prefect_mlops.core.results import Approval, TrainingOutcome
from prefect_mlops.flows.known_outcomes import known_outcome, outcome_file
from support.candidates import crown, log_candidate, split_at

KEY = "k" * 64


@pytest.fixture
def project(make_project, calls):
    return make_project(calls(300))


@pytest.fixture
def split(project, calls):
    return split_at(project, calls(300), 200)


def remember(
    project, version, outcome: str, champion: str | None = None, approval: Approval | None = None
) -> TrainingOutcome:
    """Keep an outcome as a training does: the file, and the tags of its version."""
    client = project.registry.get_client()
    client.set_model_version_tag("calls", version.version, tags.TRAINING_KEY, KEY)
    client.set_model_version_tag("calls", version.version, tags.OUTCOME, outcome)
    found = TrainingOutcome(
        outcome=outcome,
        version=version,
        training_key=KEY,
        champion_version=champion,
        approval=approval,
    )
    content = found.model_dump_json().encode()
    project.open_workspace().write_bytes(outcome_file(KEY), content)
    return found


def files_of(project, version) -> Path:
    uri = project.registry.tracking_uri.get_secret_value()
    source = project.registry.get_client().get_model_version("calls", version.version).source
    return Path(download_artifacts(artifact_uri=source, tracking_uri=uri))


def test_what_was_never_trained_is_not_known_and_needs_no_reason(project):
    assert known_outcome(project, KEY) == (None, "")


def test_a_promoted_version_counts_after_another_promotion_and_after_a_rollback(project, split):
    first = crown(project, log_candidate(project, split, name="first"))
    second = crown(project, log_candidate(project, split, name="second"))
    outcome = remember(project, second, "promoted", first.version)
    assert known_outcome(project, KEY) == (outcome, "")
    crown(project, log_candidate(project, split, name="third"))
    assert known_outcome(project, KEY) == (outcome, "")
    project.registry.get_client().set_registered_model_alias("calls", "champion", first.version)
    assert known_outcome(project, KEY) == (outcome, "")


def rejected(through: str) -> Approval:
    now = datetime.now(UTC)
    return Approval(decision="rejected", reason="r", by="Ann", through=through, decided_at=now)


def test_what_a_person_rejected_counts_whoever_is_the_champion(project, split):
    version = crown(project, log_candidate(project, split, name="first"))
    outcome = remember(project, version, "challenger", "9", rejected("prefect"))
    crown(project, log_candidate(project, split, name="second"))
    assert known_outcome(project, KEY) == (outcome, "")
    client = project.registry.get_client()
    client.delete_registered_model_alias("calls", tags.CHAMPION)
    assert known_outcome(project, KEY) == (outcome, "")


def test_what_nobody_answered_for_in_time_is_asked_again(project, split):
    champion = crown(project, log_candidate(project, split, name="first"))
    version = crown(project, log_candidate(project, split, name="second"))
    project.registry.get_client().set_registered_model_alias(
        "calls", tags.CHAMPION, champion.version
    )
    remember(project, version, "challenger", champion.version, rejected("time limit"))
    assert known_outcome(project, KEY) == (None, "nobody answered for version 2 in time")


def test_the_outcome_of_another_run_is_none_of_an_attempt_that_has_a_version(project, split):
    first = crown(project, log_candidate(project, split, name="first"))
    second = crown(project, log_candidate(project, split, name="second"))
    outcome = remember(project, second, "promoted", first.version)
    assert known_outcome(project, KEY, second) == (outcome, "")
    assert known_outcome(project, KEY, first) == (None, "")


def test_a_deleted_version_does_not_count(project, split):
    crown(project, log_candidate(project, split, name="first"))
    version = crown(project, log_candidate(project, split, name="second"))
    remember(project, version, "promoted")
    client = project.registry.get_client()
    client.delete_model_version("calls", version.version)
    assert known_outcome(project, KEY) == (None, "version 2 is no longer in the registry")
    client.delete_registered_model("calls")
    assert known_outcome(project, KEY)[1] == "version 2 is no longer in the registry"


def test_without_a_champion_nothing_counts(project, split):
    remember(project, crown(project, log_candidate(project, split)), "promoted")
    project.registry.get_client().delete_registered_model_alias("calls", "champion")
    assert known_outcome(project, KEY) == (None, "there is no champion")


@pytest.mark.parametrize("tag", [tags.TRAINING_KEY, tags.OUTCOME])
def test_another_version_of_that_number_does_not_count(project, split, tag):
    version = crown(project, log_candidate(project, split))
    remember(project, version, "promoted")
    project.registry.get_client().set_model_version_tag("calls", version.version, tag, "other")
    assert f"its tag {tag} differs" in known_outcome(project, KEY)[1]


def test_a_challenger_counts_against_the_champion_it_was_compared_with(project, split):
    champion = crown(project, log_candidate(project, split, name="champion"))
    challenger = crown(project, log_candidate(project, split, name="challenger"))
    client = project.registry.get_client()
    client.set_registered_model_alias("calls", "champion", champion.version)
    outcome = remember(project, challenger, "challenger", champion.version)
    assert known_outcome(project, KEY) == (outcome, "")
    client.set_registered_model_alias("calls", "champion", challenger.version)
    assert known_outcome(project, KEY) == (outcome, "")
    crown(project, log_candidate(project, split, name="later"))
    reason = "it lost to version 1, and version 3 is the champion now"
    assert known_outcome(project, KEY) == (None, reason)


@pytest.mark.parametrize("whose", ["its own", "the champion's"])
def test_files_that_are_gone_do_not_count(project, split, whose):
    version = crown(project, log_candidate(project, split, name="first"))
    champion = crown(project, log_candidate(project, split, name="champion"))
    remember(project, version, "promoted")
    shutil.rmtree(files_of(project, version if whose == "its own" else champion))
    number = "1" if whose == "its own" else "2"
    assert known_outcome(project, KEY)[1].startswith(f"the files of version {number} are gone")


@pytest.mark.parametrize("content", [b"", b"{", b'{"outcome": "promoted"}'])
def test_a_file_that_cannot_be_read_does_not_count(project, content):
    project.open_workspace().write_bytes(outcome_file(KEY), content)
    assert known_outcome(project, KEY) == (None, "its file cannot be read")
