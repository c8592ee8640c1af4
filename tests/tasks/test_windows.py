"""Windows are read once, as snapshots that say what they cover."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prefect_mlops.blocks import PredictionLog
from prefect_mlops.core.errors import LogUnavailable, ModelUnavailable
from prefect_mlops.core.results import ModelVersion, Window
from prefect_mlops.monitoring.label_lag import shortest_lag
from prefect_mlops.monitoring.window_rows import load_window
from prefect_mlops.registry.references import reference_of
from prefect_mlops.tasks.windows import prune_predictions, read_labelled_window, read_window
from support.monitored import EPOCH, calls_like, log_predictions


def test_the_latest_predictions_cover_from_the_first_to_just_after_the_last(make_project):
    project = make_project(monitoring={"window_rows": 30})
    log_predictions(project, calls_like(50), labelled=25)
    data = read_window.fn(**project.arguments(read_window))
    assert (data.rows, data.labelled, data.versions) == (30, 5, {"3": 30})
    assert data.window.start == EPOCH + timedelta(minutes=20)
    assert data.window.end == EPOCH + timedelta(minutes=49, microseconds=1)
    again = read_window.fn(data.window, **project.arguments(read_window))
    assert again.snapshot.digest == data.snapshot.digest
    assert again.window == data.window


def test_a_period_excludes_its_end_and_stays_as_asked(make_project):
    project = make_project()
    log_predictions(project, calls_like(50))
    asked = Window(start=EPOCH + timedelta(minutes=10), end=EPOCH + timedelta(minutes=20))
    data = read_window.fn(asked, **project.arguments(read_window))
    assert (data.rows, data.window) == (10, asked)


@pytest.mark.parametrize(
    "asked", [None, Window(last=5), Window(start=EPOCH, end=EPOCH + timedelta(days=1))]
)
def test_a_window_without_predictions_is_no_error(make_project, asked):
    data = read_window.fn(asked, **make_project().arguments(read_window))
    assert (data.rows, data.labelled, data.versions) == (0, 0, {})
    assert data.window == (asked or Window(last=2_000))
    assert len(load_window(data)) == 0


def test_labels_that_arrive_later_do_not_change_what_was_read(make_project):
    project = make_project()
    log_predictions(project, calls_like(5), labelled=0)
    before = read_window.fn(**project.arguments(read_window))
    with project.predictions.get_client() as store:
        store.attach_labels("calls", {f"3-{EPOCH.isoformat()}-0": "yes"})
    after = read_window.fn(**project.arguments(read_window))
    assert load_window(before)["label"].isna().all()
    assert (before.labelled, after.labelled) == (0, 1)
    assert before.window == after.window


def test_versions_in_the_window_are_counted(make_project):
    project = make_project()
    log_predictions(project, calls_like(5), version="2")
    log_predictions(project, calls_like(7), version="3")
    assert read_window.fn(**project.arguments(read_window)).versions == {"2": 5, "3": 7}


def test_a_log_that_cannot_be_opened_is_named(make_project, tmp_path):
    (tmp_path / "taken").mkdir()
    project = make_project(predictions=PredictionLog(uri=f"sqlite:///{tmp_path}/taken"))
    with pytest.raises(LogUnavailable, match="taken"):
        read_window.fn(**project.arguments(read_window))


def test_a_version_without_a_reference_says_how_to_get_one(make_project):
    version = ModelVersion(name="calls", version="1", run_id="r", uri="models:/calls/1")
    with pytest.raises(ModelUnavailable, match="training flow"):
        reference_of(make_project().registry, version)


def test_predictions_older_than_the_retention_are_deleted(make_project):
    project = make_project()
    log_predictions(project, calls_like(5))
    assert prune_predictions.fn(**project.arguments(prune_predictions)) == 0
    age = (datetime.now(UTC) - EPOCH).total_seconds() / 86_400
    uri = project.predictions.uri.get_secret_value()
    for days, deleted in ((age + 1, 0), (age - 2 / 1440, 3), (0.001, 2)):
        kept = project.model_copy(
            update={"predictions": PredictionLog(uri=uri, retention_days=days)}
        )
        assert prune_predictions.fn(**kept.arguments(prune_predictions)) == deleted
    assert read_window.fn(**project.arguments(read_window)).rows == 0


JUDGED = {"window_rows": 100, "performance": {"minimum_labels": 20, "minimum_coverage": 0.9}}


def test_a_window_whose_labels_are_complete_is_judged_itself(make_project):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(300), labelled=290)
    data = read_window.fn(**project.arguments(read_window))
    assert data.labelled == 90
    assert read_labelled_window.fn(data, **project.arguments(read_labelled_window)) is data


def test_until_labels_are_complete_the_newest_earlier_window_of_the_same_length_is_judged(
    make_project,
):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(600), labelled=400)
    data = read_window.fn(**project.arguments(read_window))
    judged = read_labelled_window.fn(data, **project.arguments(read_labelled_window))
    length = data.window.end - data.window.start
    assert judged.window.end - judged.window.start == length
    assert judged.labelled >= 0.9 * judged.rows
    # A window that ends 10 rows after the last label is the newest that is complete enough.
    newest = EPOCH + timedelta(minutes=410)
    assert newest - length / 4 <= judged.window.end <= newest


def test_an_earlier_window_may_be_all_that_the_log_holds(make_project):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(200), labelled=60)
    judged = read_labelled_window.fn(
        read_window.fn(**project.arguments(read_window)), **project.arguments(read_labelled_window)
    )
    assert judged.labelled >= max(20, 0.9 * judged.rows)


def test_a_day_without_predictions_does_not_hide_the_days_before(make_project):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(400), labelled=400)
    log_predictions(project, calls_like(100), start=EPOCH + timedelta(minutes=800), labelled=0)
    judged = read_labelled_window.fn(
        read_window.fn(**project.arguments(read_window)), **project.arguments(read_labelled_window)
    )
    assert judged.labelled >= max(20, 0.9 * judged.rows)
    assert judged.window.end <= EPOCH + timedelta(minutes=500)


@pytest.mark.parametrize("labelled", [0, 15])
def test_where_no_window_is_complete_the_asked_one_is_returned(make_project, labelled):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(300), labelled=labelled)
    data = read_window.fn(**project.arguments(read_window))
    assert read_labelled_window.fn(data, **project.arguments(read_labelled_window)) is data


def test_a_window_without_predictions_has_no_earlier_one(make_project):
    project = make_project(monitoring=JUDGED)
    log_predictions(project, calls_like(200))
    later = Window(start=EPOCH + timedelta(days=9), end=EPOCH + timedelta(days=10))
    data = read_window.fn(later, **project.arguments(read_window))
    assert read_labelled_window.fn(data, **project.arguments(read_labelled_window)) is data


LENGTHS = st.timedeltas(timedelta(minutes=1), timedelta(days=90))


@given(LENGTHS, st.floats(0, 256))
@example(length=timedelta(seconds=60, microseconds=1), after=256.0)
def test_the_lag_is_the_shortest_to_an_eighth(length, after):
    shortest = after * length
    found = shortest_lag(lambda lag: lag >= shortest, length)
    assert found >= shortest
    assert found <= max(shortest, timedelta(0)) + max(length, found) / 8


@given(LENGTHS, st.floats(0, 250), st.floats(0.126, 6))
def test_the_lag_is_found_where_the_log_goes_back_no_further(length, after, span):
    shortest, end = after * length, (after + span) * length
    found = shortest_lag(lambda lag: None if lag >= end else lag >= shortest, length)
    assert shortest <= found < end
    assert found - shortest <= max(length, found) / 8


@given(LENGTHS, st.floats(0.2, 8), st.floats(0, 8))
def test_the_lag_is_found_beyond_a_gap(length, begin, gap):
    begins, ends = begin * length, (begin + gap) * length
    found = shortest_lag(
        lambda lag: False if lag < begins else None if lag < ends else True, length
    )
    assert found >= ends
    assert found - ends <= max(length, found) / 8


@given(LENGTHS, st.sampled_from([False, None]))
def test_there_is_no_lag_where_nothing_is_complete_and_the_search_ends(length, answer):
    asked = []
    assert shortest_lag(lambda lag: asked.append(lag) or answer, length) is None
    assert len(asked) <= 32
