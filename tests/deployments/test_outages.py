"""The server and the process that serves come and go, and every request is answered once."""

from __future__ import annotations

import os
import random
import signal
import time
from uuid import uuid4

import pytest
from conftest import make_calls
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect_mlops.core import tags
from prefect_mlops.flows import train
from prefect_mlops.registry.versions import find_version
from prefect_mlops.runs.outbox import note_ended_runs
from support.candidates import with_mlflow
from support.events_worker import forget_events
from support.served import (
    Served,
    ask,
    event_of,
    make_cause,
    trainings,
    until,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
QUICK = {
    "training": {"estimators": ["linear"], "trials": 1, "folds": 2},
    "gates": {"deepchecks": [], "resamples": 200},
}


@pytest.fixture
def served(make_project, tmp_path):
    """A real server with a project whose block is saved; `serve` is not started yet."""
    name = f"calls-{uuid4().hex[:8]}"
    project = with_mlflow(make_project(make_calls(600), name=name, **QUICK))
    served = Served(tmp_path, project)
    served.start_server()
    settings = {PREFECT_API_URL: served.server.api_url, PREFECT_HOME: served.server.home}
    with temporary_settings(settings):
        project.save(name)
        yield served
        forget_events()
    served.close()


def tracebacks(text: str) -> list[str]:
    return [line for line in text.splitlines() if "Traceback" in line or "never awaited" in line]


def test_serve_waits_for_a_server_that_stops_and_goes_on_when_it_is_back(served):
    served.serve()
    served.server.stop()
    assert until(lambda: "does not answer" in served.said(), 60), served.said()
    # Longer than Prefect's own runner would have borne it.
    time.sleep(60)
    assert served.process.poll() is None
    served.start_server()
    assert until(lambda: "server is back" in served.said(), 60), served.said()
    cause = make_cause(served.project.name, "none")
    served.emit([event_of(cause)])
    assert until(lambda: served.runs([cause])), "nothing was created"
    assert until(lambda: served.journal("retraining")), served.said()
    assert served.end() == 0
    text = served.said()
    assert tracebacks(text) == []
    assert text.count("does not answer") == text.count("server is back") == 1


def test_serve_ends_orderly_when_it_is_told_to(served):
    served.serve()
    begin = time.monotonic()
    assert served.end() == 0
    assert time.monotonic() - begin < 30
    assert tracebacks(served.said()) == []


def answers(served, cause) -> list[str]:
    found = [end for end in served.journal("retraining") if end["cause_id"] == cause.id]
    return [end["outcome"] for end in reversed(found)]


def settled(served, causes) -> bool:
    """Whether every cause has runs, and all of them are over."""
    runs = served.runs(causes)
    return len(runs) == len(causes) and all(
        run.state.is_final() for of_one in runs.values() for run in of_one
    )


def first_champion(served) -> str:
    train(served.project)
    champion = find_version(served.project.registry, tags.CHAMPION)
    assert champion is not None
    return champion.version


def test_a_thousand_events_for_three_causes_are_three_trainings(served):
    version = first_champion(served)
    served.serve()
    causes = [make_cause(served.project.name, version) for _ in range(3)]
    # What monitoring emits has one id for a cause: 996 times over, shuffled, among six with ids of
    # their own, as of somebody who emits by hand.
    events = [event_of(cause) for cause in causes for _ in range(332)]
    events[:0] = [event_of(cause, uuid4()) for cause in causes for _ in range(2)]
    random.Random(0).shuffle(events)
    for begin in range(0, len(events), 50):
        served.emit(events[begin : begin + 50])
    assert until(lambda: settled(served, causes), 900), served.said()[-3000:]
    # Late ones, and after a restart of both.
    served.end()
    served.server.stop()
    served.start_server()
    served.serve()
    served.emit([event_of(cause) for cause in causes for _ in range(2)])
    time.sleep(10)
    assert until(lambda: settled(served, causes), 300)
    created = [len(runs) for runs in served.runs(causes).values()]
    # Of one id the server starts one run; one that was restarted may start another for late ones. None
    # of them but the first trains.
    assert all(3 <= runs <= 4 for runs in created), created
    assert trainings(served.project) == 1 + len(causes)
    for cause in causes:
        (answer,) = answers(served, cause)
        assert answer in {"challenger", "rejected"}
    served.end()
    assert tracebacks(served.said()) == []


def test_a_request_that_waited_in_the_journal_is_sent_when_serve_starts(served):
    cause = make_cause(served.project.name, first_champion(served))
    ask(served.project, cause)
    served.serve()
    assert until(lambda: settled(served, [cause]), 300), served.said()
    assert len(served.runs([cause])[cause.id]) == 1
    assert len(answers(served, cause)) == 1


def test_a_run_that_waits_for_serve_is_begun_when_serve_is_back(served):
    cause = make_cause(served.project.name, first_champion(served))
    served.serve()
    served.end(signal.SIGKILL)
    ask(served.project, cause)
    served.emit([event_of(cause)])
    assert until(lambda: served.runs([cause]), 60)
    served.server.stop()
    served.start_server()
    served.serve()
    assert until(lambda: settled(served, [cause]), 300), served.said()
    assert len(answers(served, cause)) == 1
    assert trainings(served.project) == 2


def test_a_training_whose_process_is_killed_is_noted_as_crashed(served):
    cause = make_cause(served.project.name, first_champion(served))
    ask(served.project, cause)
    served.serve()
    assert until(lambda: "Beginning flow run" in served.said(), 180), served.said()
    for child in served.children():
        os.kill(child.pid, signal.SIGKILL)
    assert until(lambda: settled(served, [cause]), 120), served.said()
    until(lambda: note_ended_runs(served.project.stores) or answers(served, cause), 60)
    assert answers(served, cause) == ["crashed"]
