"""How old what a candidate or a version learnt is, read where it stands."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from prefect_mlops.tasks import check_freshness
from support.candidates import crown, log_candidate, split_at


@pytest.fixture
def case(make_project, calls):
    frame = calls(300)
    project = make_project(frame, gates={"freshness": {"maximum_data_age_days": 30}})
    return project, log_candidate(project, split_at(project, frame, 200))


def age_in_days(candidate) -> float:
    return (datetime.now(UTC) - candidate.cutoff).total_seconds() / 86_400


def test_a_candidate_of_old_rows_is_refused_and_its_age_is_logged(case):
    project, candidate = case
    check = check_freshness.fn(candidate, **project.arguments(check_freshness))
    (gate,) = check.gates
    assert (gate.name, gate.blocks) == ("data age", age_in_days(candidate) > 30)
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["freshness.data_age_days"] == pytest.approx(age_in_days(candidate), abs=0.01)


def test_a_version_is_as_old_as_its_cutoff(case):
    project, candidate = case
    version = crown(project, candidate)
    arguments = project.arguments(check_freshness)
    for named in (version, version.uri):
        (gate,) = check_freshness.fn(named, **arguments).gates
        assert gate.value == pytest.approx(age_in_days(candidate), abs=0.01)


def test_a_row_of_a_day_to_come_is_not_run_and_names_its_column(case):
    project, candidate = case
    ahead = candidate.model_copy(update={"cutoff": datetime(2999, 1, 1, tzinfo=UTC)})
    given = project.arguments(check_freshness)
    check = check_freshness.fn(ahead, **given)
    (gate,) = check.gates
    assert (gate.verdict, gate.blocks, check.measured) == ("not_run", True, {})
    assert f"{given['columns'].timestamp!r} (columns.timestamp) is 2999-01-01" in gate.reason


def test_it_is_skipped_as_the_others_are(case):
    project, candidate = case
    project.gates.skip = {"freshness": "a yearly model"}
    (gate,) = check_freshness.fn(candidate, **project.arguments(check_freshness)).gates
    assert (gate.name, gate.reason, gate.blocks) == (
        "freshness",
        "skipped: a yearly model",
        False,
    )
