"""What is asked of a person, and where the answer is found: in the journal, in a tag, at the time limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Approval, ApprovalRequest
from prefect_mlops.core.settings import ApprovalSettings
from prefect_mlops.registry.approval_tags import parse_answer
from prefect_mlops.registry.versions import get_version
from prefect_mlops.runs.approvals import (
    approval_requests,
    first_answer,
    in_words,
    open_requests,
    record_closed,
    record_request,
    standing_request,
    waiting_requests,
)
from prefect_mlops.tasks import find_approval, record_approval, request_approval, settle_approvals
from prefect_mlops.tasks.approval import approval_of
from support.candidates import with_mlflow

pytestmark = pytest.mark.usefixtures("prefect_api")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """A project with one version."""
    folder = tmp_path_factory.mktemp("registered")
    project = MLProject(
        name="calls",
        task_type="binary",
        dataset=Dataset(
            source={"type": "parquet", "path": str(folder / "rows.parquet")},
            columns={"target": "y", "timestamp": "called_at", "id": "call_id"},
        ),
        registry=ModelRegistry(tracking_uri=f"sqlite:///{folder}/mlflow.db", model_name="calls"),
        predictions=PredictionLog(uri=f"sqlite:///{folder}/predictions.db"),
        workspace=str(folder / "workspace"),
    )
    client = with_mlflow(project).registry.get_client()
    client.create_registered_model("calls")
    client.create_model_version("calls", "file:///nowhere", tags={tags.EVIDENCE_RUN_ID: "run"})
    return project


@pytest.fixture
def project(registered, tmp_path):
    """The project with a journal of this test's own."""
    client = registered.registry.get_client()
    if tags.APPROVAL in client.get_model_version("calls", "1").tags:
        client.delete_model_version_tag("calls", "1", tags.APPROVAL)
    journal = PredictionLog(uri=f"sqlite:///{tmp_path}/predictions.db")
    return registered.model_copy(update={"predictions": journal})


def ask(project, expected=None, **settings) -> ApprovalRequest:
    project.gates.approval = ApprovalSettings(by="person", **settings)
    version = get_version(project.registry, "1")
    given = project.arguments(request_approval)
    return request_approval.fn(version, "surely better", "key", expected=expected, **given)


def look(project, request) -> ApprovalRequest:
    return find_approval.fn(request, **project.arguments(find_approval))


def set_tag(project, text: str) -> None:
    project.registry.get_client().set_model_version_tag("calls", "1", tags.APPROVAL, text)


def tag_of(project) -> str:
    return get_version(project.registry, "1").tags[tags.APPROVAL]


def backdated(project, *, hours: float) -> ApprovalRequest:
    """A request whose time limit passed."""
    request = ApprovalRequest(
        model="calls",
        version="1",
        run_id=get_version(project.registry, "1").run_id,
        requested_at=datetime.now(UTC) - timedelta(hours=hours),
        timeout_seconds=3600,
        at_timeout="reject",
    )
    return record_request(project.stores, request)


def test_a_request_is_made_once_and_keeps_the_limit_that_it_was_announced_with(project):
    first = ask(project, timeout_seconds=3600)
    again = ask(project, timeout_seconds=60, at_timeout="approve")
    assert again == first
    assert approval_requests(project.stores) == [first]
    assert first.until == first.requested_at + timedelta(hours=1)
    assert tag_of(project).startswith(
        f"waiting: until {first.until:%Y-%m-%d %H:%M} UTC, then reject. "
    )


def test_nothing_is_found_while_nobody_answered(project):
    assert look(project, ask(project)).approval is None
    assert settle_approvals.fn(stores=project.stores) == []
    assert len(waiting_requests(project.stores)) == 1


def test_a_tag_is_read_and_then_says_what_counts(project):
    request = ask(project)
    set_tag(project, " REJECT : unfair to students by the risk team by Ann Lee ")
    answer = look(project, request).approval
    assert answer is not None
    assert (answer.decision, answer.reason) == ("rejected", "unfair to students by the risk team")
    assert (answer.by, answer.through) == ("Ann Lee", "mlflow")
    assert tag_of(project) == "rejected: unfair to students by the risk team by Ann Lee"


def test_a_tag_that_is_no_answer_says_how_to_write_one_and_is_none(project):
    request = ask(project)
    for text in ("approved", "approved: by Ann", "approved: fine", "yes: fine by Ann"):
        set_tag(project, text)
        assert look(project, request).approval is None
        assert tag_of(project).startswith(f"waiting: {text!r} was not understood: write approved: ")


