"""The governor asks when it should, and never storms."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.core.settings import GovernorPolicy
from prefect_mlops.monitoring.governor import decision_id
from support.stories import (
    DAY,
    DRIFTED,
    EPOCH,
    HARMLESS,
    HEALTHY,
    MAYBE_WORSE,
    ONE_IS_ENOUGH,
    UNKNOWN,
    WORSE,
    Story,
    day,
    drift,
    outcome_of,
    performance,
)


def test_healthy_windows_ask_for_nothing():
    decision = Story().see(day(0), HEALTHY)
    assert outcome_of(decision) == ("none", None)
    assert not decision.alarm
    assert decision.cause is None


def test_windows_that_nobody_could_judge_are_held_not_passed():
    decision = Story().see(day(0), UNKNOWN)
    assert outcome_of(decision) == ("hold", "minimum_rows")
    assert not decision.alarm
    assert "not enough rows" in decision.reason


def test_drift_is_confirmed_by_a_second_window_before_it_asks():
    story = Story()
    assert outcome_of(story.see(day(0), DRIFTED)) == ("hold", "confirmation")
    decision = story.see(day(1), DRIFTED)
    assert outcome_of(decision) == ("retrain", None)
    cause = decision.cause
    assert cause is not None
    assert cause.id == decision.id == decision_id("calls", "1", day(1))
    assert (cause.signals, cause.drifted_columns) == (["drift"], ["strong"])
    assert (cause.window, cause.rows, cause.monitoring_run_id) == (day(1), 500, "run")


def test_two_of_three_windows_confirm_but_the_latest_must_be_one_of_them():
    story = Story(GovernorPolicy(exit_importance=1.0))
    story.see(day(0), DRIFTED)
    assert story.see(day(1), HEALTHY).action == "none"
    assert story.see(day(2), DRIFTED).action == "retrain"
    late = Story(GovernorPolicy(exit_importance=1.0))
    late.see(day(0), DRIFTED)
    late.see(day(1), HEALTHY)
    late.see(day(2), HEALTHY)
    assert outcome_of(late.see(day(3), DRIFTED)) == ("hold", "confirmation")


def test_windows_of_another_champion_confirm_nothing():
    story = Story()
    story.see(day(0), DRIFTED)
    story.champion = "2"
    assert outcome_of(story.see(day(1), DRIFTED)) == ("hold", "confirmation")


def test_windows_that_could_not_be_judged_do_not_count():
    story = Story()
    story.see(day(0), DRIFTED)
    for number in range(1, 4):
        story.see(day(number), UNKNOWN)
    assert story.see(day(4), DRIFTED).action == "retrain"


def test_overlapping_windows_are_the_same_evidence():
    story = Story()
    story.see(day(0.0), DRIFTED)
    assert outcome_of(story.see(day(0.1), DRIFTED)) == ("hold", "confirmation")
    assert outcome_of(story.see(day(0.2), DRIFTED)) == ("hold", "confirmation")
    assert story.see(day(1.2), DRIFTED).action == "retrain"


def test_worse_performance_needs_no_confirmation_unless_told():
    decision = Story().see(day(0), WORSE)
    assert decision.action == "retrain"
    assert decision.cause is not None
    assert decision.cause.signals == ["performance"]
    assert (decision.cause.value, decision.cause.promised) == (0.5, 0.3)
    patient = Story(GovernorPolicy(performance_outranks=False))
    assert outcome_of(patient.see(day(0), WORSE)) == ("hold", "confirmation")


def test_drift_is_over_only_below_the_exit_threshold():
    between = {"drift": drift("passed", 0.12), "performance": performance()}
    below = {"drift": drift("passed", 0.09), "performance": performance()}
    assert Story().see(day(0), between).action == "none"
    story = Story()
    story.see(day(0), DRIFTED)
    assert story.see(day(1), between).alarm
    assert not story.see(day(2), below).alarm
    assert not story.see(day(3), between).alarm


def test_an_exit_threshold_of_zero_can_still_be_left():
    story = Story(GovernorPolicy(exit_importance=0.0))
    story.see(day(0), DRIFTED)
    assert not story.see(day(1), HEALTHY).alarm


def test_one_retraining_at_a_time_until_it_ends_or_is_given_up():
    story = Story(GovernorPolicy(cooldown_seconds=0.0))
    asked = story.see(day(0), WORSE, now=EPOCH)
    held = story.see(day(1), WORSE, now=EPOCH + timedelta(hours=5))
    assert outcome_of(held) == ("hold", "in_flight")
    assert asked.id in held.reason
    assert story.see(day(2), WORSE, now=EPOCH + timedelta(hours=6)).action == "retrain"
    story.end(story.decisions[0])
    assert story.see(day(3), WORSE, now=EPOCH + timedelta(hours=7)).action == "retrain"


def test_a_version_that_waits_for_a_person_is_not_given_up():
    story = Story(GovernorPolicy(cooldown_seconds=0.0))
    asked = story.see(day(0), WORSE, now=EPOCH)
    story.approvals = {asked.id: None}
    held = story.see(day(1), WORSE, now=EPOCH + timedelta(days=9))
    assert outcome_of(held) == ("hold", "in_flight")
    assert held.reason.startswith(f"retraining {asked.id} waits for a person's approval")
    # Once decided it has the time that any training has.
    story.approvals = {asked.id: EPOCH + timedelta(days=9)}
    held = story.see(day(2), WORSE, now=EPOCH + timedelta(days=9, hours=5))
    assert "has not ended" in held.reason
    assert story.see(day(3), WORSE, now=EPOCH + timedelta(days=9, hours=6)).action == "retrain"


def test_a_request_that_has_not_reached_the_server_is_not_given_up():
    story = Story(GovernorPolicy(cooldown_seconds=0.0))
    story.server = False
    asked = story.see(day(0), WORSE, now=EPOCH)
    held = story.see(day(1), WORSE, now=EPOCH + timedelta(days=9))
    assert outcome_of(held) == ("hold", "in_flight")
    assert f"{asked.id} has not reached the server yet" in held.reason


def test_the_cooldown_runs_in_the_clock_of_the_predictions():
    story = Story(GovernorPolicy(cooldown_seconds=3 * DAY))
    story.end(story.see(day(0), WORSE, now=EPOCH))
    for number in (1, 2):
        assert outcome_of(story.see(day(number), WORSE, now=EPOCH)) == ("hold", "cooldown")
    assert story.see(day(3), WORSE, now=EPOCH).action == "retrain"


def test_windows_older_than_the_last_cause_never_ask():
    story = Story(ONE_IS_ENOUGH)
    story.end(story.see(day(10), WORSE))
    assert outcome_of(story.see(day(3), WORSE)) == ("hold", "cooldown")


def test_the_budget_is_spent_per_period_and_comes_back():
    policy = GovernorPolicy(cooldown_seconds=0.0, budget=2, budget_period_seconds=10 * DAY)
    story = Story(policy)
    for number in (0, 1):
        story.end(story.see(day(number), WORSE))
    assert outcome_of(story.see(day(2), WORSE)) == ("hold", "budget")
    assert story.see(day(10), WORSE).action == "retrain"


def test_drift_without_harm_does_not_retrain_and_says_why():
    story = Story()
    for number in range(4):
        decision = story.see(day(number), HARMLESS)
        assert outcome_of(decision) == ("hold", "harmless")
        assert "without harm" in decision.reason
        assert "performance passed" in decision.reason
    eager = Story(GovernorPolicy(retrain_on_harmless_drift=True))
    eager.see(day(0), HARMLESS)
    assert eager.see(day(1), HARMLESS).action == "retrain"


def test_harmless_windows_confirm_nothing():
    story = Story()
    story.see(day(0), HARMLESS)
    assert outcome_of(story.see(day(1), MAYBE_WORSE)) == ("hold", "confirmation")
    assert story.see(day(2), MAYBE_WORSE).action == "retrain"


def test_labels_of_an_earlier_window_do_not_make_drift_harmless():
    found = {"drift": drift(), "performance": performance("passed", value=0.29, earlier=day(-9))}
    story = Story()
    story.see(day(0), found)
    assert story.see(day(1), found).action == "retrain"


def test_the_same_labels_ask_once():
    story = Story(GovernorPolicy(cooldown_seconds=0.0, budget=None))
    late = {"drift": drift("passed", 0.0), "performance": performance("failed", earlier=day(-3))}
    story.end(story.see(day(0), late), "challenger")
    held = story.see(day(1), late)
    assert outcome_of(held) == ("hold", "labels")
    newer = {**late, "performance": performance("failed", earlier=day(-1))}
    assert story.see(day(2), newer).action == "retrain"


def test_the_same_window_gives_the_same_id_and_others_do_not():
    assert decision_id("a", "1", day(0)) == decision_id("a", "1", day(0))
    others = {decision_id(p, v, w) for p in "ab" for v in "12" for w in (day(0), day(1))}
    assert len(others) == 8


events = st.lists(
    st.tuples(
        st.sampled_from([HEALTHY, DRIFTED, HARMLESS, MAYBE_WORSE, WORSE, UNKNOWN]),
        st.floats(-1.0, 3.0),
        st.floats(0.0, 0.5),
        st.sampled_from([None, "promoted", "challenger", "failed"]),
    ),
    max_size=40,
)
policies = st.builds(
    GovernorPolicy,
    windows=st.integers(2, 4),
    alarms=st.integers(1, 2),
    performance_outranks=st.booleans(),
    cooldown_seconds=st.sampled_from([0.0, DAY, 2.5 * DAY]),
    budget=st.integers(1, 3),
    budget_period_seconds=st.sampled_from([DAY, 5 * DAY]),
    maximum_unrepaired=st.sampled_from([None, 1, 3]),
)


@settings(deadline=None, max_examples=150)
@given(policies, events)
def test_no_sequence_of_alarms_makes_it_storm(policy, steps):
    story, position, now = Story(policy), 0.0, EPOCH
    for found, forward, hours, ending in steps:
        position += forward
        now += timedelta(days=hours)
        before = story.history
        timeout = timedelta(seconds=policy.in_flight_timeout_seconds)
        running = before.running(now, timeout)
        decision = story.see(day(position), found, now)
        assert (decision.cause is not None) == (decision.action == "retrain")
        assert decision.alarm or decision.action in ("none", "hold")
        if decision.action == "retrain":
            assert not running
        if ending and before.asked and before.asked[0].id not in story.ended:
            story.end(before.asked[0], ending)
    ends = sorted(d.window.end for d in story.decisions if d.action == "retrain")
    period = timedelta(seconds=policy.budget_period_seconds)
    cooldown = timedelta(seconds=policy.cooldown_seconds)
    for i, end in enumerate(ends):
        assert sum(end - period < other <= end for other in ends) <= policy.budget
        assert i == 0 or end - ends[i - 1] >= cooldown
