"""A request that nobody received is sent again, and one that started nothing is run, each once."""

from __future__ import annotations

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import get_client
from prefect.events.schemas.automations import AutomationCore
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelled, Completed, Crashed, Failed, Pending, Running
from prefect_mlops.core.errors import OrchestratorUnavailable
from prefect_mlops.deployments.automations import automation_name, install_automation
from prefect_mlops.deployments.serving import deployments_of
from prefect_mlops.runs.decisions import ended_retrainings
from prefect_mlops.runs.endings import judged_end, record_end
from prefect_mlops.runs.events import request_received
from prefect_mlops.runs.outbox import note_ended_runs, undelivered
from prefect_mlops.runs.training_runs import listening_deployment, start_training, training_runs
from prefect_mlops.tasks.delivery import deliver_pending
from support.candidates import with_mlflow
from support.served import ask, make_cause, until

pytestmark = pytest.mark.usefixtures("prefect_api")
SOON = {"wait_seconds": 10.0, "grace_seconds": 0.0}


@pytest.fixture
def project(make_project):
    """A project whose champion is version 1, of two that there are."""
    project = with_mlflow(make_project(name=f"calls-{uuid.uuid4().hex[:8]}"))
    client = project.registry.get_client()
    client.create_registered_model("calls")
    for _ in range(2):
        client.create_model_version("calls", "file:///nowhere")
    crown(project, "1")
    return project


@pytest.fixture
def deployed(project):
    """Id of the training deployment, which no automation runs yet."""

    async def deploy():
        training, *_ = await deployments_of(project.name)
        return await training.aapply()

    return asyncio.run(deploy())


def crown(project, version: str) -> None:
    project.registry.get_client().set_registered_model_alias("calls", "champion", version)


def asked(project, **fields):
    cause = make_cause(project.name, **fields)
    ask(project, cause)
    return cause


def deliveries(project, cause) -> list[dict]:
    with project.predictions.get_client() as store:
        found = store.journal("delivery", project.name)
    return [document for document in reversed(found) if document["cause_id"] == cause.id]


def runs_of(project, *causes):
    with get_client(sync_client=True) as client:
        found = training_runs(client, project.name, list(causes))
    return [found.get(cause.id, []) for cause in causes]


def end(run, state) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, state, force=True)


def received(project, cause) -> bool:
    with get_client(sync_client=True) as client:
        return request_received(client, project.name, cause)


def test_what_the_server_did_not_take_is_sent_later_oldest_first_and_once(project):
    first, second = asked(project), asked(project)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(OrchestratorUnavailable, match="the next monitoring run sends"),
    ):
        deliver_pending.fn(**SOON, **project.arguments(deliver_pending))
    assert undelivered(project.stores) == [first, second]
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == [first, second]
    assert undelivered(project.stores) == []
    assert received(project, first)
    assert received(project, second)
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == []
    (document,) = deliveries(project, first)
    assert set(document) == {"cause_id", "delivered_at", "reason"}
    assert datetime.fromisoformat(document["delivered_at"]) <= datetime.now(UTC)


def test_a_process_that_died_after_it_had_sent_finds_the_event(project, monkeypatch):
    cause = asked(project)
    with monkeypatch.context() as patch:
        patch.setattr("prefect_mlops.tasks.retraining_requests.record_delivery", lambda *_: None)
        assert deliver_pending.fn(**project.arguments(deliver_pending)) == [cause]
    assert undelivered(project.stores) == [cause]
    # Though it is out of date by now: it was sent, and says so.
    crown(project, "2")
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == []
    assert [set(document) for document in deliveries(project, cause)] == [
        {"cause_id", "delivered_at", "reason"}
    ]


@pytest.mark.parametrize("champion", ["2", None])
def test_a_request_about_another_champion_is_superseded_not_sent(project, champion):
    cause = asked(project)
    if champion:
        crown(project, champion)
    else:
        project.registry.get_client().delete_registered_model_alias("calls", "champion")
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == []
    (document,) = deliveries(project, cause)
    assert set(document) == {"cause_id", "superseded_at", "reason"}
    assert "because of version 1" in document["reason"]
    assert undelivered(project.stores) == []
    assert not received(project, cause)


def test_a_request_that_a_later_one_answered_is_superseded(project):
    early, late = asked(project), asked(project)
    record_end(project.stores, late, {"outcome": "rejected", "reasons": ["it is no better"]})
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == []
    (document,) = deliveries(project, early)
    assert document["reason"] == f"retraining {late.id} was asked for later and has ended"


def test_a_later_one_that_judged_nothing_supersedes_nothing(project):
    early, late = asked(project), asked(project)
    record_end(
        project.stores, late, {"outcome": "failed", "reasons": ["no rows"], "error": "DataRejected"}
    )
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == [early]