@given(
    decision=st.sampled_from(["approved", "rejected"]),
    reason=st.text(min_size=1).filter(str.strip),
    by=st.text(min_size=1).filter(lambda t: t.strip() and " by " not in f" {' '.join(t.split())} "),
)
def test_what_is_written_by_the_rule_is_read(decision, reason, by):
    found = parse_answer(f"{decision}: {reason} by {by}", NOON)
    assert found is not None
    assert found.decision == decision
    assert found.reason == reason.strip()
    assert found.by == by.strip()


@given(st.text())
def test_no_text_is_an_approval_without_the_word(text):
    found = parse_answer(text, NOON)
    assert found is None or text.strip().lower().startswith(found.decision[:6])


def test_at_the_time_limit_the_default_holds(project):
    request = backdated(project, hours=2)
    answer = look(project, request).approval
    assert answer is not None
    assert answer.sentence == "rejected: nobody answered within 1 hour"
    assert tag_of(project) == "rejected: nobody answered within 1 hour"


def test_an_approval_that_comes_too_late_does_not_count(project):
    backdated(project, hours=2)
    with pytest.raises(
        ConfigurationError, match="nobody answered within 1 hour; approved too late"
    ):
        record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert approval_requests(project.stores)[0].approval.decision == "rejected"


def test_a_rejection_that_comes_late_counts(project):
    backdated(project, hours=2)
    answer = record_approval.fn("1", "rejected", "unfair", "Ann", stores=project.stores)
    assert (answer.by, answer.through) == ("Ann", "python")


def test_the_same_answer_again_changes_nothing(project):
    ask(project)
    first = record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores) == first
    assert ask(project).approval == first


@pytest.mark.parametrize("earlier", ["rejected", "approved"])
def test_an_answer_in_a_tag_that_nobody_has_read_yet_is_not_overwritten(project, earlier):
    request = ask(project)
    set_tag(project, f"{earlier}: unfair to students by Ann")
    other = {"rejected": "approved", "approved": "rejected"}[earlier]
    with pytest.raises(
        ConfigurationError,
        match=rf"was {earlier} by Ann \(mlflow\): unfair to students, on 20\d\d-",
    ):
        record_approval.fn("1", other, "looks ok", "Bob", stores=project.stores)
    answer = look(project, request).approval
    assert (answer.decision, answer.by) == (earlier, "Ann")
    assert tag_of(project) == f"{earlier}: unfair to students by Ann"


def test_the_answer_of_a_tag_given_again_otherwise_changes_nothing(project):
    ask(project)
    set_tag(project, "approved: fine by Ann")
    answer = record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert answer.through == "mlflow"


def test_what_can_be_done_about_an_answer_is_said(project):
    ask(project)
    record_approval.fn("1", "rejected", "unfair", "Ann", stores=project.stores)
    with pytest.raises(ConfigurationError, match=r"ends with it, too\. Train on other rows"):
        record_approval.fn("1", "approved", "fine", "Bob", stores=project.stores)


def answer(decision: str, through: str, at: datetime) -> Approval:
    return Approval(decision=decision, reason="r", by="Ann", through=through, decided_at=at)


@pytest.mark.parametrize(
    ("form", "tag", "counts"),
    [
        (None, None, None),
        (("approved", 0), None, "prefect approved"),
        (("approved", 2), None, "time limit rejected"),
        (("rejected", 2), None, "prefect rejected"),
        (None, ("approved", 2), "mlflow approved"),
        (("approved", 0), ("rejected", 2), "mlflow rejected"),
        (("rejected", 0), ("approved", 2), "prefect rejected"),
        (("approved", 2), ("approved", 2), "mlflow approved"),
    ],
)
def test_of_a_form_and_a_tag_that_contradict_each_other_the_rejection_counts(form, tag, counts):
    request = ApprovalRequest(
        model="calls",
        version="1",
        run_id="run",
        requested_at=NOON,
        timeout_seconds=3600,
        at_timeout="reject",
    )
    given = [
        found and answer(found[0], through, NOON + timedelta(hours=found[1]))
        for found, through in ((form, "prefect"), (tag, "mlflow"))
    ]
    found = first_answer(request, *given)
    assert (found and f"{found.through} {found.decision}") == counts


