"""A user's own gates see the candidate, and whatever does not answer stops a promotion."""

from __future__ import annotations

import re

import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.tasks import run_gates
from pydantic import ValidationError
from support.candidates import crown, log_candidate, split_at
from support.own_code import write_module

GATES = """
from prefect_mlops.core.results import Gate

seen = []


def passes(context):
    seen.append(context)
    share = float(context.predictor.predict(context.holdout)[:, 1].mean())
    return Gate(name="share", verdict="passed", reason="as known", value=share)


def several(context):
    yes = Gate(name="yes", verdict="passed", reason="so it is")
    return [yes, Gate(name="hint", verdict="failed", reason="well", blocking=False)]


def spoils(context):
    context.holdout.drop(context.holdout.index, inplace=True)
    context.train["strong"] = 0.0
    return Gate(name="spoils", verdict="passed", reason="nothing is left")


def champion(context):
    before = context.load_champion()
    reason = "none" if before is None else f"version {context.champion.version}"
    return Gate(name="champion", verdict="passed", reason=reason)


def raises(context):
    raise KeyError("no such column")


def nothing(context): ...


def wrong(context):
    return True


def partly(context):
    return [*several(context), "passed"]


def empty(context):
    return []


async def late(context):
    return several(context)


LIMIT = 0.5
"""


@pytest.fixture
def judge(make_project, calls, monkeypatch, tmp_path):
    """A function that asks gates of the module `own_gates`, with or without a champion."""
    write_module(monkeypatch, tmp_path, "own_gates", GATES)
    frame = calls(400)
    project = make_project(frame)
    split = split_at(project, frame, 300)
    candidate = log_candidate(project, split)

    def ask(*names, champion=False):
        if champion:
            crown(project, candidate)
        project.gates.custom = [f"own_gates:{name}" for name in names]
        return run_gates.fn(split, candidate, **project.arguments(run_gates))

    return ask


def test_what_gates_return_is_the_verdict(judge):
    result = judge("passes", "several")
    assert [gate.name for gate in result.gates] == ["share", "yes", "hint"]
    assert 0 < result.gates[0].value < 1
    assert result.verdict == "passed"


def test_a_gate_sees_the_candidate_and_what_it_was_fitted_on(judge):
    import own_gates

    judge("passes")
    (context,) = own_gates.seen
    assert (len(context.train), len(context.holdout)) == (300, 100)
    assert (context.columns.target, context.task_type, context.metric) == (
        "y",
        "binary",
        "log_loss",
    )
    assert context.candidate.estimator == "hist_gradient_boosting"
    assert context.champion is None
    with pytest.raises(AttributeError):
        context.metric = "brier"


def test_what_a_gate_does_to_its_rows_no_other_sees(judge):
    import own_gates

    assert judge("spoils", "passes").verdict == "passed"
    (context,) = own_gates.seen
    assert len(context.holdout) == 100
    assert context.train["strong"].nunique() > 1


def test_a_gate_may_ask_the_champion_if_there_is_one(judge):
    assert judge("champion").gates[0].reason == "none"
    assert judge("champion", champion=True).gates[0].reason == "version 1"


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raises", "KeyError: 'no such column'"),
        ("nothing", "it returned NoneType"),
        ("wrong", "it returned bool: expected a Gate or a list of them"),
        ("partly", r"it returned list of \['str'\]"),
        ("empty", "it returned list of nothing"),
        ("late", "it returned coroutine"),
    ],
)
def test_a_gate_that_does_not_answer_is_not_run_and_blocks(judge, name, reason):
    result = judge(name, "several")
    gate = result.gates[0]
    assert (gate.name, gate.verdict, gate.blocks) == (f"own_gates:{name}", "not_run", True)
    assert [found.name for found in result.gates[1:]] == ["yes", "hint"]
    assert result.verdict == "not_run"
    assert re.search(reason, gate.reason)


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "cannot be loaded"), ("LIMIT", "is a float: expected a fun")]
)
def test_what_is_no_gate_is_refused(judge, name, reason):
    with pytest.raises(ConfigurationError, match=f"gate 'own_gates:{name}' {reason}"):
        judge(name)


def test_a_text_that_is_no_import_path_is_refused_at_once():
    with pytest.raises(ValidationError, match="'my_gates' is no import path"):
        GateSettings(custom=["my_gates"])


def test_settings_without_own_gates_are_written_as_before_there_were_any():
    assert "custom" not in GateSettings().model_dump(mode="json")
    mine = GateSettings(custom=["a:b"])
    assert GateSettings.model_validate(mine.model_dump(mode="json")) == mine