def test_an_event_that_started_nothing_is_run_directly_and_once(project, deployed):
    cause = asked(project)
    # Nobody listens: the event is lost for good.
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == [cause]
    deliver_pending.fn(**SOON, **project.arguments(deliver_pending))
    assert runs_of(project, cause) == [[]]
    install_automation(project.name)
    deliver_pending.fn(grace_seconds=3600, **project.arguments(deliver_pending))
    assert runs_of(project, cause) == [[]]
    for _ in range(3):
        assert deliver_pending.fn(**SOON, **project.arguments(deliver_pending)) == []
    ((run,),) = runs_of(project, cause)
    assert run.deployment_id == deployed
    assert run.parameters["project"] == project.name
    assert run.parameters["cause"] == cause.model_dump(mode="json")
    started = deliveries(project, cause)[-1]
    assert (started["flow_run_id"], "started_at" in started) == (str(run.id), True)


def test_two_that_run_it_directly_at_once_create_one_run(project, deployed):
    cause = asked(project)
    with get_client(sync_client=True) as client:
        runs = [start_training(client, project.name, cause, deployed) for _ in range(5)]
    assert len({run.id for run in runs}) == 1


def test_an_event_that_was_answered_by_the_automation_is_not_run_again(project, deployed):
    install_automation(project.name)
    time.sleep(2)
    cause = asked(project)
    assert deliver_pending.fn(**project.arguments(deliver_pending)) == [cause]
    assert until(lambda: runs_of(project, cause)[0], 30)
    deliver_pending.fn(**SOON, **project.arguments(deliver_pending))
    assert len(runs_of(project, cause)[0]) == 1


def test_an_automation_that_somebody_disabled_is_respected(project, deployed):
    created = install_automation(project.name)
    with get_client(sync_client=True) as client:
        client.pause_automation(created.id)
    cause = asked(project)
    deliver_pending.fn(**project.arguments(deliver_pending))
    deliver_pending.fn(**SOON, **project.arguments(deliver_pending))
    assert runs_of(project, cause) == [[]]
    with get_client(sync_client=True) as client:
        client.resume_automation(created.id)
    deliver_pending.fn(**SOON, **project.arguments(deliver_pending))
    assert len(runs_of(project, cause)[0]) == 1


def test_the_trigger_of_a_deployment_counts_as_its_automation(project, deployed):
    created = install_automation(project.name)
    with get_client(sync_client=True) as client:
        assert listening_deployment(client, project.name) == deployed
        # As `prefect deploy` names it.
        (found,) = client.read_automations_by_name(automation_name(project.name))
        content = found.model_dump(exclude={"id", "owner_resource"})
        client.update_automation(created.id, AutomationCore(**{**content, "name": "a trigger"}))
        assert listening_deployment(client, project.name) == deployed
        assert listening_deployment(client, "nobody") is None


@pytest.mark.parametrize(
    ("state", "outcome", "sentence"),
    [
        (Cancelled(message="by a person"), "cancelled", "was cancelled: by a person"),
        (
            Crashed(message="Flow run process exited with -9"),
            "crashed",
            "crashed: Flow run process",
        ),
        (Failed(message="LogUnavailable: no log"), "failed", "failed: LogUnavailable"),
    ],
)
def test_a_run_that_could_not_say_how_it_ended_is_noted(
    project, deployed, state, outcome, sentence
):
    cause = asked(project)
    with get_client(sync_client=True) as client:
        run = start_training(client, project.name, cause, deployed)
    assert note_ended_runs(project.stores) == []
    end(run, state)
    assert note_ended_runs(project.stores) == [cause]
    assert note_ended_runs(project.stores) == []
    ending = ended_retrainings(project.stores)[cause.id]
    assert ending["outcome"] == outcome
    assert ending["flow_run_id"] == str(run.id)
    assert sentence in ending["reasons"][0]
    assert judged_end(project.stores, cause) is None
    # Somebody runs it again, and what comes of it counts.
    record_end(project.stores, cause, {"outcome": "promoted", "reasons": [], "version": "2"})
    assert ended_retrainings(project.stores)[cause.id]["outcome"] == "promoted"


@pytest.mark.parametrize("other", [Running(), Pending(), Completed()])
def test_a_cause_with_a_run_that_may_still_end_or_has_answered_is_left_alone(
    project, deployed, other
):
    cause = asked(project)
    with get_client(sync_client=True) as client:
        first = start_training(client, project.name, cause, deployed)
        second = client.create_flow_run_from_deployment(deployed, parameters=first.parameters)
    end(first, Cancelled())
    end(second, other)
    assert note_ended_runs(project.stores) == []


def test_a_run_that_gives_no_sign_of_life_any_more_has_crashed(project, deployed, monkeypatch):
    cause = asked(project)
    with get_client(sync_client=True) as client:
        run = start_training(client, project.name, cause, deployed)
        end(run, Running())
        assert note_ended_runs(project.stores) == []
        client.request(
            "POST",
            "/events",
            json=[
                {
                    "occurred": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
                    "event": "prefect.flow-run.heartbeat",
                    "resource": {"prefect.resource.id": f"prefect.flow-run.{run.id}"},
                    "related": [],
                    "payload": {},
                    "id": str(uuid.uuid4()),
                }
            ],
        )
    assert until(lambda: note_ended_runs(project.stores), 20) == [cause]
    assert "no sign of life" in ended_retrainings(project.stores)[cause.id]["reasons"][0]
