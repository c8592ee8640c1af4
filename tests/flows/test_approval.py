"""A person has the last word: a run that waits in its own process, answered in every way."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from conftest import make_calls
from prefect import State
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.flows import approval, train
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.runs.approvals import approval_requests, waiting_requests
from prefect_mlops.tasks import promote, record_approval
from support.own_code import write_module
from support.served import make_cause, trainings, until

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.slow,
    pytest.mark.timeout(900),
]
ALERTS = """
told = []


def keep(notice):
    told.append(notice)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(approval, "POLL_SECONDS", 0.3)


@pytest.fixture
def project(make_flow_project, tmp_path):
    """A project without a champion, whose promotions a person approves."""
    make_calls(600).to_parquet(tmp_path / "rows.parquet")
    made = make_flow_project(gates={"deepchecks": [], "resamples": 200, "approval": "person"})
    return made


class Training:
    """A training in a thread: it waits in its process."""

    def __init__(self, project, *arguments: Any, **keywords: Any) -> None:
        self.project = project
        self.state: State | None = None

        def run() -> None:
            self.state = train(project, *arguments, return_state=True, **keywords)

        self.thread = threading.Thread(target=run)
        self.thread.start()

    def request(self):
        """Wait until it waits, and return what it asks."""

        def paused():
            (request,) = waiting_requests(self.project.stores) or (None,)
            if request is None or not request.runs:
                return None
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(request.runs[0].flow_run_id).state
            return request if state.is_paused() else None

        found = until(paused, 120)
        assert found, self.state
        return found

    def end(self):
        self.thread.join(120)
        assert self.state is not None
        return self.state


def form(decision: str) -> dict[str, str]:
    return {"decision": decision, "reason": "the curves look right", "approver": "Ann"}


def test_approved_in_the_form_it_becomes_the_champion_and_everything_says_who_and_why(
    project, artifacts_of, monkeypatch, tmp_path
):
    write_module(monkeypatch, tmp_path, "approval_alerts", ALERTS)
    import approval_alerts

    project.gates.approval.notifications = ["approval_alerts:keep"]
    training = Training(project)
    request = training.request()
    version = get_version(project.registry, "1")
    assert find_version(project.registry, tags.CHAMPION) is None
    assert version.aliases == ["challenger"]
    assert version.tags[tags.APPROVAL].startswith("waiting: until ")
    (notice,) = approval_alerts.told
    assert notice.kind == "approval_requested"
    assert notice.payload["version"] == "1"
    resume_flow_run(request.runs[0].flow_run_id, run_input=form("approve"))
    state = training.end()
    outcome = state.result()
    assert state.name == "Promoted"
    assert outcome.reasons == []
    assert outcome.approval.sentence == "approved by Ann (prefect): the curves look right"
    assert outcome.approval.gate in outcome.gates
    version = get_version(project.registry, "1")
    assert version.aliases == ["champion"]
    assert version.tags[tags.APPROVAL] == "approved: the curves look right by Ann"
    (entry,) = promotion_log(project.stores)
    assert (entry["approval"]["by"], entry["approval"]["reason"]) == (
        "Ann",
        "the curves look right",
    )
    page = artifacts_of(state)["approval-calls"].data
    for part in (
        "May calls version 1",
        "## Gates",
        "## Data",
        "## Cause",
        "## Reports",
        "--reject",
    ):
        assert part in page
    # Known now: nobody is asked about the same rows again.
    assert train(project).version.version == "1"
    assert len(approval_requests(project.stores)) == 1


def test_a_form_without_a_reason_is_refused_and_the_run_goes_on_waiting(project):
    training = Training(project)
    request = training.request()
    run = request.runs[0].flow_run_id
    for given in ({}, {**form("approve"), "reason": " "}, {**form("approve"), "decision": "ok"}):
        with pytest.raises(RuntimeError, match="Cannot resume"):
            resume_flow_run(run, run_input=given)
    assert waiting_requests(project.stores)
    resume_flow_run(run, run_input=form("reject"))
    state = training.end()
    assert state.name == "Challenger"
    assert state.result().reasons == ["approval: rejected by Ann (prefect): the curves look right"]
    version = get_version(project.registry, "1")
    # Nor does a canary try what a person refused.
    assert version.aliases == []
    assert version.tags[tags.APPROVAL] == "rejected: the curves look right by Ann"
    assert promotion_log(project.stores) == []


