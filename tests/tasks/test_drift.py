"""Drift is measured against the champion's reference; the report is kept with the champion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from prefect import flow
from prefect_mlops.blocks import ModelRegistry, Stores
from prefect_mlops.core.errors import (
    ConfigurationError,
    DataRejected,
    ModelUnavailable,
    RegistryUnavailable,
)
from prefect_mlops.core.results import Window
from prefect_mlops.core.settings import Columns
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


FEATURES = Columns(target="y", features=["strong", "weak", "job"])


def test_two_frames_alike_pass_without_anything_of_ours():
    report = measure_drift.fn(calls_like(600, seed=2), calls_like(800, seed=1))
    assert (report.verdict, report.rows, report.report_uri) == ("passed", 600, None)
    assert {column.column for column in report.columns} == {"strong", "weak", "job", "y"}
    assert {column.importance for column in report.columns} == {0.25}
    assert report.reason == "no column drifted; no predictions were compared"


@pytest.mark.parametrize("as_given", [lambda frame: frame, pa.Table.from_pandas])
def test_a_shifted_frame_or_table_fails_and_the_report_is_where_it_was_asked_for(
    tmp_path, as_given
):
    report = measure_drift.fn(
        as_given(calls_like(600, seed=2, shift=1.0)),
        as_given(calls_like(800, seed=1)),
        columns=FEATURES,
        workspace=str(tmp_path / "mine"),
    )
    assert (report.verdict, report.drifted_columns) == ("failed", ["strong", "label"])
    assert report.drifted_importance == pytest.approx(1 / 3)
    assert report.target_drifted is True
    assert report.reason in Path(report.report_uri).read_text()
    assert Path(report.report_uri).is_relative_to(tmp_path / "mine" / "reports" / "drift")


def test_weights_say_which_drift_matters(tmp_path):
    frames = calls_like(600, seed=2, shift=1.0), calls_like(800, seed=1)
    stores = Stores("calls", workspace=str(tmp_path))
    light = measure_drift.fn(
        *frames, columns=FEATURES, importance={"strong": 1, "job": 9}, stores=stores
    )
    assert (light.verdict, light.drifted_columns) == ("passed", ["strong", "label"])
    assert light.drifted_importance == pytest.approx(0.1)
    assert Path(light.report_uri).is_relative_to(tmp_path)
    heavy = measure_drift.fn(*frames, columns=FEATURES, importance={"strong": 2})
    assert (heavy.verdict, heavy.drifted_importance) == ("failed", 1.0)


def test_frames_are_compared_in_a_flow_of_their_own(prefect_api):
    @flow
    def mine(rows: pd.DataFrame, before: pd.DataFrame):
        called = measure_drift(rows, before)
        return called, measure_drift.submit(rows, before, columns=FEATURES).result()

    called, submitted = mine(calls_like(600, seed=2, shift=1.0), calls_like(800, seed=1))
    assert called.verdict == submitted.verdict == "failed"


def test_columns_of_one_side_are_named_or_refused():
    rows, before = calls_like(600, seed=2), calls_like(800, seed=1)
    report = measure_drift.fn(rows.drop(columns="y").assign(new=1.0), before)
    assert report.reason.endswith("on one side only, not compared: new, y")
    with pytest.raises(DataRejected, match=r"\['weak'\] are missing from data") as raised:
        measure_drift.fn(rows.drop(columns="weak"), before, columns=FEATURES)
    assert raised.value.column == "weak"
    with pytest.raises(DataRejected, match=r"\['weak'\] are missing from reference"):
        measure_drift.fn(rows, before.drop(columns="weak"), columns=FEATURES)
    with pytest.raises(DataRejected, match=r"\['new'\] are missing from reference"):
        measure_drift.fn(rows.assign(new=1.0), before, columns=Columns(target="y"))
    with pytest.raises(DataRejected, match="no column in common"):
        measure_drift.fn(rows[["weak"]], before[["strong"]])


def test_few_rows_on_either_side_are_not_judged():
    few, enough = calls_like(150), calls_like(300)
    assert measure_drift.fn(few, enough).reason == "150 rows; drift needs at least 200"
    report = measure_drift.fn(enough, few)
    assert report.verdict == "not_run"
    assert report.reason == "150 rows of the reference; drift needs at least 200"
    assert measure_drift.fn(enough.head(0), enough).verdict == "not_run"


@pytest.mark.parametrize(
    ("importance", "said"),
    [
        ({"colour": 1.0}, r"names \['colour'\]"),
        ({"strong": -1.0, "weak": 2.0}, r"\{'strong': -1.0\} is no weight"),
        ({"strong": float("nan")}, "is no weight"),
        ({"strong": 0.0}, "is no weight"),
        ({}, "is no weight"),
    ],
)
def test_weights_that_make_no_sense_are_refused(importance, said):
    frame = calls_like(300)
    with pytest.raises(ConfigurationError, match=said):
        measure_drift.fn(frame, frame, importance=importance)


def test_what_is_no_table_is_refused_by_name():
    frame = calls_like(300)
    with pytest.raises(ConfigurationError, match="data is a list: give a pandas"):
        measure_drift.fn([1, 2], frame)
    with pytest.raises(ConfigurationError, match="reference is a str"):
        measure_drift.fn(frame, "calls")
    twice = pd.concat([frame, frame[["weak"]]], axis=1)
    with pytest.raises(DataRejected, match=r"\['weak'\] appear more than once"):
        measure_drift.fn(twice, frame)
    mixed = frame.assign(weak=[1, "a"] * 150)
    with pytest.raises(DataRejected, match="'weak' mixes int, str"):
        measure_drift.fn(frame, mixed)


def test_frames_of_any_column_types_are_compared():
    rng = np.random.default_rng(0)
    before = pd.DataFrame(
        {
            0: rng.normal(0, 1, 400),
            "day": pd.date_range("2026-01-01", periods=400, freq="h"),
            "on": rng.random(400) < 0.5,
            "kind": pd.Categorical(rng.choice(["a", "b"], 400)),
            "gone": [None] * 400,
        },
        index=[f"row {i}" for i in range(400)],
    )
    rows = before.assign(**{"on": True}).replace({0: {before[0].iloc[0]: np.inf}})
    report = measure_drift.fn(rows, before)
    assert report.drifted_columns == ["on"]
    assert {column.column for column in report.columns} == {"0", "day", "on", "kind", "gone"}


def test_rows_are_compared_with_a_version_and_a_window_with_rows(project, watched):
    rows = calls_like(600, seed=2, shift=1.0)
    stores = Stores("calls", project.registry)
    report = measure_drift.fn(rows, watched[1], columns=FEATURES, stores=stores)
    assert (report.verdict, report.drifted_columns) == ("failed", ["strong", "label"])
    assert (report.drifted_importance, report.report_uri) == (0.9, None)
    with pytest.raises(DataRejected, match=r"\['weak'\] are missing from data"):
        measure_drift.fn(rows.drop(columns="weak"), watched[1], stores=stores)
    with pytest.raises(ConfigurationError, match="stores=Stores"):
        measure_drift.fn(rows, watched[1])
    with pytest.raises(ConfigurationError, match=r"needs stores\.registry"):
        measure_drift.fn(rows, watched[1], stores=Stores("calls"))
    with pytest.raises(ConfigurationError, match="which has its own"):
        measure_drift.fn(rows, watched[1], importance={"weak": 1.0}, stores=stores)
    log_predictions(project, rows)
    data = read_window.fn(**project.arguments(read_window))
    window = measure_drift.fn(data, calls_like(800, seed=1), columns=FEATURES)
    assert (window.verdict, window.drifted_columns) == ("failed", ["strong", "label"])
