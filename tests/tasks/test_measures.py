"""A model is measured on the rows it was fitted on and on those it was not, and its run says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import make_calls
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.results import ModelScores
from prefect_mlops.core.settings import CardSettings
from prefect_mlops.models.evaluation import losses_of
from prefect_mlops.registry.run_files import read_file, read_result
from prefect_mlops.tasks import measure_model
from prefect_mlops.tasks.measures import EXPLANATION, SCORES
from support.candidates import log_candidate, split_at

ROWS = make_calls(900, seed=3)


@pytest.fixture
def project(make_project):
    return make_project(gates={"resamples": 200, "minimum_slice_rows": 50})


def test_a_candidate_is_measured_on_both_and_explained(project):
    split = split_at(project, ROWS, 600)
    candidate = log_candidate(project, split)
    found = measure_model.fn(split, candidate, **project.arguments(measure_model))
    assert [(part.of, part.rows) for part in found.scores] == [("training", 600), ("holdout", 300)]
    assert [part.digest for part in found.scores] == [split.train.digest, split.holdout.digest]
    loss = {part.of: part.metrics[0] for part in found.scores}
    assert loss["training"].name == "log_loss"
    assert loss["training"].value < loss["holdout"].value
    for part in (*loss.values(), *(piece.metrics[0] for piece in found.slices)):
        assert part.low is not None
        assert part.high is not None
        assert part.low < part.value < part.high
    assert [part.of for part in found.slices] == ["job = admin", "job = retired", "job = student"]
    assert sum(part.rows for part in found.slices) == 300
    shares = found.explanation.shares
    assert max(shares, key=shares.__getitem__) == "strong"
    run = project.registry.get_client().get_run(candidate.run_id)
    assert run.data.metrics["training.log_loss"] == pytest.approx(loss["training"].value)
    assert read_result(project.registry, candidate.run_id, SCORES, ModelScores) == found
    picture = read_file(project.registry, candidate.run_id, EXPLANATION)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")


def test_frames_will_do_and_what_is_not_there_is_said(project):
    candidate = log_candidate(project, split_at(project, ROWS, 600))
    given = project.arguments(measure_model)
    found = measure_model.fn(
        (None, ROWS[600:]), candidate, **{**given, "card": CardSettings(explained_rows=0)}
    )
    assert [part.of for part in found.scores] == ["holdout"]
    assert found.missing == ["no training rows were given"]
    assert "explained_rows" in found.explanation.reason
    assert read_file(project.registry, candidate.run_id, EXPLANATION) is None
    assert read_file(project.registry, candidate.run_id, "nowhere/at-all.json") is None


def test_rows_count_what_they_weigh_as_in_the_run(project):
    rows = ROWS.assign(counts=np.where(ROWS["y"] == "no", 10.0, 1.0))
    candidate = log_candidate(project, split_at(project, ROWS, 600))
    columns = project.dataset.columns.model_copy(update={"weight": "counts"})
    given = {**project.arguments(measure_model), "columns": columns}
    found = measure_model.fn((None, rows[600:]), candidate, **given)
    model = project.registry.load_model(candidate.evaluated_uri, "binary")
    losses = losses_of("log_loss", model, rows[600:], "y")
    (part,) = found.scores
    assert part.metrics[0].value == pytest.approx(np.average(losses, weights=rows["counts"][600:]))
    assert (found.weight, found.group) == ("counts", None)


def test_no_rows_at_all_are_refused(project):
    candidate = log_candidate(project, split_at(project, ROWS, 600))
    with pytest.raises(ConfigurationError, match="holds no rows"):
        measure_model.fn((None, None), candidate, **project.arguments(measure_model))


def test_rows_without_the_target_are_refused(project):
    candidate = log_candidate(project, split_at(project, ROWS, 600))
    with pytest.raises(DataRejected, match="'y'"):
        measure_model.fn(
            (None, ROWS.drop(columns="y")), candidate, **project.arguments(measure_model)
        )


def test_a_file_of_another_form_counts_as_none(project, tmp_path):
    candidate = log_candidate(project, split_at(project, ROWS, 600))
    path = Path(tmp_path / "scores.json")
    path.write_text(json.dumps({"rows": 3}), encoding="utf-8")
    project.registry.get_client().log_artifact(candidate.run_id, str(path), "reports")
    assert read_result(project.registry, candidate.run_id, SCORES, ModelScores) is None
