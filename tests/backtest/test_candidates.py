"""A training of a stream is made once, kept by content, and knows which rows it has not seen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from prefect_mlops.backtest.candidates import Candidates, with_changes
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.core.workspace import Workspace
from support.own_code import write_module
from support.streams import SETUP, stream_of


@pytest.fixture
def workspace(tmp_path):
    return Workspace(str(tmp_path))


def test_a_candidate_learns_from_the_rows_before_it_and_predicts_those_after(workspace):
    found = Candidates(stream_of(), SETUP, workspace).train(400)
    assert (found.rows, found.fitted) == (400, 400)
    assert 0 < found.first_held_out < 400
    assert len(found.served) == len(found.predictions) == 500
    assert len(found.evaluated) == 900 - found.first_held_out
    assert np.sqrt(found.served_losses(400, 900).mean()) == pytest.approx(0.5, rel=0.15)
    assert len(found.evaluated_losses(600, 650)) == 50


def test_another_process_finds_what_was_trained(workspace):
    first = Candidates(stream_of(), SETUP, workspace).train(400)
    again = Candidates(stream_of(), SETUP, workspace).train(400)
    assert again.seconds == first.seconds
    assert np.array_equal(again.served, first.served)
    assert again.reference.promise == first.reference.promise


def test_other_rows_are_another_training(workspace):
    first = Candidates(stream_of(), SETUP, workspace).train(400)
    other = Candidates(stream_of(turned=200), SETUP, workspace).train(400)
    assert not np.array_equal(other.served, first.served)


def test_edited_code_of_the_users_is_another_training(workspace, monkeypatch, tmp_path):
    training = SETUP.training.model_copy(update={"estimators": ["edited_ridge:made"], "trials": 1})
    found = []
    for alpha in (1.0, 1.0, 1000.0):
        text = f"from sklearn.linear_model import Ridge\ndef made(*_):\n    return Ridge({alpha})\n"
        write_module(monkeypatch, tmp_path, "edited_ridge", text)
        setup = replace(SETUP, training=training)
        found.append(Candidates(stream_of(), setup, workspace).train(400))
    assert found[1].seconds == found[0].seconds
    assert not np.allclose(found[2].served, found[0].served)


def test_changes_leave_out_what_is_not_named():
    gates = GateSettings(margin=0.2)
    assert with_changes(SETUP, gates=gates, monitoring=None).gates is gates
    assert with_changes(SETUP, gates=None).gates is SETUP.gates


def test_what_was_kept_under_the_former_name_of_the_task_type_is_found(workspace, tmp_path):
    first = Candidates(stream_of(), SETUP, workspace).train(400)
    kept = sorted((tmp_path / "backtests").rglob("*.json"))
    changed = 0
    for path in kept:
        document = json.loads(path.read_text())
        for holder in (document, document.get("recipe", {})):
            if "task_type" in holder:
                holder["task"] = holder.pop("task_type")
                changed += 1
        path.write_text(json.dumps(document))
    # The recipe by itself, the candidate's and the reference's.
    assert changed == 3
    again = Candidates(stream_of(), SETUP, workspace).train(400)
    assert (again.seconds, again.recipe) == (first.seconds, first.recipe)
    (folder,) = (tmp_path / "backtests" / "candidates").iterdir()
    (folder / "candidate.json").unlink()
    assert Candidates(stream_of(), SETUP, workspace).train(400).recipe == first.recipe
