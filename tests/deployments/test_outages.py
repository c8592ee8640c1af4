"""The server and the process that serves come and go, and every request is answered once."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest
from conftest import make_calls
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from support.candidates import with_mlflow
from support.served import Served, event_of, make_cause, until

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