def test_a_tag_in_mlflow_is_an_answer_and_one_that_is_none_says_how_to_write_it(project):
    training = Training(project)
    training.request()
    client = project.registry.get_client()

    def tag() -> str:
        return get_version(project.registry, "1").tags[tags.APPROVAL]

    client.set_model_version_tag("calls", "1", tags.APPROVAL, "ok")
    assert until(lambda: "'ok' was not understood" in tag(), 30), tag()
    assert waiting_requests(project.stores)
    client.set_model_version_tag("calls", "1", tags.APPROVAL, "Approved: better by far by Ann B.")
    state = training.end()
    assert state.name == "Promoted"
    given = state.result().approval
    assert (given.by, given.reason, given.through) == ("Ann B.", "better by far", "mlflow")
    # An answer that was acted on is changed by no later tag.
    client.set_model_version_tag("calls", "1", tags.APPROVAL, "rejected: no by Bob")
    assert approval_requests(project.stores)[0].approval == given


@pytest.mark.parametrize(("default", "name"), [("reject", "Challenger"), ("approve", "Promoted")])
def test_nobody_answers_in_time(project, default, name):
    project.gates.approval.timeout_seconds = 3
    project.gates.approval.at_timeout = default
    state = Training(project).end()
    assert state.name == name
    given = state.result().approval
    assert given.reason == "nobody answered within 3 seconds"
    assert given.by == "time limit"
    assert (
        "nobody answered within 3 seconds" in get_version(project.registry, "1").tags[tags.APPROVAL]
    )


def test_the_first_answer_counts(project):
    training = Training(project)
    training.request()
    stores = project.stores
    with pytest.raises(ConfigurationError, match="version 9 of calls was not proposed"):
        record_approval.fn("9", "approved", "r", "Ann", stores=stores)
    with pytest.raises(ConfigurationError, match="without a reason and a name"):
        record_approval.fn("1", "approved", " ", "Ann", stores=stores)
    record_approval.fn("1", "rejected", "too slow", "Ann", stores=stores)
    with pytest.raises(ConfigurationError, match=r"was rejected by Ann .* The first answer counts"):
        record_approval.fn("1", "approved", "no, good", "Bob", stores=stores)
    assert training.end().name == "Challenger"
    assert find_version(project.registry, tags.CHAMPION) is None


def test_an_answer_in_the_form_that_the_run_has_not_read_yet_is_the_first(project, monkeypatch):
    monkeypatch.setattr(approval, "POLL_SECONDS", 10)
    training = Training(project)
    request = training.request()
    resume_flow_run(request.runs[0].flow_run_id, run_input=form("reject"))
    with pytest.raises(ConfigurationError, match=r"was rejected by Ann \(prefect\): the curves"):
        record_approval.fn("1", "approved", "fine", "Bob", stores=project.stores)
    assert training.end().name == "Challenger"


def test_what_a_person_rejected_stays_rejected_and_what_nobody_answered_for_is_asked_again(project):
    project.gates.approval.timeout_seconds = 3
    assert Training(project).end().name == "Challenger"
    project.gates.approval.timeout_seconds = 600
    training = Training(project)
    request = training.request()
    assert request.version == "2"
    record_approval.fn("2", "rejected", "unfair", "Ann", stores=project.stores)
    assert training.end().name == "Challenger"
    known = train(project)
    assert (known.version.version, known.approval.by) == ("2", "Ann")
    assert len(approval_requests(project.stores)) == 2


