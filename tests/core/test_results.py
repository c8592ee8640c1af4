import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core import results
from prefect_mlops.core.results import (
    Cause,
    ColumnDrift,
    Decision,
    DriftReport,
    Gate,
    Snapshot,
    Window,
    digest_of,
    verdict_of,
)
from pydantic import BaseModel, ValidationError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
VERDICTS = st.sampled_from(["passed", "failed", "not_run"])


def gate(verdict, blocking=True):
    return Gate(name="g", verdict=verdict, reason="r", blocking=blocking)


def test_every_result_of_the_index_can_be_imported():
    named = [line.split("|")[1] for line in results.__doc__.splitlines() if line.startswith("| `")]
    for cell in named:
        name = cell.strip(" `")
        assert issubclass(getattr(results, name), BaseModel)
        assert name in results.__all__


def test_no_gate_at_all_is_not_a_pass():
    assert verdict_of([]) == "not_run"


@given(st.lists(st.tuples(VERDICTS, st.booleans()), min_size=1))
def test_a_step_passes_only_when_nothing_blocking_stands_in_the_way(pairs):
    verdict = verdict_of([gate(*pair) for pair in pairs])
    standing = {v for v, blocking in pairs if blocking and v != "passed"}
    assert verdict == (
        "failed" if "failed" in standing else "not_run" if "not_run" in standing else "passed"
    )


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_a_digest_ignores_the_order_of_keys(content):
    assert digest_of(content) == digest_of(dict(reversed(content.items())))


def test_a_digest_tells_contents_apart():
    assert digest_of({"a": 1}) != digest_of({"a": "1"})


def test_moments_are_brought_to_utc_and_naive_ones_refused():
    zone = timezone(timedelta(hours=2))
    snapshot = Snapshot(
        uri="u", digest="d", rows=1, columns={}, source="s", first=NOON.astimezone(zone)
    )
    assert snapshot.first == NOON
    assert snapshot.first.tzinfo is UTC
    with pytest.raises(ValidationError, match="no time zone"):
        Snapshot(uri="u", digest="d", rows=1, columns={}, source="s", last=datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "either"),
        ({"start": NOON}, "both start and end"),
        ({"start": NOON, "end": NOON}, "before it ends"),
        ({"start": NOON, "end": NOON + timedelta(1), "last": 5}, "either"),
        ({"last": 0}, "greater than or equal to 1"),
    ],
)
def test_a_window_that_says_nothing_clear_is_refused(arguments, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Window(**arguments)


def test_the_key_of_a_window_does_not_depend_on_the_zone_it_was_written_in():
    zone = timezone(timedelta(hours=-5))
    end = NOON + timedelta(days=1)
    same = Window(start=NOON.astimezone(zone), end=end.astimezone(zone))
    assert same.key == Window(start=NOON, end=end).key


def test_results_are_frozen_and_know_their_fields():
    with pytest.raises(ValidationError, match="frozen"):
        gate("passed").verdict = "failed"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Gate(name="g", verdict="passed", reason="r", score=1)


def test_a_decision_with_its_cause_survives_json():
    window = Window(start=NOON, end=NOON + timedelta(hours=1))
    shared = {
        "project": "p",
        "champion_version": "3",
        "window": window,
        "rows": 10,
        "reason": "r",
        "decided_at": NOON,
    }
    cause = Cause(id="c", signals=["drift"], metric="log_loss", value=float("inf"), **shared)
    decision = Decision(
        id="c", action="retrain", alarm=True, drift="failed", performance="not_run", cause=cause,
        **shared,
    )  # fmt: skip
    text = decision.model_dump_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert Decision.model_validate_json(text) == decision


def test_drifted_columns_come_most_important_first_and_once():
    def entry(column, importance, kind="distance", drifted=True):
        return ColumnDrift(
            column=column, kind=kind, score=1, threshold=0.1, drifted=drifted, importance=importance
        )

    report = DriftReport(
        verdict="failed",
        reason="r",
        rows=5,
        columns=[
            entry("a", 0.1),
            entry("b", 0.6),
            entry("b", 0.6, "nulls"),
            entry("c", 0.9, drifted=False),
        ],
    )
    assert report.drifted_columns == ["b", "a"]
