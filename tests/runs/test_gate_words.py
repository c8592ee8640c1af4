"""Deciding gates and advice are told apart in every sentence, mark and log line."""

from __future__ import annotations

import logging

import pytest
from prefect_mlops.core.results import Gate, ModelVersion, TrainingOutcome
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.gates.skipping import skipped_gate
from prefect_mlops.runs.gate_words import (
    deciding_first,
    ending_in_words,
    gates_in_words,
    log_gates,
    mark_of,
    notes_of,
)

FLOOR = Gate(name="floor", verdict="passed", reason="fine")
LOADS = Gate(name="loads", verdict="passed", reason="it loads")
WORSE = Gate(name="superiority", verdict="failed", reason="no better")
UNRUN = Gate(name="latency", verdict="not_run", reason="no rows")
DRIFT = Gate(name="drift", verdict="failed", reason="far", blocking=False)
LABEL = Gate(name="label", verdict="passed", reason="close", blocking=False)
WIDE = Gate(name="columns", verdict="not_run", reason="too many", blocking=False)
(SKIPPED,) = skipped_gate("baseline", GateSettings(skip={"baseline": "the vendor's model"}))


@pytest.mark.parametrize(
    ("gates", "words"),
    [
        ([FLOOR, LOADS, DRIFT, LABEL, WIDE], "all 2 deciding gates passed; 2 notes"),
        ([FLOOR, LABEL], "the only deciding gate passed"),
        ([FLOOR, WORSE, UNRUN, DRIFT], "2 of 3 deciding gates did not pass; 1 note"),
        ([FLOOR, LOADS, SKIPPED], "all 2 deciding gates passed; skipped: baseline"),
        ([DRIFT], "no deciding gates; 1 note"),
    ],
)
def test_notes_are_never_counted_among_the_gates_that_decide(gates, words):
    assert gates_in_words(gates) == words


def test_no_mark_of_advice_looks_like_a_verdict():
    deciding = {mark_of(gate) for gate in (FLOOR, WORSE, UNRUN)}
    advice = {mark_of(gate) for gate in (DRIFT, LABEL, WIDE, SKIPPED)}
    assert not deciding & advice
    assert not [mark for mark in advice if "✗" in mark or "✓" in mark or "failed" in mark]
    assert "skipped" in mark_of(SKIPPED)


def test_what_refused_is_read_first_and_quiet_advice_last():
    gates = [LABEL, DRIFT, SKIPPED, FLOOR, WORSE]
    assert deciding_first(gates) == [WORSE, FLOOR, SKIPPED, DRIFT, LABEL]
    assert notes_of(gates) == [DRIFT]


def test_the_message_of_a_state_says_what_decided():
    version = ModelVersion(name="calls", version="3", run_id="run", uri="models:/calls/3")
    promoted = TrainingOutcome(
        outcome="promoted", version=version, gates=[FLOOR, LOADS, DRIFT], training_key="key"
    )
    assert ending_in_words(promoted) == "version 3 (all 2 deciding gates passed; 1 note)"
    refused = promoted.model_copy(
        update={
            "outcome": "challenger",
            "reasons": ["superiority: no better"],
            "gates": [FLOOR, WORSE],
        }
    )
    assert ending_in_words(refused) == (
        "superiority: no better (1 of 2 deciding gates did not pass)"
    )
    known = promoted.model_copy(update={"gates": []})
    assert ending_in_words(known) == "version 3"


def test_only_what_refuses_or_was_skipped_is_a_warning(caplog):
    with caplog.at_level(logging.INFO, logger="prefect_mlops"):
        log_gates("model check", [FLOOR, WORSE, DRIFT, SKIPPED])
    said = {record.message: record.levelname for record in caplog.records}
    assert said == {
        "model check: 1 of 2 deciding gates did not pass; skipped: baseline; 1 note": "INFO",
        "deciding gate superiority: ✗ failed, no better": "WARNING",
        "advice baseline: ⚠ skipped, skipped: the vendor's model": "WARNING",
        "advice drift: • note, far": "INFO",
    }
