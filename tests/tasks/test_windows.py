"""Windows are read once, as snapshots that say what they cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core.errors import LogUnavailable, ModelUnavailable
from prefect_mlops.core.results import ModelVersion, Window
from prefect_mlops.tasks.windows import (
    load_window,
    prune_predictions,
    read_window,
    reference_of,
)
from support.monitored import EPOCH, calls_like, log_predictions


def test_the_latest_predictions_cover_from_the_first_to_just_after_the_last(make_project):
    project = make_project(monitoring={"window_rows": 30})
    log_predictions(project, calls_like(50), labelled=25)
    data = read_window.fn(project)
    assert (data.rows, data.labelled, data.versions) == (30, 5, {"3": 30})
    assert data.window.start == EPOCH + timedelta(minutes=20)
    assert data.window.end == EPOCH + timedelta(minutes=49, microseconds=1)
    again = read_window.fn(project, data.window)
    assert again.snapshot.digest == data.snapshot.digest
    assert again.window == data.window


def test_a_period_excludes_its_end_and_stays_as_asked(make_project):
    project = make_project()
    log_predictions(project, calls_like(50))
    asked = Window(start=EPOCH + timedelta(minutes=10), end=EPOCH + timedelta(minutes=20))
    data = read_window.fn(project, asked)
    assert (data.rows, data.window) == (10, asked)


@pytest.mark.parametrize(
    "asked", [None, Window(last=5), Window(start=EPOCH, end=EPOCH + timedelta(days=1))]
)
def test_a_window_without_predictions_is_no_error(make_project, asked):
    data = read_window.fn(make_project(), asked)
    assert (data.rows, data.labelled, data.versions) == (0, 0, {})
    assert data.window == (asked or Window(last=2_000))
    assert len(load_window(data)) == 0


def test_labels_that_arrive_later_do_not_change_what_was_read(make_project):
    project = make_project()
    log_predictions(project, calls_like(5), labelled=0)
    before = read_window.fn(project)
    with project.predictions.get_client() as store:
        store.attach_labels("calls", {f"3-{EPOCH.isoformat()}-0": "yes"})
    after = read_window.fn(project)
    assert load_window(before)["label"].isna().all()
    assert (before.labelled, after.labelled) == (0, 1)
    assert before.window == after.window


def test_versions_in_the_window_are_counted(make_project):
    project = make_project()
    log_predictions(project, calls_like(5), version="2")
    log_predictions(project, calls_like(7), version="3")
    assert read_window.fn(project).versions == {"2": 5, "3": 7}


def test_a_log_that_cannot_be_opened_is_named(make_project, tmp_path):
    (tmp_path / "taken").mkdir()
    project = make_project(predictions=PredictionLog(uri=f"sqlite:///{tmp_path}/taken"))
    with pytest.raises(LogUnavailable, match="taken"):
        read_window.fn(project)


def test_a_version_without_a_reference_says_how_to_get_one(make_project):
    version = ModelVersion(name="calls", version="1", run_id="r", uri="models:/calls/1")
    with pytest.raises(ModelUnavailable, match="training flow"):
        reference_of(make_project(), version)


def test_predictions_older_than_the_retention_are_deleted(make_project):
    project = make_project()
    log_predictions(project, calls_like(5))
    assert prune_predictions.fn(project) == 0
    age = (datetime.now(UTC) - EPOCH).total_seconds() / 86_400
    uri = project.predictions.uri.get_secret_value()
    for days, deleted in ((age + 1, 0), (age - 2 / 1440, 3), (0.001, 2)):
        kept = project.model_copy(
            update={"predictions": PredictionLog(uri=uri, retention_days=days)}
        )
        assert prune_predictions.fn(kept) == deleted
    assert read_window.fn(project).rows == 0
