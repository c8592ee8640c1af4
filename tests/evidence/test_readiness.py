"""28 tests: points for what was done and recorded, and for what a person attests, as long as it counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.results import Decision, Gate, ReadinessCheck, RunRecord, StepRecord, Window
from prefect_mlops.core.settings import GateSettings, ReadinessSettings
from prefect_mlops.core.settings.readiness import CHECK_IDS
from prefect_mlops.evidence.readiness import assess, check_rows, readiness_markdown
from prefect_mlops.evidence.readiness_facts import ReadinessFacts
from prefect_mlops.evidence.rubric import SECTIONS, TITLES, level_of, section_points
from prefect_mlops.gates.baseline import GUESS, LINEAR
from prefect_mlops.gates.freshness import NAME as AGE
from prefect_mlops.gates.skipping import skipped_gate
from prefect_mlops.validation.log_agreement import Agreement, agreed_gates

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def facts(make_project):
    setup = make_project().setup
    columns = setup.columns.model_copy(update={"slices": []})
    return ReadinessFacts(now=NOW, setup=replace(setup, columns=columns))


def run(seconds: float) -> RunRecord:
    step = StepRecord(name="fit", started=NOW, ended=NOW, seconds=seconds)
    return RunRecord(
        run_id="r", name="r", kind="train", status="FINISHED", started=NOW, steps=[step]
    )


def gate(name: str, verdict: Any = "passed", **keywords: Any) -> Gate:
    return Gate(name=name, verdict=verdict, reason="so it is", **keywords)


def skipped(kind: str) -> list[Gate]:
    return skipped_gate(kind, GateSettings(skip={kind: "a reason"}))


def decided(days_ago: int = 1, **keywords: Any) -> Decision:
    given = {"drift": "passed", "performance": "passed", "value": 0.4, "promised": 0.4} | keywords
    return Decision(
        id="d",
        project="calls",
        champion_version="1",
        window=Window(last=10),
        rows=10,
        action="none",
        alarm=False,
        reason="all is well",
        decided_at=NOW - days_ago * DAY,
        **given,
    )


def points(facts: ReadinessFacts, name: str, **settings: Any) -> tuple[float, str]:
    report = assess("calls", facts, ReadinessSettings.model_validate(settings))
    check = next(check for check in report.checks if check.id == name)
    return check.points, " ".join([*check.evidence, check.todo])


def test_a_project_without_anything_has_no_point_and_says_what_to_do(facts):
    report = assess("calls", facts, ReadinessSettings())
    assert [check.id for check in report.checks] == list(CHECK_IDS)
    assert {check.points for check in report.checks} == {0.0}
    assert {check.by for check in report.checks} == {"nobody"}
    assert all(check.todo for check in report.checks)
    assert (report.score, report.level) == (
        0.0,
        "a research project rather than a production system",
    )


STORIES: dict[str, tuple[dict[str, Any], float, str]] = {
    "D1 suite": ({"suite": "s3://suite"}, 1.0, "s3://suite"),
    "D2 useful": ({"importance": {"a": 0.5, "b": 0.5}}, 1.0, "every one has some"),
    "D2 idle": ({"importance": {"a": 1.0, "b": 0.0}}, 0.0, "1 have none: b"),
    "M3 tuned": ({"trials": 10}, 1.0, "10 trials"),
    "M3 one trial": ({"trials": 1}, 0.0, "training.trials"),
    "M4 backtest": ({"backtests": ["b/summary.json"]}, 0.5, "policy 'never'"),
    "M4 age is no cost": ({"gates": [gate(AGE)]}, 0.0, "policy 'never'"),
    "M5 better": ({"gates": [gate(GUESS), gate(LINEAR)]}, 1.0, f"{LINEAR!r} passed"),
    "M5 lost": (
        {"gates": [gate(GUESS), gate(LINEAR, "failed", blocking=False)]},
        0.0,
        f"{LINEAR} did not pass",
    ),
    "M5 unknown": ({"gates": [gate(GUESS), gate(LINEAR, "not_run")]}, 0.0, "not run"),
    "M5 only a guess": ({"gates": [gate(GUESS)]}, 0.0, "no linear model was compared"),
    "M5 skipped": ({"gates": skipped("baseline")}, 0.0, "skipped: a reason"),
    "M6 slices": ({"gates": [gate("slice job=admin"), gate("slice job=b")]}, 1.0, "slice job=b"),
    "M6 one lost": ({"gates": [gate("slice a=1"), gate("slice a=2", "failed")]}, 0.0, "slice a=2"),
    "M6 segments": ({"gates": [gate("weak segments", blocking=False)]}, 1.0, "weak segments"),
    "M6 skipped": (
        {"gates": [gate("slice job=admin"), *skipped("slices")]},
        0.0,
        "slices did not pass",
    ),
    "M6 a column": (
        {"gates": [gate("market_segment: within the known range"), gate("slice of x: whole")]},
        0.0,
        "no gate of the newest training is about a slice",
    ),
    "M6 not run": ({"gates": [gate("weak segments", "not_run", blocking=False)]}, 0.0, "not run"),
    "M7 skipped": ({"gates": skipped("fairness")}, 0.0, "skipped: a reason"),
    "M7 no limit": (
        {"gates": [gate("fairness sex", "not_run", blocking=False)]},
        0.0,
        "fairness sex did not pass",
    ),
    "M7 fairness": ({"gates": [gate("fairness: sex")]}, 1.0, "fairness"),
    "I4 compared": ({"gates": [gate("superiority", value=0.1)]}, 1.0, "1 gates could stop"),
    "I4 floor": ({"gates": [gate("log_loss floor", "failed", value=1)]}, 1.0, "floor"),
    "I4 first model": ({"gates": [gate("superiority")]}, 0.0, "gates.floors"),
    "I4 not run": ({"gates": [gate("auc floor", "not_run", value=1)]}, 0.0, "judged"),
    "I4 advice": ({"gates": [gate("auc floor", value=1, blocking=False)]}, 0.0, "judged"),
    "I6 canary": ({"canaries": [{"labelled": 300, "look": 1}]}, 1.0, "1 looks"),
    "I6 waits for labels": ({"canaries": [{"labelled": 3, "look": None}]}, 0.0, "no look"),
    "I6 its place only": ({"canaries": [{"place": "p", "start": "2026-05-01"}]}, 0.0, "no look"),
    "I7 files": ({"previous": "1"}, 0.5, "roll back once"),
    "I7 gone": ({"previous": "1", "previous_missing": "no MLmodel"}, 0.0, "no MLmodel"),
    "I7 rolled back": (
        {
            "previous": "1",
            "rollbacks": [
                {"reason": "rolled back: no", "version": "1", "at": "2026-05-01T00:00:00"}
            ],
        },
        1.0,
        "2026-05-01T00:00",
    ),
    "O2 watched": ({"decision": decided()}, 1.0, "drift passed"),
    "O2 drifted": ({"decision": decided(drift="failed")}, 1.0, "drift failed"),
    "O2 long ago": ({"decision": decided(40)}, 0.0, "40 days ago: more than 31"),
    "O2 not measured": ({"decision": decided(drift="not_run")}, 0.0, "could not be measured"),
    "O3 skew": ({"gates": [gate("age: as in the prediction log")]}, 1.0, "prediction log"),
    "O3 differs": (
        {"gates": [gate("age: as in the prediction log", "failed", blocking=False)]},
        0.0,
        "did not pass",
    ),
    "O3 agrees": ({"gates": agreed_gates(Agreement(same=["age"]))}, 1.0, "1 columns hold"),
    "O4 nobody said": ({"trained_to": NOW - DAY}, 0.0, "readiness.model_days"),
    "O5 finite": ({"logged_rows": 500}, 1.0, "500 logged"),
    "O5 not finite": ({"logged_rows": 500, "unstable_rows": 2}, 0.0, "2 are missing"),
    "O6 no bound": ({"gates": [gate("latency")], "training": run(1)}, 0.0, "no bound is set"),
    "O6 skipped": ({"gates": skipped("package"), "training": run(1)}, 0.0, "skipped: a reason"),
    "O6 a column": ({"gates": [gate("latency: within the range")]}, 0.0, "no gate"),
    "O6 first": ({"gates": [gate("latency", threshold=9)], "training": run(1)}, 0.0, "no earlier"),
    "O6 as before": (
        {"gates": [gate("latency", threshold=9)], "training": run(12), "earlier": [run(10)]},
        1.0,
        "took 12 s, the median of 1 before 10 s",
    ),
    "O6 slower": (
        {"gates": [gate("latency", threshold=9)], "training": run(30), "earlier": [run(10)]},
        0.0,
        "which step",
    ),
    "O7 as promised": ({"decision": decided()}, 1.0, "promised 0.4: passed"),
    "O7 worse": ({"decision": decided(performance="failed")}, 0.0, "retrain"),
    "O7 no labels": ({"decision": decided(performance="not_run")}, 0.0, "attach labels"),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_rule_says_what_it_looked_at(story, facts):
    found, expected, said = STORIES[story]
    got, text = points(replace(facts, **found), story[:2])
    assert (got, said in text) == (expected, True), text


def test_a_column_to_slice_by_that_was_not_judged_gives_no_point(facts):
    setup = replace(facts.setup, columns=facts.setup.columns.model_copy(update={"slices": ["job"]}))
    passed = [gate("weak segments"), gate("slice jobs=a against all rows")]
    got, said = points(replace(facts, setup=setup, gates=passed), "M6")
    assert (got, "no value of job was judged" in said) == (0.0, True)
    judged = [*passed, gate("slice job=admin against all rows")]
    assert points(replace(facts, setup=setup, gates=judged), "M6")[0] == 1.0


def test_what_did_not_pass_is_shown_however_many_did(facts):
    gates = [*(gate(f"slice job={number}") for number in range(9)), gate("slice job=x", "failed")]
    assert "gate 'slice job=x' failed" in points(replace(facts, gates=gates), "M6")[1]


@pytest.mark.parametrize(("ahead", "expected"), [(timedelta(hours=9), 1.0), (2 * DAY, 0.0)])
def test_a_model_of_rows_of_a_day_to_come_is_of_no_known_age(ahead, expected, facts):
    found = replace(facts, trained_to=NOW + ahead)
    assert points(found, "O4", model_days=30)[0] == expected


@pytest.mark.parametrize(("days", "expected"), [(30, 1.0), (29, 0.0)])
def test_a_model_may_be_as_old_as_the_project_says(days, expected, facts):
    old = replace(facts, trained_to=NOW - 30 * DAY)
    assert points(old, "O4", model_days=days)[0] == expected


@pytest.mark.parametrize(
    ("on", "automated", "expected", "said"),
    [
        ("2026-05-01", False, 0.5, "A. Silva attests on 2026-05-01: seen"),
        ("2026-05-01", True, 1.0, "seen"),
        ("2025-06-01", True, 1.0, "seen"),
        ("2025-05-31", True, 0.0, "expired"),
        ("2026-06-02", True, 0.0, "the day is to come"),
    ],
)
def test_what_a_person_attests_counts_for_a_while(on, automated, expected, said, facts):
    given = {"by": "A. Silva", "on": on, "note": "seen", "automated": automated}
    got, text = points(facts, "D5", attestations={"D5": given})
    assert (got, said in text) == (expected, True), text


def test_the_better_of_package_and_person_counts(facts):
    given = {"by": "A. Silva", "on": "2026-05-01", "note": "seen"}
    seen = replace(facts, suite="suite.json")
    report = assess("calls", seen, ReadinessSettings(attestations={"D1": given, "D2": given}))  # pyright: ignore[reportArgumentType]
    found = {check.id: (check.points, check.by) for check in report.checks}
    assert (found["D1"], found["D2"]) == ((1.0, "package"), (0.5, "person"))


def test_every_section_attested_is_exceptional(facts):
    given = {"by": "A", "on": "2026-05-01", "note": "seen", "automated": True}
    report = assess(
        "calls",
        facts,
        ReadinessSettings.model_validate({"attestations": dict.fromkeys(CHECK_IDS, given)}),
    )
    assert (report.score, set(report.sections.values())) == (7.0, {7.0})
    assert report.level == "exceptionally tested and monitored"


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=28, max_size=28))
def test_the_sums_are_of_seven_tests_each(values):
    checks = [
        ReadinessCheck(id=name, title=TITLES[name], points=value, by="nobody", evidence=[])
        for name, value in zip(CHECK_IDS, values, strict=True)
    ]
    sums = section_points(checks)
    assert list(sums) == list(SECTIONS.values())
    assert sum(sums.values()) == sum(values)
    assert list(sums.values()) == [sum(values[start : start + 7]) for start in (0, 7, 14, 21)]


@pytest.mark.parametrize(
    ("score", "word"),
    [
        (0, "research"),
        (0.5, "holes"),
        (1, "holes"),
        (2, "first pass"),
        (3, "reasonably"),
        (5, "mission"),
        (5.5, "exceptionally"),
    ],
)
def test_a_score_has_the_level_of_the_rubric(score, word):
    assert word in level_of(score)


def test_a_report_is_a_table_of_every_test(facts):
    report = assess("calls", facts, ReadinessSettings())
    assert [row["test"] for row in check_rows(report)] == list(CHECK_IDS)
    text = readiness_markdown(report)
    assert all(f"`{name}`" in text for name in CHECK_IDS)
    assert "2026-06-01 00:00 UTC" in text