def test_a_tag_that_is_found_after_the_time_limit_was_set_in_time(project):
    request = backdated(project, hours=2)
    set_tag(project, "approved: checked by Ann")
    answer = look(project, request).approval
    assert answer.sentence == "approved by Ann (mlflow): checked"


def test_a_tag_that_is_set_after_the_first_look_past_the_limit_is_too_late(project):
    request = backdated(project, hours=2)
    look(project, request)
    set_tag(project, "approved: checked by Ann")
    assert look(project, request).approval.through == "time limit"


def test_an_approval_says_which_champion_it_was_given_against(project):
    request = ask(project, expected="7")
    record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert look(project, request).approval.champion_version == "7"


def test_with_another_champion_a_person_is_asked_anew_and_the_old_tag_is_no_answer(project):
    version, expected = get_version(project.registry, "1"), "7"
    ask(project, expected=expected)
    record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    given = {"settings": project.gates.approval, "stores": project.stores}
    stands = approval_of(version, "canary", expected="7", **given)
    assert stands.approval.decision == "approved"
    anew = approval_of(version, "canary", expected="8", **given)
    assert anew.approval is None
    assert anew.champion_version == "8"
    assert anew.reason == (
        "canary; asked anew, because it was approved by Ann (python): fine, against version 7, "
        "and now it is version 8"
    )
    assert tag_of(project).startswith("waiting: until ")
    assert approval_of(version, "canary", expected="8", **given) == anew
    record_approval.fn("1", "approved", "still", "Bob", stores=project.stores)
    assert approval_of(version, "canary", expected="8", **given).approval.by == "Bob"
    # Back again, what was approved against it stands.
    assert approval_of(version, "canary", expected="7", **given).approval.by == "Ann"


def test_an_approval_that_is_found_after_the_champion_changed_is_none_against_the_new_one(project):
    version = get_version(project.registry, "1")
    ask(project, expected="7")
    set_tag(project, "approved: fine by Ann")
    found = approval_of(
        version, "canary", expected="8", settings=project.gates.approval, stores=project.stores
    )
    assert (found.champion_version, found.approval) == ("8", None)
    # Not even where nobody would be asked by now.
    found = approval_of(version, "canary", expected="8", settings=None, stores=project.stores)
    assert (found.champion_version, found.approval) == ("8", None)


def test_a_rejection_stands_whoever_is_the_champion(project):
    request = ask(project, expected="7")
    record_approval.fn("1", "rejected", "unfair", "Ann", stores=project.stores)
    assert ask(project, expected="8").approval.by == "Ann"
    assert standing_request([look(project, request)], "8") is not None


def test_a_request_that_no_run_waits_for_is_closed_with_its_answer(project):
    request = ask(project)
    record_approval.fn("1", "approved", "fine", "Ann", stores=project.stores)
    assert len(open_requests(project.stores)) == 1
    assert settle_approvals.fn(stores=project.stores) == []
    assert open_requests(project.stores) == []
    record_closed(project.stores, request)
    assert look(project, request).approval is not None


def test_a_version_of_the_same_number_that_became_another_is_not_written_on(project):
    other = ApprovalRequest(
        model="calls",
        version="1",
        run_id="of another registered model",
        requested_at=datetime.now(UTC),
        timeout_seconds=60,
        at_timeout="reject",
    )
    record_request(project.stores, other)
    set_tag(project, "approved: fine by Ann")
    assert look(project, other).approval is None


def test_a_deleted_version_stops_nobody_from_looking(project):
    request = backdated(project, hours=2).model_copy(update={"version": "9"})
    record_request(project.stores, request)
    assert {found.version for found in approval_requests(project.stores)} == {"1", "9"}
    settle_approvals.fn(stores=project.stores)
    assert all(found.approval for found in approval_requests(project.stores))


def test_an_answer_without_reason_or_name_is_none():
    fields = {"decision": "approved", "through": "python", "decided_at": NOON}
    for broken in ({"reason": " ", "by": "Ann"}, {"reason": "fine", "by": ""}):
        with pytest.raises(ValueError, match="String should"):
            Approval(**fields, **broken)


@given(st.floats(min_value=0.001, max_value=1e9))
def test_durations_are_said_in_one_unit(seconds):
    amount, unit = in_words(seconds).split()
    assert float(amount) > 0
    assert unit.rstrip("s") in {"second", "minute", "hour", "day"}
