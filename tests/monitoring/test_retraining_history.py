"""The journal tells what became of every request for a retraining."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect_mlops.core.results import Cause, Decision
from prefect_mlops.monitoring.retraining_history import History
from support.stories import EPOCH, day

HOUR = timedelta(hours=1)
ENDED = {"outcome": "promoted", "version": "2"}


def decision(number: int = 0, action: str = "retrain", **changes) -> Decision:
    window = day(number)
    found = {
        "id": f"window {number}",
        "project": "calls",
        "champion_version": "1",
        "window": window,
        "rows": 500,
        "action": action,
        "alarm": True,
        "reason": "worse",
        "drift": "passed",
        "performance": "failed",
        "configuration": "as it was",
        "decided_at": window.end,
    }
    return Decision(**{**found, **changes})


def asked(*signals: str, **changes) -> Decision:
    """A request with its cause."""
    past = decision(**changes)
    cause = Cause(
        id=past.id,
        project="calls",
        champion_version="1",
        window=past.window,
        rows=500,
        reason="worse",
        signals=signals,
        metric="log_loss",
        decided_at=past.decided_at,
    )
    return past.model_copy(update={"cause": cause})


def judged(number: int, **verdicts) -> Decision:
    """A decision on a window of the new champion."""
    quiet = {
        "action": "none",
        "champion_version": "2",
        "drift": "not_run",
        "performance": "not_run",
    }
    return decision(number, **{**quiet, **verdicts})


PAST = asked("performance")
DELIVERED = {PAST.id: {"delivered_at": EPOCH.isoformat()}}


@pytest.mark.parametrize(
    ("history", "running", "effect"),
    [
        ({}, [PAST.id], "pending"),
        ({"delivered": {PAST.id: {"superseded_at": EPOCH.isoformat()}}}, [], "superseded"),
        ({"delivered": DELIVERED}, [], "unjudged"),
        ({"ended": {PAST.id: {"outcome": "failed"}}}, [], "unjudged"),
        ({"ended": {PAST.id: {"outcome": "cancelled"}}}, [], "unjudged"),
        ({"ended": {PAST.id: {"outcome": "crashed"}}}, [], "unjudged"),
        ({"ended": {PAST.id: {"outcome": "rejected"}}}, [], "unhelpful"),
        ({"ended": {PAST.id: {"outcome": "challenger"}}}, [], "unhelpful"),
        ({"ended": {PAST.id: ENDED}}, [], "open"),
        ({"ended": {PAST.id: ENDED}, "repairs": {PAST.id: {"verdict": "not_run"}}}, [], "open"),
        ({"ended": {PAST.id: ENDED}, "repairs": {PAST.id: {"verdict": "passed"}}}, [], "helped"),
        ({"ended": {PAST.id: ENDED}, "repairs": {PAST.id: {"verdict": "failed"}}}, [], "unhelpful"),
    ],
)
def test_every_request_has_one_fate(history, running, effect):
    assert History([PAST], **history).effect_of(PAST, running) == effect


@pytest.mark.parametrize(
    ("signals", "windows", "effect"),
    [
        (["performance"], [{"performance": "passed"}], "helped"),
        (["performance"], [{"drift": "passed"}], "open"),
        (["performance"], [{"drift": "failed", "performance": "passed"}], "helped"),
        (["drift"], [{"drift": "passed"}], "helped"),
        (["drift"], [{"drift": "failed"}], "unhelpful"),
        (["drift"], [{"performance": "passed"}], "open"),
        (["drift"], [{"drift": "passed", "performance": "failed"}], "unhelpful"),
        (["performance"], [{"drift": "passed"}, {"performance": "passed"}], "helped"),
        (["performance"], [{"performance": "passed"}, {"performance": "failed"}], "helped"),
    ],
)
def test_the_first_window_that_tells_of_what_was_wrong_decides(signals, windows, effect):
    past = asked(*signals)
    later = [judged(number, **found) for number, found in enumerate(windows, start=1)]
    history = History([*reversed(later), past], ended={past.id: ENDED})
    assert history.effect_of(past, []) == effect


def test_windows_of_another_champion_tell_nothing():
    later = judged(1, champion_version="3", performance="failed")
    assert History([later, PAST], ended={PAST.id: ENDED}).effect_of(PAST, []) == "open"


@pytest.mark.parametrize(
    ("present", "effect"),
    [
        (("not_run", "passed"), "helped"),
        (("passed", "failed"), "unhelpful"),
        (("failed", "not_run"), "open"),
    ],
)
def test_the_window_being_decided_tells_too(present, effect):
    assert History([PAST], ended={PAST.id: ENDED}).effect_of(PAST, [], present) == effect


def test_a_repair_that_was_judged_outranks_later_windows():
    history = History(
        [judged(1, performance="failed"), PAST],
        ended={PAST.id: ENDED},
        repairs={PAST.id: {"verdict": "passed"}},
    )
    assert history.effect_of(PAST, []) == "helped"


def test_a_delivered_request_is_given_up_after_the_timeout():
    history = History([PAST], delivered=DELIVERED)
    just_before = EPOCH + HOUR - timedelta(microseconds=1)
    assert history.running(just_before, HOUR) == [PAST.id]
    assert history.running(EPOCH + HOUR, HOUR) == []


def test_a_request_that_never_reached_the_server_is_not_given_up():
    history = History([PAST])
    assert history.running(PAST.decided_at + timedelta(days=365), HOUR) == [PAST.id]


def test_an_undelivered_request_of_an_earlier_version_is_given_up_after_the_timeout():
    past = decision(configuration="")
    assert History([past]).running(past.decided_at + HOUR / 2, HOUR) == [past.id]
    assert History([past]).running(past.decided_at + HOUR, HOUR) == []


def test_what_ended_was_overtaken_or_asked_for_nothing_is_not_running():
    overtaken, ended, quiet, waiting = (
        decision(0),
        decision(1),
        decision(2, action="hold"),
        decision(3),
    )
    history = History(
        [waiting, quiet, ended, overtaken],
        ended={ended.id: {"outcome": "failed"}},
        delivered={overtaken.id: {"superseded_at": EPOCH.isoformat()}},
    )
    assert history.asked == [waiting, ended]
    assert history.running(EPOCH, HOUR) == [waiting.id]


def test_running_requests_come_newest_first():
    requests = [decision(number) for number in (3, 2, 1)]
    assert History(requests).running(EPOCH, HOUR) == [past.id for past in requests]


@pytest.mark.parametrize(
    ("history", "unsent"),
    [
        ({}, True),
        ({"delivered": DELIVERED}, False),
        ({"delivered": {PAST.id: {"superseded_at": EPOCH.isoformat()}}}, False),
        ({"ended": {PAST.id: {"outcome": "failed"}}}, False),
    ],
)
def test_a_request_is_unsent_until_it_is_delivered_overtaken_or_ended(history, unsent):
    assert History([PAST], **history).unsent(PAST.id) is unsent
