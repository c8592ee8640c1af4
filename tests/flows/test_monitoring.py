"""From a window to a decision, which is the same however often it is asked for, and to one request."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial

import pandas as pd
import pytest
from conftest import make_calls
from prefect.client.orchestration import get_client
from prefect.states import Cancelled, StateType
from prefect_mlops.core import tags
from prefect_mlops.core.errors import ModelUnavailable, OrchestratorUnavailable
from prefect_mlops.core.results import Cause
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.runs.decisions import ended_retrainings
from prefect_mlops.runs.outbox import undelivered
from prefect_mlops.tasks.delivery import deliver_pending
from support.served import ask, make_cause

pytestmark = pytest.mark.usefixtures("prefect_api")


# One of the 99% of windows in which chance alone raises no alarm.
SEED = 5


@pytest.fixture
def watched(champion):
    """The project under a name whose events nobody else emits."""
    return champion.model_copy(update={"name": f"calls-{uuid.uuid4().hex[:8]}"})


def see(project, dataset, frame: pd.DataFrame, labelled: bool = False):
    """Score rows, as a window that follows whatever was there before."""
    rows = dataset("window", frame)
    score(project, rows)
    if labelled:
        label(project, rows)
    end = frame["called_at"].max() + timedelta(minutes=1)
    return frame["called_at"].min().to_pydatetime(), end.to_pydatetime()


def test_a_window_like_the_reference_is_healthy(watched, dataset, artifacts_of):
    start, end = see(
        watched, dataset, make_calls(400, seed=SEED, start="2026-02-01"), labelled=True
    )
    state = monitor(watched, start, end, return_state=True)
    outcome = state.result()
    assert (state.type, state.name) == (StateType.COMPLETED, "Healthy")
    assert (outcome.decision.action, outcome.requested) == ("none", False)
    assert (outcome.drift.verdict, outcome.performance.verdict) == ("passed", "passed")
    found = artifacts_of(state)
    assert {f"monitoring-{watched.name}", f"drift-{watched.name}"} == set(found)
    assert outcome.decision.id in found[f"monitoring-{watched.name}"].data


def test_worse_performance_asks_for_a_retraining_once(watched, dataset):
    frame = make_calls(400, seed=SEED, start="2026-02-01")
    wrong = frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"}))
    start, end = see(watched, dataset, wrong, labelled=True)
    state = monitor(watched, start, end, return_state=True)
    outcome = state.result()
    assert state.name == "Retrain"
    assert outcome.requested is True
    cause = outcome.decision.cause
    assert cause is not None
    assert cause.signals == ["performance"]
    assert cause.monitoring_run_id == str(state.state_details.flow_run_id)
    again = monitor(watched, start, end)
    assert again.decision == outcome.decision
    assert again.requested is False


def test_a_later_window_sends_what_the_server_did_not_take(watched, dataset, monkeypatch):
    frame = make_calls(400, seed=SEED, start="2026-02-01")
    wrong = frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"}))
    first = see(watched, dataset, wrong, labelled=True)
    with monkeypatch.context() as patch:
        # As of a server that stops between the decision and the event.
        patch.setattr("prefect_mlops.tasks.retraining_requests.emit_event", lambda *_, **__: None)
        patch.setattr(deliver_pending, "fn", partial(deliver_pending.fn, wait_seconds=0.5))
        with pytest.raises(OrchestratorUnavailable, match="whatever its window"):
            monitor(watched, *first)
    (cause,) = undelivered(watched.stores)
    healthy = make_calls(400, seed=SEED, start="2026-02-03")
    outcome = monitor(watched, *see(watched, dataset, healthy, labelled=True))
    assert outcome.requested is False
    assert undelivered(watched.stores) == []
    assert monitor(watched, *first).decision.cause == cause


def test_a_training_that_was_cancelled_is_known_to_the_next_window(watched, dataset):
    cause = make_cause(watched.name)
    ask(watched, cause)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(
            train,
            parameters={"project": watched.name, "cause": cause.model_dump(mode="json")},
            state=Cancelled(message="by a person"),
        )
    window = see(watched, dataset, make_calls(400, seed=SEED, start="2026-02-01"), labelled=True)
    monitor(watched, *window)
    ending = ended_retrainings(watched.stores)[cause.id]
    assert (ending["outcome"], ending["flow_run_id"]) == ("cancelled", str(run.id))


def test_drift_is_held_until_a_second_window_confirms_it(watched, dataset):
    first = see(watched, dataset, make_calls(400, seed=3, shift=1.5, start="2026-02-01"))
    state = monitor(watched, *first, return_state=True)
    assert state.name == "Hold"
    held = state.result()
    assert held.drift.drifted_columns[0] == "strong"
    assert (held.decision.alarm, held.requested) == (True, False)
    second = see(watched, dataset, make_calls(400, seed=4, shift=1.5, start="2026-02-03"))
    state = monitor(watched, *second, return_state=True)
    assert state.name == "Retrain"
    assert state.result().requested is True


def test_too_few_predictions_are_held_not_passed(watched, dataset):
    window = see(watched, dataset, make_calls(50, seed=3, start="2026-02-01"))
    state = monitor(watched, *window, return_state=True)
    assert state.name == "Hold"
    assert state.result().drift.verdict == "not_run"


def test_the_whole_loop_closes(champion, dataset):
    # The world turns: what made people say yes now makes them say no.
    turned = make_calls(1_200, seed=6, start="2026-02-01")
    turned["y"] = turned["y"].map({"yes": "no", "no": "yes"})
    window, since = turned[:400], turned[400:]
    start, end = see(champion, dataset, window, labelled=True)
    asked = monitor(champion, start, end).decision.cause
    assert asked is not None
    dataset("rows", pd.concat([window, since]).reset_index(drop=True))
    # As it arrives from the automation.
    state = train(champion, cause=asked.model_dump(mode="json"), return_state=True)
    outcome = state.result()
    assert state.name == "Promoted", outcome.reasons
    assert outcome.cause_id == asked.id
    assert outcome.repair is not None
    assert outcome.repair.verdict == "passed"
    version = get_champion(champion.registry)
    assert version.version == "2"
    assert Cause.model_validate_json(version.tags[tags.CAUSE]) == asked
    assert version.tags[tags.REPAIR] == "passed"
    # The request was answered: the same window does not ask again.
    assert monitor(champion, start, end).requested is False


def test_before_the_first_training_there_is_nothing_to_watch(make_flow_project):
    with pytest.raises(ModelUnavailable, match="run the training flow first"):
        monitor(make_flow_project())
