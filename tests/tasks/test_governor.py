"""Decisions are in the journal before anyone hears of them, once a window."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import (
    Decision,
    DriftReport,
    ModelVersion,
    PerformanceReport,
    Snapshot,
    Window,
    WindowData,
)
from prefect_mlops.runs.decisions import ended_retrainings
from prefect_mlops.tasks.governor import decide

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
CHAMPION = ModelVersion(name="calls", version="3", run_id="r", uri="models:/calls/3")
PASSED = DriftReport(verdict="passed", reason="no drift", rows=500)
BAD = PerformanceReport(
    verdict="failed", reason="worse", metric="log_loss", rows=500, value=0.6, promised=0.3
)
GOOD = PerformanceReport(verdict="passed", reason="fine", metric="log_loss", rows=500)


def day(number: int) -> WindowData:
    start = EPOCH + timedelta(days=number)
    return WindowData(
        snapshot=Snapshot(uri="s", digest="d", rows=500, columns={}, source="test"),
        window=Window(start=start, end=start + timedelta(days=1)),
        rows=500,
        labelled=500,
    )


def journal(project, kind):
    with project.predictions.get_client() as store:
        return store.journal(kind, project.name)


def end(project, decision: Decision, outcome: str = "promoted", suffix: str = "") -> None:
    document = {"cause_id": decision.id, "outcome": outcome, "version": "4", "ended_at": "now"}
    with project.predictions.get_client() as store:
        store.record("retraining", decision.id + suffix, project.name, document)


@pytest.fixture
def project(make_project):
    return make_project(monitoring={"governor": {"cooldown_seconds": 0.0}})


def test_a_decision_is_in_the_journal_as_it_was_returned(project):
    decision = decide.fn(day(0), PASSED, BAD, CHAMPION, "run-1", **project.arguments(decide))
    assert decision.action == "retrain"
    assert decision.cause is not None
    assert decision.cause.monitoring_run_id == "run-1"
    assert [Decision.model_validate(d) for d in journal(project, "decision")] == [decision]


def test_the_same_window_is_decided_once_whatever_is_found_later(project):
    first = decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    assert decide.fn(day(0), PASSED, GOOD, CHAMPION, **project.arguments(decide)) == first
    assert decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide)) == first
    assert len(journal(project, "decision")) == 1


def test_the_same_window_under_another_champion_is_another_decision(project):
    first = decide.fn(day(0), PASSED, GOOD, CHAMPION, **project.arguments(decide))
    other = decide.fn(
        day(0),
        PASSED,
        GOOD,
        CHAMPION.model_copy(update={"version": "4"}),
        **project.arguments(decide),
    )
    assert other.id != first.id


def test_a_retraining_is_in_flight_until_its_end_is_in_the_journal(project):
    asked = decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    assert (
        decide.fn(day(1), PASSED, BAD, CHAMPION, **project.arguments(decide)).held_by == "in_flight"
    )
    end(project, asked, "rejected")
    assert decide.fn(day(2), PASSED, BAD, CHAMPION, **project.arguments(decide)).action == "retrain"


def test_a_repair_that_failed_counts_against_the_next(make_project):
    policy = {"cooldown_seconds": 0.0, "maximum_unrepaired": 1}
    project = make_project(monitoring={"governor": policy})
    asked = decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    end(project, asked)
    with project.predictions.get_client() as store:
        document = {"cause_id": asked.id, "version": "4", "verdict": "failed"}
        store.record("repair", asked.id, project.name, document)
    champion = CHAMPION.model_copy(update={"version": "4"})
    assert decide.fn(day(1), PASSED, BAD, champion, **project.arguments(decide)).action == "stop"


def test_a_success_after_a_failure_of_the_same_cause_is_how_it_ended(project):
    asked = decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    end(project, asked, "failed", suffix="/1")
    assert ended_retrainings(project.stores)[asked.id]["outcome"] == "failed"
    end(project, asked, "promoted")
    end(project, asked, "failed", suffix="/2")
    assert ended_retrainings(project.stores)[asked.id]["outcome"] == "promoted"


def test_monitors_that_decide_at_the_same_time_ask_once(project):
    with ThreadPoolExecutor(6) as pool:
        decisions = list(
            pool.map(
                lambda number: decide.fn(
                    day(number), PASSED, BAD, CHAMPION, **project.arguments(decide)
                ),
                range(6),
            )
        )
    assert sum(decision.action == "retrain" for decision in decisions) == 1
    assert len(journal(project, "request")) == 1
    assert len(journal(project, "decision")) == 6


def test_a_run_that_died_before_its_decision_was_kept_has_asked_all_the_same(project):
    lost = decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    other = project.model_copy(update={"name": "other"})
    with project.predictions.get_client() as store:
        document = lost.model_copy(update={"id": "x", "project": "other"}).model_dump(mode="json")
        store.record("request", "other/1", "other", document)
    assert (
        decide.fn(day(1), PASSED, BAD, CHAMPION, **other.arguments(decide)).held_by == "in_flight"
    )


def test_projects_that_share_a_log_do_not_share_a_governor(project):
    decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
    other = project.model_copy(update={"name": "other"})
    assert decide.fn(day(0), PASSED, BAD, CHAMPION, **other.arguments(decide)).action == "retrain"


def test_nothing_is_decided_while_the_journal_is_out_of_reach(make_project, tmp_path):
    (tmp_path / "taken").mkdir()
    project = make_project(predictions=PredictionLog(uri=f"sqlite:///{tmp_path}/taken"))
    with pytest.raises(LogUnavailable):
        decide.fn(day(0), PASSED, BAD, CHAMPION, **project.arguments(decide))
