"""The flows tell whom a project names, once, and end as they would have without."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from conftest import make_calls
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect_mlops.core.errors import SourceUnavailable
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.flows.notifying import tell
from prefect_mlops.tasks import extract, notify
from support.own_code import write_module

pytestmark = pytest.mark.usefixtures("prefect_api")
ALERTS = """
told = []


def keep(notice):
    told.append(notice)


def raises(notice):
    raise ConnectionError("nobody answers")
"""


@pytest.fixture
def told(champion, monkeypatch, tmp_path):
    """What the champion's project was told, with a notifier that fails before the one that does not."""
    write_module(monkeypatch, tmp_path, "own_alerts", ALERTS)
    monkeypatch.setattr(notify, "retry_delay_seconds", 0)
    import own_alerts

    champion.name = f"calls-{uuid.uuid4().hex[:8]}"
    champion.notifications = ["own_alerts:raises", "own_alerts:keep"]
    return own_alerts.told


def tasks_of(state) -> dict[str, str]:
    wanted = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))
    with get_client(sync_client=True) as client:
        return {run.name: run.state.name for run in client.read_task_runs(flow_run_filter=wanted)}


def test_an_ending_is_told_and_a_notifier_that_fails_is_seen(champion, told, caplog):
    champion.gates.floors = {"roc_auc": 0.999}
    state = train(champion, return_state=True)
    assert state.name == "Rejected"
    (notice,) = told
    assert (notice.kind, notice.model_name) == ("rejected", "calls")
    assert notice.headline == "calls: the candidate was rejected"
    assert any("roc_auc" in reason for reason in notice.reasons)
    assert notice.payload["outcome"] == "rejected"
    assert tasks_of(state)["notify own_alerts:raises"] == "Failed"
    assert tasks_of(state)["notify own_alerts:keep"] == "Completed"
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert any("own_alerts:raises" in said and "nobody answers" in said for said in errors)


def test_a_training_that_fails_is_told_and_fails_as_before(champion, told, monkeypatch):
    monkeypatch.setattr(extract, "retries", 0)
    champion.dataset.source.path = "nowhere.parquet"
    with pytest.raises(SourceUnavailable, match="does not exist"):
        train(champion)
    (notice,) = told
    assert (notice.kind, notice.payload["error"]) == ("failed", "SourceUnavailable")
    assert "nowhere.parquet" in notice.reasons[0]


def test_a_request_is_told_once_and_a_notifier_that_failed_is_tried_again(champion, told, dataset):
    frame = make_calls(400, seed=5, start="2026-02-01")
    rows = dataset("window", frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"})))
    score(champion, rows)
    label(champion, rows)
    window = (frame["called_at"].min(), frame["called_at"].max() + timedelta(minutes=1))
    states = [monitor(champion, *window, return_state=True) for _ in range(2)]
    assert [state.name for state in states] == ["Retrain", "Retrain"]
    (notice,) = told
    assert notice.kind == "retraining_requested"
    cause = states[0].result().decision.cause
    assert notice.reasons == [cause.reason]
    assert notice.payload["cause"]["id"] == cause.id
    again = tasks_of(states[1])
    assert again["notify own_alerts:raises"] == "Failed"
    assert "notify own_alerts:keep" not in again


def test_without_a_name_nobody_is_told(champion, told):
    champion.notifications = []
    tell(champion, champion.registry)
    assert told == []
