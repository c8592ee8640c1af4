"""Drift is measured against the champion's reference; the report is kept with the champion."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from prefect_mlops.blocks import ModelRegistry
from prefect_mlops.core.errors import ModelUnavailable, RegistryUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.core.tags import PROFILE_URI
from prefect_mlops.monitoring.window_rows import report_path
from prefect_mlops.tasks.drift import measure_drift
from prefect_mlops.tasks.repair import measure_features
from prefect_mlops.tasks.windows import read_window
from support.monitored import calls_like, chances, log_predictions, log_reference


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    return uri, log_reference(uri, folder)


@pytest.fixture
def project(make_project, watched):
    return make_project(registry=ModelRegistry(tracking_uri=watched[0], model_name="calls"))


def test_a_window_like_the_reference_passes_and_leaves_a_report(project, watched):
    log_predictions(project, calls_like(600, seed=2))
    data = read_window.fn(**project.arguments(read_window))
    report = measure_drift.fn(data, watched[1], **project.arguments(measure_drift))
    assert report.verdict == "passed"
    assert report.target_drifted is False
    html = Path(report.report_uri).read_text()
    assert report.reason in html
    assert Path(report.report_uri).is_relative_to(Path(project.workspace) / "reports" / "drift")
    kept = project.registry.get_client().list_artifacts(
        watched[1].run_id, str(Path(report_path(data.window)).parent)
    )
    assert [item.path for item in kept] == [report_path(data.window)]


def test_a_shifted_window_fails_and_names_the_column(project, watched):
    log_predictions(project, calls_like(600, seed=2, shift=1.0))
    report = measure_features(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_features),
    )
    assert report.verdict == "failed"
    assert report.drifted_columns[0] == "strong"
    assert not report.prediction_drifted
    assert report.report_uri is None
    whole = measure_drift.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_drift),
    )
    assert whole.prediction_drifted


@pytest.mark.parametrize("large", [2**53 + 1, 2**63 + 1, 10**40])
@pytest.mark.parametrize("others", [[1, 2**62 + 1], [0.5, 1.5]])
def test_numbers_of_any_size_can_be_watched(project, watched, large, others):
    frame = calls_like(600, seed=2)
    predicted = chances(frame)
    values = pd.Series([large, None, *others] * 150, dtype=object)
    log_predictions(project, frame.assign(weak=values), predicted=predicted)
    data = read_window.fn(**project.arguments(read_window))
    report = measure_drift.fn(data, watched[1], **project.arguments(measure_drift))
    assert "weak" in report.drifted_columns
    assert Path(report.report_uri).exists()


def test_production_input_nobody_expected_does_not_lose_the_report(project, watched):
    frame = calls_like(600, seed=2)
    predicted = chances(frame)
    frame["weak"] = None
    frame["job"] = ["new", None, "admin"] * 200
    frame["strong"] = frame["strong"].astype(object)
    frame.loc[:99, "strong"] = "n/a"
    log_predictions(project, frame, predicted=predicted)
    report = measure_drift.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_drift),
    )
    feature_types = {(c.column, c.kind) for c in report.columns if c.drifted}
    assert {("weak", "unusable"), ("strong", "nulls"), ("job", "new_categories")} <= feature_types
    assert not report.prediction_drifted
    assert report.report_uri is not None


def test_too_few_predictions_are_not_judged(project, watched):
    log_predictions(project, calls_like(150))
    report = measure_drift.fn(
        read_window.fn(**project.arguments(read_window)),
        watched[1],
        **project.arguments(measure_drift),
    )
    assert (report.verdict, report.report_uri) == ("not_run", None)


@pytest.mark.parametrize("place", [f"{'0' * 32}/reference", "{run}/elsewhere"])
def test_a_reference_that_is_gone_is_an_error_not_a_pass(project, watched, place):
    log_predictions(project, calls_like(300))
    uri = f"runs:/{place.format(run=watched[1].run_id)}"
    gone = watched[1].model_copy(update={"tags": {PROFILE_URI: uri}})
    with pytest.raises(ModelUnavailable, match="is not there"):
        measure_drift.fn(
            read_window.fn(**project.arguments(read_window)),
            gone,
            **project.arguments(measure_drift),
        )


def test_a_registry_out_of_reach_is_named_without_its_password(make_project, watched):
    registry = ModelRegistry(tracking_uri="http://me:secret@127.0.0.1:1", model_name="calls")
    project = make_project(registry=registry)
    log_predictions(project, calls_like(300))
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1") as raised:
        measure_drift.fn(
            read_window.fn(**project.arguments(read_window)),
            watched[1],
            **project.arguments(measure_drift),
        )
    assert "secret" not in str(raised.value)


def test_report_paths_are_safe_and_differ_by_window():
    window = Window(start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z")
    assert report_path(window) == "monitoring/2026-01-01T000000Z_2026-01-02T000000Z/drift.html"
