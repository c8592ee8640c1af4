"""From logged traffic to a verdict, its artifact, its events and, if the project says so, the aliases."""

from __future__ import annotations

import time
import uuid

import pytest
from conftest import make_calls
from prefect.client.orchestration import get_client
from prefect.events.filters import EventFilter, EventResourceFilter
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ModelUnavailable
from prefect_mlops.core.settings import CanarySettings
from prefect_mlops.flows import label, score, watch_canary
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version, get_version
from prefect_mlops.runs.events import (
    APPROVAL_REQUESTED,
    CANARY_DECIDED,
    MODEL_PROMOTED,
    resource_id,
)
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks import record_approval

pytestmark = pytest.mark.usefixtures("prefect_api")


@pytest.fixture
def watched(champion, dataset, tmp_path):
    """A function that makes a project with labelled traffic that version 2 shadowed.

    Nobody else emits its events, and its promotion log begins anew, as the name is another one.
    """

    def make(shadowed: int, quality: float, **canary):
        project = champion.model_copy(
            update={
                "name": f"calls-{uuid.uuid4().hex[:8]}",
                "predictions": PredictionLog(uri=f"sqlite:///{tmp_path}/traffic.db"),
                "canary": CanarySettings.model_validate({"latency_ratio": None, **canary}),
            }
        )
        client = project.registry.get_client()
        client.create_model_version("calls", "file:///nowhere")
        client.set_registered_model_alias("calls", tags.CHALLENGER, "2")
        client.set_model_version_tag("calls", "2", tags.REASONS, '["superiority: not sure"]')
        frame = make_calls(400, seed=5, start="2026-02-01")
        rows = dataset("traffic", frame)
        score(project, rows)
        with project.predictions.get_client() as store:
            store.append(
                [
                    Prediction(
                        id=row.call_id,
                        model="calls",
                        version="2",
                        at=row.called_at.to_pydatetime(),
                        features={},
                        prediction=row.y,
                        score={"yes": quality, "no": 1 - quality}
                        if row.y == "yes"
                        else {"yes": 1 - quality, "no": quality},
                        role="shadow",
                    )
                    for row in frame.head(shadowed).itertuples()
                ]
            )
        label(project, rows)
        return project

    return make


def events_of(project, count: int) -> list:
    wanted = EventFilter(resource=EventResourceFilter(id=[resource_id(project.name)]))
    with get_client(sync_client=True) as client:
        until = time.monotonic() + 20
        while len(found := client.read_events(wanted, limit=50).events) < count:
            assert time.monotonic() < until
            time.sleep(0.1)
    return found


def test_a_better_challenger_is_promoted_and_everybody_is_told(watched, artifacts_of):
    project = watched(400, quality=0.95, act=True)
    state = watch_canary(project, return_state=True)
    outcome = state.result()
    assert (state.name, outcome.action) == ("Promoted", "promoted")
    found = find_version(project.registry, tags.CHAMPION)
    assert found is not None
    assert found.version == "2"
    events = {event.event: event.payload for event in events_of(project, 2)}
    assert events[CANARY_DECIDED]["verdict"] == "promote"
    assert events[MODEL_PROMOTED]["version"]["version"] == "2"
    shown = artifacts_of(state)[f"canary-{project.name}"].data
    assert "Version 2 against champion version 1" in shown
    assert "| performance | ✓ passed | log_loss improves by" in shown
    assert "superiority: not sure" in shown
    # The next run finds nobody to judge.
    assert watch_canary(project, return_state=True).name == "No challenger"


def test_a_worse_challenger_is_withdrawn(watched):
    project = watched(400, quality=0.2, act=True)
    state = watch_canary(project, return_state=True)
    assert (state.name, state.result().action) == ("Withdrawn", "withdrawn")
    assert find_version(project.registry, tags.CHALLENGER) is None
    assert get_version(project.registry, "1").aliases == ["champion"]


def test_by_default_the_verdict_is_reported_and_its_event_comes_once(watched, artifacts_of):
    project = watched(400, quality=0.95)
    states = [watch_canary(project, return_state=True) for _ in range(2)]
    assert [state.name for state in states] == ["Promote", "Promote"]
    assert states[0].result() == states[1].result()
    assert states[0].result().action == "none"
    assert get_version(project.registry, "1").aliases == ["champion"]
    (event,) = events_of(project, 1)
    assert event.event == CANARY_DECIDED
    assert "canary.act is off" in artifacts_of(states[1])[f"canary-{project.name}"].data


def test_too_little_traffic_is_watched(watched, artifacts_of):
    project = watched(150, quality=0.95, act=True)
    state = watch_canary(project, return_state=True)
    assert state.name == "Keep watching"
    assert "50 are missing" in artifacts_of(state)[f"canary-{project.name}"].data
    assert get_version(project.registry, "2").aliases == ["challenger"]


def test_without_a_challenger_there_is_nothing_to_judge(champion, artifacts_of):
    state = watch_canary(champion, return_state=True)
    assert state.name == "No challenger"
    assert state.result().verdict is None
    assert "has no challenger" in artifacts_of(state)[f"canary-{champion.name}"].data


def test_without_a_champion_there_is_nobody_to_judge_against(make_flow_project):
    with pytest.raises(ModelUnavailable, match="run the training flow first"):
        watch_canary(make_flow_project())


def test_where_a_person_has_the_last_word_a_better_challenger_waits_for_it(watched, artifacts_of):
    project = watched(400, quality=0.95, act=True)
    project.gates.approval = "person"
    state = watch_canary(project, return_state=True)
    assert state.result().action == "none"
    assert "it waits for a person's approval until" in state.result().reason
    assert get_version(project.registry, "1").aliases == ["champion"]
    events = {event.event: event.payload for event in events_of(project, 2)}
    assert events[APPROVAL_REQUESTED]["version"] == "2"
    record_approval.fn("2", "approved", "seen on traffic", "Ann", stores=project.stores)
    state = watch_canary(project, return_state=True)
    assert (state.name, state.result().action) == ("Promoted", "promoted")
    assert promotion_log(project.stores)[0]["approval"]["reason"] == "seen on traffic"


def test_a_challenger_that_a_person_rejected_is_not_promoted_by_traffic(watched):
    project = watched(400, quality=0.95, act=True)
    project.gates.approval = "person"
    watch_canary(project)
    record_approval.fn("2", "rejected", "unfair", "Ann", stores=project.stores)
    # Not even where nobody would be asked by now.
    project.gates.approval = "automatic"
    outcome = watch_canary(project)
    assert outcome.action == "none"
    assert "it was rejected by Ann (python): unfair" in outcome.reason
    assert get_version(project.registry, "1").aliases == ["champion"]
