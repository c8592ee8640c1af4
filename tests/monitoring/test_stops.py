"""A stop counts only what happened, names the obstacle truthfully, and is left by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect_mlops.core.settings import GovernorPolicy
from prefect_mlops.monitoring.stops import stopped_since
from support.stories import (
    DRIFTED,
    EPOCH,
    HEALTHY,
    WORSE,
    Story,
    day,
    drift,
    outcome_of,
    performance,
)

STRICT = GovernorPolicy(
    cooldown_seconds=0.0, budget=None, maximum_unrepaired=2, maximum_failed=2, windows=1, alarms=1
)


def refused(times: int, outcome: str = "challenger") -> Story:
    story = Story(STRICT)
    for number in range(times):
        story.end(story.see(day(number), WORSE), outcome)
    return story


@pytest.mark.parametrize("outcome", ["challenger", "rejected"])
def test_refused_candidates_did_not_help_and_the_last_reason_is_named(outcome):
    decision = refused(2, outcome).see(day(2), WORSE)
    assert outcome_of(decision) == ("stop", "unrepaired")
    assert "2 retrainings in a row did not help" in decision.reason
    assert f"why it was {outcome}" in decision.reason
    assert "performance failed" in decision.reason


@pytest.mark.parametrize("outcome", ["failed", "cancelled", "crashed"])
def test_trainings_that_were_not_judged_are_not_called_unhelpful(outcome):
    decision = refused(2, outcome).see(day(2), WORSE)
    assert outcome_of(decision) == ("stop", "failing")
    assert "were not judged" in decision.reason
    assert f"the last {outcome}: why it was {outcome}" in decision.reason
    assert "did not help" not in decision.reason


def test_rows_that_were_rejected_come_with_what_to_do():
    story = refused(2, "failed")
    for end in story.ended.values():
        end["error"] = "DataRejected"
    assert "mend the rows at their source" in story.see(day(2), WORSE).reason


def test_trainings_that_never_ended_were_not_judged():
    story = Story(STRICT)
    for number in (0, 1):
        assert story.see(day(number), WORSE).action == "retrain"
    decision = story.see(day(2), WORSE)
    assert outcome_of(decision) == ("stop", "failing")
    assert "never ended" in decision.reason


def test_a_training_that_failed_neither_counts_as_unhelpful_nor_clears_the_count():
    story = refused(1)
    story.end(story.see(day(1), WORSE), "failed")
    story.end(story.see(day(2), WORSE), "challenger")
    assert outcome_of(story.see(day(3), WORSE)) == ("stop", "unrepaired")


def test_a_training_that_was_judged_shows_that_training_is_possible():
    story = refused(1, "failed")
    story.end(story.see(day(1), WORSE), "challenger")
    story.end(story.see(day(2), WORSE), "failed")
    assert story.see(day(3), WORSE).action == "retrain"


def test_a_promotion_that_repaired_clears_the_count():
    story = refused(1)
    story.end(story.see(day(1), WORSE), "promoted", "passed")
    story.end(story.see(day(2), WORSE), "challenger")
    assert story.see(day(3), WORSE).action == "retrain"


def test_a_promotion_that_did_not_repair_counts():
    story = refused(1)
    story.end(story.see(day(1), WORSE), "promoted", "failed")
    decision = story.see(day(2), WORSE)
    assert outcome_of(decision) == ("stop", "unrepaired")
    assert "version 2 was promoted and what was wrong is still there" in decision.reason


@pytest.mark.parametrize(("next_window", "action"), [(WORSE, "stop"), (HEALTHY, "none")])
def test_where_the_repair_cannot_be_told_the_next_window_tells(next_window, action):
    story = refused(1)
    story.end(story.see(day(1), WORSE), "promoted", "not_run")
    assert story.see(day(2), next_window).action == action


def test_a_retraining_for_drift_is_told_by_the_drift_of_the_next_window():
    story = Story(STRICT)
    story.end(story.see(day(0), DRIFTED), "promoted", "not_run")
    story.end(story.see(day(1), DRIFTED), "promoted", "not_run")
    assert outcome_of(story.see(day(2), DRIFTED)) == ("stop", "unrepaired")
    quiet = Story(STRICT)
    quiet.end(quiet.see(day(0), DRIFTED), "promoted", "not_run")
    passed = {"drift": drift("passed", 0.0), "performance": performance()}
    assert quiet.see(day(1), passed).action == "none"
    quiet.end(quiet.see(day(2), DRIFTED), "challenger")
    assert quiet.see(day(3), DRIFTED).action == "retrain"


def test_a_stop_lasts_one_window_then_two_then_four():
    story, actions = refused(2), []
    for number in range(2, 12):
        decision = story.see(day(number), WORSE)
        actions.append(decision.action)
        if decision.action == "retrain":
            story.end(decision, "challenger")
    expected = ["stop", "retrain", *["stop"] * 2, "retrain", *["stop"] * 4, "retrain"]
    assert actions == expected


def test_overlapping_windows_do_not_shorten_a_stop():
    story = refused(2)
    for number in range(8):
        decision = story.see(day(2 + number / 10), WORSE)
        assert decision.action == "stop", number
    assert story.see(day(4), WORSE).action == "retrain"


def test_a_metric_that_got_much_worse_ends_a_stop_at_once():
    story = refused(2)
    worse = {**WORSE, "performance": performance("failed", value=0.7)}
    assert story.see(day(2), worse).action == "retrain"


def test_other_settings_end_a_stop_at_once():
    story = refused(2)
    story.configuration = "edited"
    assert story.see(day(2), WORSE).action == "retrain"


@pytest.mark.parametrize(("outcome", "action"), [("challenger", "retrain"), ("failed", "stop")])
def test_a_training_by_hand_ends_a_stop_if_it_was_judged(outcome, action):
    story = refused(2)
    ended = EPOCH + timedelta(days=9)
    story.unasked = [{"outcome": outcome, "ended_at": ended.isoformat()}]
    assert story.see(day(2), WORSE).action == action


def test_a_champion_made_by_hand_ends_a_stop():
    story = refused(2)
    story.champion = "9"
    assert story.see(day(2), WORSE).action == "retrain"


def test_requests_that_were_overtaken_count_nowhere():
    story = Story(STRICT.model_copy(update={"budget": 1, "cooldown_seconds": 10 * 86_400.0}))
    overtaken = story.see(day(0), WORSE)
    story.delivered[overtaken.id] = {"superseded_at": EPOCH.isoformat(), "reason": "overtaken"}
    assert story.see(day(1), WORSE).action == "retrain"


def test_a_stop_says_since_when_until_something_else_happens():
    story = refused(2)
    first = story.see(day(2), WORSE)
    assert stopped_since(story.history, "1").id == first.id
    story.policy = STRICT.model_copy(update={"maximum_unrepaired": 1})
    story.see(day(3), WORSE)
    assert stopped_since(story.history, "1").id == first.id
    story.see(day(4), HEALTHY)
    assert stopped_since(story.history, "1") is None


def test_no_worsened_window_is_left_without_a_retraining_or_a_sentence():
    story = refused(2, "failed")
    for number in range(2, 30):
        decision = story.see(day(number), WORSE)
        if decision.action == "retrain":
            story.end(decision, "failed")
        else:
            assert decision.held_by == "failing"
            assert "why it was failed" in decision.reason
    assert sum(past.action == "retrain" for past in story.decisions) > 4
