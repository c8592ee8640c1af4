"""A person is told by a function of the user's own, or everybody sees that nobody was told."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from prefect import flow
from prefect_mlops.core.errors import ConfigurationError, NotificationFailed
from prefect_mlops.core.results import DriftReport, Notice
from prefect_mlops.tasks import notify
from support.own_code import write_module

DRIFT = DriftReport(verdict="failed", reason="age drifted", rows=500)
ALERTS = """
from prefect.blocks.notifications import CustomWebhookNotificationBlock

told = []


def keep(notice):
    told.append(notice)


def second(notice):
    told.append(notice)
    if len(told) < 2:
        raise ConnectionError("try again")


def raises(notice):
    raise OSError("404 for https://me:hunter2@hooks.host/services/T0/hunter2?token=hunter2")


def refuses(notice):
    return False


async def late(notice): ...


def webhook(notice):
    hook = CustomWebhookNotificationBlock.load("alerts")
    with hook.raise_on_failure():
        hook.notify(notice.text, notice.headline)
"""


@pytest.fixture(autouse=True)
def own_alerts(monkeypatch, tmp_path):
    write_module(monkeypatch, tmp_path, "own_alerts", ALERTS)
    monkeypatch.setattr(notify, "retry_delay_seconds", 0)


def told():
    import own_alerts

    return own_alerts.told


def test_a_notifier_gets_the_result_in_words():
    notify.fn(DRIFT, "own_alerts:keep", "calls")
    (notice,) = told()
    assert notice == Notice(
        kind="drift_report",
        model_name="calls",
        headline="calls: drift report: failed",
        reasons=["age drifted"],
        payload=DRIFT.model_dump(mode="json"),
    )


def test_a_function_itself_may_tell():
    found = []
    notify.fn(Notice(kind="mine", headline="The backup is late."), found.append)
    assert found[0].headline == "The backup is late."


def test_a_failure_is_told_with_its_place_and_without_the_address():
    with pytest.raises(NotificationFailed) as caught:
        notify.fn(DRIFT, "own_alerts:raises")
    said = str(caught.value)
    assert "notifier 'own_alerts:raises' raised OSError: 404 for https://hooks.host/***" in said
    assert "own_alerts.py" in said
    assert "hunter2" not in said
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("refuses", NotificationFailed, "returned False: nobody was told"),
        ("late", ConfigurationError, "is asynchronous"),
        ("missing", ConfigurationError, "cannot be loaded"),
        ("told", ConfigurationError, "is a list: expected a function"),
    ],
)
def test_nobody_is_told_silently(name, kind, reason):
    with pytest.raises(kind, match=f"notifier 'own_alerts:{name}' {reason}"):
        notify.fn(DRIFT, f"own_alerts:{name}")


def test_in_a_flow_of_ones_own_it_is_tried_again(prefect_api):
    @flow
    def watch():
        notify(DRIFT, by="own_alerts:second")

    watch()
    assert len(told()) == 2


def test_what_names_no_function_is_not_tried_again(prefect_api):
    @flow
    def watch():
        notify(DRIFT, by="own_alerts:missing")

    with pytest.raises(ConfigurationError, match="own_alerts:missing"):
        watch()


@pytest.fixture
def webhook():
    """A server that keeps what it is sent, and answers with a status of the test's."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body))
            self.send_response(server.status)  # pyright: ignore[reportAttributeAccessIssue]
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.status = 200  # pyright: ignore[reportAttributeAccessIssue]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, received
    server.shutdown()
    server.server_close()


def test_a_block_of_prefects_sends_it(prefect_api, webhook):
    from prefect.blocks.notifications import CustomWebhookNotificationBlock

    server, received = webhook
    CustomWebhookNotificationBlock(
        name="alerts",
        url=f"http://127.0.0.1:{server.server_port}/secret",
        json_data={"title": "{{subject}}", "text": "{{body}}"},
    ).save("alerts", overwrite=True)
    notify.fn(DRIFT, "own_alerts:webhook", "calls")
    assert received == [
        {
            "title": "calls: drift report: failed",
            "text": "calls: drift report: failed\n- age drifted",
        }
    ]
    server.status = 500
    with pytest.raises(NotificationFailed, match="500"):
        notify.fn(DRIFT, "own_alerts:webhook", "calls")
