"""A dataset is scored and labelled by the name of its project, and once."""

from __future__ import annotations

import pytest
from conftest import make_calls
from prefect.states import StateType
from prefect_mlops.core.errors import ConfigurationError, DataRejected, ModelUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.flows import label, score

pytestmark = pytest.mark.usefixtures("prefect_api")


def test_scoring_twice_logs_nothing_twice(champion, dataset):
    rows = dataset("new", make_calls(200, seed=3, start="2026-02-01").drop(columns="y"))
    first = score(champion, rows)
    assert (first.rows, first.logged, first.version) == (200, 200, "1")
    again = score(champion, rows)
    assert (again.rows, again.logged) == (200, 0)
    with champion.predictions.get_client() as store:
        assert store.coverage("calls", Window(last=1_000)).rows == 200


def test_without_a_dataset_the_projects_own_rows_are_scored(champion):
    assert score(champion).rows == 1_000


def test_labels_arrive_later(champion, dataset):
    frame = make_calls(100, seed=3, start="2026-02-01")
    score(champion, dataset("new", frame.drop(columns="y")))
    state = label(champion, dataset("outcomes", frame[:60]), return_state=True)
    assert state.type == StateType.COMPLETED
    report = state.result()
    assert (report.attached, report.changed, report.unknown) == (60, 0, [])
    again = label(champion, dataset("outcomes", frame))
    assert (again.attached, again.changed) == (100, 0)
    corrected = dataset("corrected", frame[:5].assign(y="maybe"))
    with pytest.raises(DataRejected, match="does not know: 'maybe'"):
        label(champion, corrected)
    report = label(champion, corrected, overwrite=True, new_classes=True)
    assert report.changed + report.attached == 5


def test_project_and_dataset_are_found_by_their_names(champion, dataset):
    champion.save("calls", overwrite=True)
    dataset("new", make_calls(50, seed=4, start="2026-02-01")).save("new-calls", overwrite=True)
    assert score("calls", "new-calls").logged == 50
    assert label("calls", "new-calls").attached == 50
    with pytest.raises(ConfigurationError, match="no Dataset block is saved as 'nothing'"):
        score("calls", "nothing")


def test_before_the_first_training_there_is_nothing_to_score_with(make_flow_project, dataset):
    with pytest.raises(ModelUnavailable, match="run the training flow first"):
        score(make_flow_project(), dataset("rows", make_calls(50)))
