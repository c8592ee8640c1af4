"""Performance is read from the log and the champion's promise."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.data.class_labels import to_classes
from prefect_mlops.monitoring.window_rows import labelled_rows
from prefect_mlops.tasks.performance import measure_performance
from prefect_mlops.tasks.windows import read_labelled_window, read_window
from support.monitored import EPOCH, calls_like, chances, log_predictions, log_reference


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    return uri, log_reference(uri, folder)


@pytest.fixture
def project(make_project, watched):
    return make_project(registry=ModelRegistry(tracking_uri=watched[0], model_name="calls"))


def test_predictions_as_good_as_promised_pass(project, watched):
    log_predictions(project, calls_like(400, seed=5), labelled=370)
    report = measure_performance.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_performance),
    )
    assert (report.verdict, report.rows, report.metric) == ("passed", 370, "log_loss")


def test_predictions_worse_than_promised_fail_with_the_numbers(project, watched):
    frame = calls_like(400, seed=5)
    log_predictions(project, frame, predicted=chances(frame)[:, ::-1])
    report = measure_performance.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_performance),
    )
    assert report.verdict == "failed"
    assert f"{report.promised:.4f}" in report.reason


def test_too_few_labels_are_not_judged(project, watched):
    log_predictions(project, calls_like(400), labelled=199)
    report = measure_performance.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_performance),
    )
    assert report.verdict == "not_run"
    assert "199 labelled" in report.reason


def test_other_versions_predictions_are_not_held_against_the_champion(project, watched):
    log_predictions(project, calls_like(400), version="2")
    report = measure_performance.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_performance),
    )
    assert (report.verdict, report.rows) == ("not_run", 0)


def sales_first(project, rows: int, complete: int) -> None:
    """Log predictions with all labels of the first `complete`, and only the sales of the others."""
    frame = calls_like(rows, seed=5)
    log_predictions(project, frame, labelled=complete)
    sold = [i for i in range(complete, rows) if frame["y"].iloc[i] == "yes"]
    with project.predictions.get_client() as store:
        store.attach_labels("calls", {f"3-{EPOCH.isoformat()}-{i}": "yes" for i in sold})


def test_labels_of_one_class_that_come_first_make_no_alarm(project, watched):
    sales_first(project, 800, 0)
    data = read_window.fn(**project.arguments(read_window))
    assert data.labelled > project.monitoring.performance.minimum_labels
    judged = read_labelled_window.fn(data, **project.arguments(read_labelled_window))
    report = measure_performance.fn(
        judged, watched[1], data, **project.arguments(measure_performance)
    )
    assert (report.verdict, report.value) == ("not_run", None)
    assert "the first labels are not like the others" in report.reason
    # What waiting protects from: these labels by themselves look worse than promised.
    eager = project.monitoring.performance.model_copy(update={"minimum_coverage": 0.0})
    hasty = project.model_copy(
        update={"monitoring": project.monitoring.model_copy(update={"performance": eager})}
    )
    assert measure_performance.fn(data, watched[1], **hasty.arguments(measure_performance)).harm


def test_a_report_of_an_earlier_window_says_the_delay_and_the_coverage(project, watched):
    project = project.model_copy(
        update={"monitoring": project.monitoring.model_copy(update={"window_rows": 600})}
    )
    sales_first(project, 2_000, 1_200)
    asked = read_window.fn(**project.arguments(read_window))
    judged = read_labelled_window.fn(asked, **project.arguments(read_labelled_window))
    report = measure_performance.fn(
        judged, watched[1], asked, **project.arguments(measure_performance)
    )
    assert (report.verdict, report.window) == ("passed", judged.window)
    delay = asked.window.end - judged.window.end
    assert timedelta(minutes=600) <= delay <= timedelta(minutes=900)
    assert report.delay_seconds == delay.total_seconds()
    assert report.coverage == judged.labelled / judged.rows >= 0.9
    assert f"({report.coverage:.0%} of the labels are there)" in report.reason
    assert f"made {delay / timedelta(days=1):.3g} days earlier" in report.reason
    assert f"of the latest {asked.labelled} of 600 labels are there" in report.reason


def test_a_report_of_the_asked_window_names_no_delay(project, watched):
    log_predictions(project, calls_like(400, seed=5))
    data = read_window.fn(**project.arguments(read_window))
    report = measure_performance.fn(
        data, watched[1], data, **project.arguments(measure_performance)
    )
    assert (report.window, report.delay_seconds) == (None, None)
    assert "earlier" not in report.reason


def test_labelled_rows_are_rows_of_the_dataset(project):
    frame = calls_like(40)
    log_predictions(project, frame, labelled=30)
    rows = labelled_rows(
        read_window.fn(**project.arguments(read_window)), **project.arguments(labelled_rows)
    )
    assert sorted(rows) == ["at", "job", "label", "strong", "weak"]
    assert rows["strong"].tolist() == frame["strong"].head(30).tolist()
    assert rows["label"].tolist() == frame["y"].head(30).tolist()
    assert rows["at"].iloc[0] == EPOCH


def test_a_feature_named_like_a_column_of_the_log_is_refused(project):
    from prefect_mlops.storage.predictions import Prediction

    with project.predictions.get_client() as store:
        store.append(
            [
                Prediction(
                    id="a",
                    model="calls",
                    version="3",
                    at=EPOCH,
                    features={"label": 1.0},
                    prediction="no",
                    label="no",
                )
            ]
        )
    with pytest.raises(DataRejected, match="rename"):
        labelled_rows(
            read_window.fn(**project.arguments(read_window)), **project.arguments(labelled_rows)
        )


def test_labels_become_the_models_own_classes():
    assert to_classes(["1", 0.0, "x"], [0, 1]).tolist() == [1, 0, "x"]
    assert to_classes([], ["a"]).tolist() == []