def test_an_attempt_that_waited_ends_with_its_own_version_not_with_that_of_another_run(project):
    from prefect.states import Cancelled

    training = Training(project)
    request = training.request()
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(request.runs[0].flow_run_id, Cancelled(), force=True)
    training.end()
    record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    # The same rows and configuration, and another attempt.
    other = Training(project, replace_champion=True)
    assert other.request().version == "2"
    record_approval.fn("2", "rejected", "unfair", "Bob", stores=project.stores)
    assert other.end().result().version.version == "2"
    outcome = train(project)
    assert (outcome.outcome, outcome.version.version) == ("promoted", "1")
    assert outcome.approval.by == "Ann"
    assert train(project).version.version == "1"


def crown_a_copy(project) -> str:
    """Make a copy of version 1 the champion, as somebody else's training would."""
    client = project.registry.get_client()
    first = client.get_model_version("calls", "1")
    other = client.create_model_version("calls", first.source, first.run_id, tags=first.tags)
    uri = f"models:/calls/{other.version}"
    promote.fn(uri, expected="1", reason="by hand", stores=project.stores)
    return str(other.version)


def asked_anew(training: Training, about: str) -> str:
    """Wait until a person is asked again, and return the reason."""

    def again():
        (request,) = waiting_requests(training.project.stores) or (None,)
        return request if request and request.champion_version == about and request.runs else None

    assert until(again, 120), training.state
    return training.request().reason


def test_another_champion_came_meanwhile_and_a_person_is_asked_anew_if_the_comparison_passes(
    champion, dataset
):
    champion.gates.approval = "person"
    # The opposite of what the champion learnt.
    frame = make_calls(2_000, seed=3, start="2026-02-01")
    frame["y"] = frame["y"].map({"yes": "no", "no": "yes"})
    champion.dataset = dataset("more", frame)
    training = Training(champion)
    request = training.request()
    other = crown_a_copy(champion)
    resume_flow_run(request.runs[0].flow_run_id, run_input=form("approve"))
    reason = asked_anew(training, other)
    assert reason.endswith(
        "; asked anew, because it was approved by Ann (prefect): the curves look right, against version 1, "
        f"and now it is version {other}"
    )
    assert find_version(champion.registry, tags.CHAMPION).version == other
    record_approval.fn(request.version, "approved", "still right", "Bob", stores=champion.stores)
    state = training.end()
    assert state.name == "Promoted", state.message
    assert state.result().champion_version == other
    entry = promotion_log(champion.stores)[0]
    assert (entry["previous"], entry["approval"]["by"]) == (other, "Bob")
    assert entry["approval"]["champion_version"] == other


def test_an_approval_to_replace_one_champion_is_none_to_replace_another(champion):
    champion.gates.approval = "person"
    training = Training(champion, make_cause("calls"), replace_champion=True)
    request = training.request()
    other = crown_a_copy(champion)
    resume_flow_run(request.runs[0].flow_run_id, run_input=form("approve"))
    assert "against version 1, and now it is version" in asked_anew(training, other)
    record_approval.fn(request.version, "rejected", "not that one", "Ann", stores=champion.stores)
    assert training.end().name == "Challenger"
    assert find_version(champion.registry, tags.CHAMPION).version == other


def test_a_run_that_is_cancelled_while_it_waits_ends_and_the_next_one_asks_again(project):
    from prefect.states import Cancelled

    training = Training(project)
    request = training.request()
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(request.runs[0].flow_run_id, Cancelled(), force=True)
    assert not training.end().is_completed()
    again = Training(project)
    second = until(lambda: len(waiting_requests(project.stores)[0].runs) == 2, 60)
    assert second
    request = again.request()
    assert request.version == "1"
    assert trainings(project) == 1
    record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert again.end().name == "Promoted"


def test_data_that_grew_too_old_while_a_person_was_asked_is_not_promoted(project):
    training = Training(project)
    request = training.request()
    project.gates.freshness.maximum_data_age_days = 0.001
    resume_flow_run(request.runs[0].flow_run_id, run_input=form("approve"))
    state = training.end()
    outcome = state.result()
    assert outcome.outcome == "challenger"
    assert [gate.name for gate in outcome.gates if gate.blocks] == ["data age"]
    assert find_version(project.registry, tags.CHAMPION) is None
