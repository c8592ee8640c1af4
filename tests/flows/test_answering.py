"""A cause is answered once: a second run with it returns what the first one found."""

from __future__ import annotations

import threading
import time

import pytest
from conftest import make_calls
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.flows import train, training
from prefect_mlops.runs.decisions import ended_retrainings
from support.served import make_cause, trainings

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.timeout(900)]


def message_of(state) -> str:
    return state.message or ""


def test_a_refused_candidate_is_the_answer_to_the_same_request_again(champion, dataset):
    # The same rows again: no better than the champion.
    cause = make_cause("calls")
    first = train(champion, cause, return_state=True)
    outcome = first.result()
    assert outcome.outcome in {"challenger", "rejected"}
    begun = trainings(champion)
    # Even where the rows are others by now.
    make_calls(1_100, seed=9).to_parquet(champion.dataset.source.path)
    second = train(champion, cause, return_state=True)
    again = second.result()
    assert second.name == first.name
    assert f"cause {cause.id} was answered by version" in message_of(second)
    assert (again.outcome, again.reasons) == (outcome.outcome, outcome.reasons)
    assert again.version is not None
    assert (again.version.version, again.run_id) == (outcome.version.version, outcome.run_id)
    assert again.training_key == outcome.training_key
    assert trainings(champion) == begun
    # Another request trains.
    train(champion, make_cause("calls"), return_state=True)
    assert trainings(champion) == begun + 1


def test_a_failure_is_no_answer(champion):
    cause, path = make_cause("calls"), champion.dataset.source.path
    make_calls(1_000).drop(columns="y").to_parquet(path)
    with pytest.raises(Exception, match="y") as raised:
        train(champion, cause)
    ending = ended_retrainings(champion.stores)[cause.id]
    assert ending["outcome"] == "failed"
    assert ending["error"] == type(raised.value).__name__
    assert ending["reasons"] == [str(raised.value)]
    make_calls(1_000).to_parquet(path)
    assert train(champion, cause).outcome in {"challenger", "rejected"}
    assert ended_retrainings(champion.stores)[cause.id]["outcome"] != "failed"


def test_of_two_runs_at_once_the_second_waits_for_what_the_first_one_finds(champion, monkeypatch):
    cause, holding = make_cause("calls"), threading.Event()
    begun = trainings(champion)
    trained = []
    original = training._train

    def slow(*arguments):
        trained.append(1)
        holding.set()
        time.sleep(3)
        return original(*arguments)

    monkeypatch.setattr(training, "_train", slow)
    states = []
    threads = [
        threading.Thread(target=lambda: states.append(train(champion, cause, return_state=True)))
        for _ in range(2)
    ]
    threads[0].start()
    assert holding.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join(300)
    assert [state.is_completed() for state in states] == [True, True]
    assert len(trained) == 1
    assert trainings(champion) == begun + 1
    with champion.predictions.get_client() as store:
        ends = [end for end in store.journal("retraining", "calls") if end["cause_id"] == cause.id]
    assert len(ends) == 1
    assert ends[0]["outcome"] != "failed"


def test_an_answer_is_known_without_the_version_that_was_deleted(champion):
    cause = make_cause("calls")
    outcome = train(champion, cause)
    if outcome.version is not None:
        champion.registry.get_client().delete_model_version("calls", outcome.version.version)
    again = train(champion, cause, return_state=True)
    assert "was answered without a new version" in message_of(again)
    assert again.result().outcome == outcome.outcome


def test_rejected_rows_name_their_error(champion):
    cause = make_cause("calls")
    make_calls(1_000).assign(strong=float("nan")).to_parquet(champion.dataset.source.path)
    with pytest.raises(DataRejected):
        train(champion, cause)
    assert ended_retrainings(champion.stores)[cause.id]["error"] == "DataRejected"
