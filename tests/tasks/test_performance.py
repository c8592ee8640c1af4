"""Performance is read from the log and the champion's promise."""

from __future__ import annotations

import pytest
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.labels import to_classes
from prefect_mlops.tasks.performance import labelled_rows, measure_performance
from prefect_mlops.tasks.windows import read_window
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
    report = measure_performance.fn(project, read_window.fn(project), watched[1])
    assert (report.verdict, report.rows, report.metric) == ("passed", 370, "log_loss")


def test_predictions_worse_than_promised_fail_with_the_numbers(project, watched):
    frame = calls_like(400, seed=5)
    log_predictions(project, frame, predicted=chances(frame)[:, ::-1])
    report = measure_performance.fn(project, read_window.fn(project), watched[1])
    assert report.verdict == "failed"
    assert f"{report.promised:.4f}" in report.reason


def test_too_few_labels_are_not_judged(project, watched):
    log_predictions(project, calls_like(400), labelled=199)
    report = measure_performance.fn(project, read_window.fn(project), watched[1])
    assert report.verdict == "not_run"
    assert "199 labelled" in report.reason


def test_other_versions_predictions_are_not_held_against_the_champion(project, watched):
    log_predictions(project, calls_like(400), version="2")
    report = measure_performance.fn(project, read_window.fn(project), watched[1])
    assert (report.verdict, report.rows) == ("not_run", 0)


def test_labelled_rows_are_rows_of_the_dataset(project):
    frame = calls_like(40)
    log_predictions(project, frame, labelled=30)
    rows = labelled_rows(project, read_window.fn(project))
    assert sorted(rows) == ["at", "job", "label", "strong", "weak"]
    assert rows["strong"].tolist() == frame["strong"].head(30).tolist()
    assert rows["label"].tolist() == frame["y"].head(30).tolist()
    assert rows["at"].iloc[0] == EPOCH


def test_a_feature_named_like_a_column_of_the_log_is_refused(project):
    from prefect_mlops.storage.interface import Prediction

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
        labelled_rows(project, read_window.fn(project))


def test_labels_become_the_models_own_classes():
    assert to_classes(["1", 0.0, "x"], [0, 1]).tolist() == [1, 0, "x"]
    assert to_classes([], ["a"]).tolist() == []
