"""A request for retraining reaches the server, once for a cause, or somebody hears that it did not."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventResourceFilter
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_mlops.core.errors import OrchestratorUnavailable
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.runs.events import MODEL_PROMOTED, RETRAINING_REQUESTED, emit, resource_id
from prefect_mlops.tasks.retraining_requests import request_retraining

START = datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def project(make_project):
    """A project whose events nobody else emits."""
    return make_project(name=f"calls-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def cause(project):
    return Cause(
        id=uuid.uuid4().hex[:16],
        project=project.name,
        champion_version="1",
        window=Window(start=START, end=START + timedelta(days=1)),
        rows=500,
        reason="strong drifted",
        signals=["drift"],
        drifted_columns=["strong"],
        metric="log_loss",
        decided_at=START,
    )


def events_of(project) -> list[Any]:
    wanted = EventFilter(resource=EventResourceFilter(id=[resource_id(project.name)]))
    with get_client(sync_client=True) as client:
        return client.read_events(wanted, limit=50).events


def wait_for_events(project, count: int) -> list[Any]:
    until = time.monotonic() + 20
    while len(found := events_of(project)) < count and time.monotonic() < until:
        time.sleep(0.1)
    return found


def test_a_request_is_on_the_server_when_the_task_returns(prefect_api, project, cause):
    assert request_retraining.fn(cause, **project.arguments(request_retraining)) is True
    (event,) = events_of(project)
    assert event.event == RETRAINING_REQUESTED
    assert event.resource["prefect.resource.name"] == project.name
    assert Cause.model_validate(event.payload["cause"]) == cause


def test_the_same_cause_is_asked_for_once(prefect_api, project, cause):
    assert [
        request_retraining.fn(cause, **project.arguments(request_retraining)) for _ in range(3)
    ] == [True, False, False]
    other = cause.model_copy(update={"id": "another"})
    assert request_retraining.fn(other, **project.arguments(request_retraining)) is True
    assert len(wait_for_events(project, 2)) == 2


def test_the_same_cause_of_another_project_is_another_request(
    prefect_api, project, make_project, cause
):
    other = make_project(name=f"{project.name}-b")
    assert request_retraining.fn(cause, **project.arguments(request_retraining)) is True
    assert request_retraining.fn(cause, **other.arguments(request_retraining)) is True


def test_a_server_that_does_not_show_the_event_is_told(prefect_api, project, cause, monkeypatch):
    # Refused after it was taken, as with a wrong key: emitting says nothing, and nothing arrives.
    monkeypatch.setattr("prefect_mlops.tasks.retraining_requests.emit_event", lambda *_, **__: None)
    with pytest.raises(OrchestratorUnavailable, match=f"{cause.id} within 0.5 s"):
        request_retraining.fn(cause, wait_seconds=0.5, **project.arguments(request_retraining))


def test_a_server_out_of_reach_is_told(project, cause):
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(OrchestratorUnavailable, match="PREFECT_API_URL"),
    ):
        request_retraining.fn(cause, wait_seconds=0.5, **project.arguments(request_retraining))


def test_announcements_carry_their_content(prefect_api, project):
    emit(project.name, MODEL_PROMOTED, {"version": "3"})
    (event,) = wait_for_events(project, 1)
    assert (event.event, event.payload) == (MODEL_PROMOTED, {"version": "3"})
