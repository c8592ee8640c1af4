"""Every row that is scored is logged once, as the model saw it, and labels find it again."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect_mlops.blocks import Dataset, ModelRegistry, PredictionLog
from prefect_mlops.core.errors import DataRejected, LogUnavailable, ModelUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.tasks import scoring
from prefect_mlops.tasks.champion import get_champion
from prefect_mlops.tasks.scoring import attach_labels, score_rows
from support.candidates import crown, log_candidate, split_at

COLUMNS = {"target": "y", "timestamp": "called_at", "id": "call_id"}
EVER = Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def project(make_project, calls):
    """A project with a champion and an empty log."""
    frame = calls(300)
    project = make_project(frame)
    crown(project, log_candidate(project, split_at(project, frame, 200), iterations=3))
    return project


@pytest.fixture
def rows(tmp_path):
    """A function that makes a dataset of rows."""

    def make(frame: pd.DataFrame, **columns) -> Dataset:
        path = tmp_path / "rows.parquet"
        frame.to_parquet(path)
        return Dataset(
            source={"type": "parquet", "path": str(path)}, columns={**COLUMNS, **columns}
        )

    return make


def score(project, dataset):
    return score_rows.fn(project, dataset, get_champion(project))


def logged(project) -> pd.DataFrame:
    with project.predictions.get_client() as store:
        return store.read("calls", EVER).to_pandas()


def test_predictions_are_those_of_the_champion_with_what_it_saw(project, rows, calls):
    frame = calls(50, seed=3, start="2026-02-01")
    outcome = score(project, rows(frame.drop(columns="y")))
    assert (outcome.rows, outcome.logged, outcome.version) == (50, 50, "1")
    assert outcome.first == frame["called_at"].min()
    assert outcome.last == frame["called_at"].max()
    assert outcome.unreadable == {}
    found = logged(project)
    assert found["id"].tolist() == frame["call_id"].tolist()
    assert (found["at"] == frame["called_at"]).all()
    assert set(found["version"]) == {"1"}
    assert found["label"].isna().all()
    for name in ("strong", "weak", "job"):
        assert found[f"features.{name}"].tolist() == frame[name].tolist()
    model = project.registry.load_model("models:/calls/1", "binary")
    expected = model.predict(frame)
    assert np.allclose(found[["score.no", "score.yes"]], expected, atol=0)
    assert found["prediction"].tolist() == model.labels(expected).tolist()


def test_scoring_again_logs_nothing_twice_and_more_rows_only_the_new_ones(project, rows, calls):
    frame = calls(60, seed=3, start="2026-02-01")
    assert score(project, rows(frame[:40])).logged == 40
    assert score(project, rows(frame[:40])).logged == 0
    assert score(project, rows(frame)).logged == 20
    assert len(logged(project)) == 60


def test_rows_are_logged_in_portions_without_a_seam(project, rows, calls, monkeypatch):
    monkeypatch.setattr(scoring, "_CHUNK_ROWS", 7)
    frame = calls(30, seed=3, start="2026-02-01")
    assert score(project, rows(frame)).logged == 30
    model = project.registry.load_model("models:/calls/1", "binary")
    assert np.allclose(logged(project)["score.yes"], model.predict(frame)[:, 1], atol=0)


def test_without_a_timestamp_predictions_are_made_now(project, rows, calls):
    before = datetime.now(UTC)
    outcome = score(project, rows(calls(5), timestamp=None, ignored=["called_at"]))
    assert outcome.first is not None
    assert before <= outcome.first <= datetime.now(UTC)


def test_without_an_id_equal_rows_are_two_predictions_and_stay_two(project, rows, calls):
    frame = pd.concat([calls(5), calls(5)]).drop(columns=["call_id", "called_at", "y"])
    dataset = rows(frame.reset_index(drop=True), id=None, timestamp=None)
    assert score(project, dataset).logged == 10
    assert score(project, dataset).logged == 0


def test_times_are_logged_in_utc(project, rows, calls):
    frame = calls(3)
    frame["called_at"] = frame["called_at"].dt.tz_convert("America/Lima")
    score(project, rows(frame))
    assert (logged(project)["at"] == calls(3)["called_at"]).all()


def test_missing_values_are_logged_as_missing(project, rows, calls):
    frame = calls(4)
    frame.loc[1, "strong"] = np.nan
    frame.loc[2, "job"] = None
    assert score(project, rows(frame)).unreadable == {}
    found = logged(project)
    assert found["features.strong"].isna().tolist() == [False, True, False, False]
    assert found["features.job"].isna().tolist() == [False, False, True, False]


def test_values_that_the_model_cannot_read_are_counted(project, rows, calls):
    frame = calls(4)
    frame["weak"] = ["1.5", "two", "3", None]
    frame["strong"] = [1.0, np.inf, -np.inf, 2.0]
    assert score(project, rows(frame)).unreadable == {"weak": 1, "strong": 2}
    assert logged(project)["prediction"].notna().all()


def test_no_rows_are_scored_without_a_fuss(project, rows, calls):
    outcome = score(project, rows(calls(5)[:0]))
    assert (outcome.rows, outcome.logged, outcome.first, outcome.last) == (0, 0, None, None)


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda f: f.drop(columns="strong"), "strong"),
        (lambda f: f.drop(columns="call_id"), "call_id"),
        (lambda f: f.drop(columns="called_at"), "called_at"),
        (lambda f: f.assign(called_at=f["called_at"].dt.tz_localize(None)), "called_at"),
        (lambda f: f.assign(called_at=f["called_at"].where(f.index > 0)), "called_at"),
        (lambda f: f.assign(call_id="same"), "call_id"),
        (lambda f: f.assign(call_id=f["call_id"].where(f.index > 0)), "call_id"),
    ],
)
def test_rows_that_cannot_be_scored_or_found_again_are_rejected_by_column(
    project, rows, calls, change, column
):
    with pytest.raises(DataRejected, match=column) as caught:
        score(project, rows(change(calls(5))))
    assert caught.value.column == column
    assert len(logged(project)) == 0


def test_a_champion_that_does_not_load_scores_nothing(project, rows, calls):
    shutil.rmtree(Path(project.workspace) / "mlflow")
    with pytest.raises(ModelUnavailable):
        score(project, rows(calls(5)))


def test_a_log_that_cannot_be_written_is_told(project, rows, calls, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    cut_off = project.model_copy(
        update={"predictions": PredictionLog(uri=f"sqlite:///{blocked}/p.db")}
    )
    with pytest.raises(LogUnavailable):
        score(cut_off, rows(calls(5)))


def test_numbers_are_predicted_for_a_regression(make_project, rows, calls):
    frame = calls(120).assign(y=np.arange(120.0))
    project = make_project(frame, task="regression")
    crown(project, log_candidate(project, split_at(project, frame, 80), iterations=3))
    score(project, rows(frame[:6]))
    found = logged(project)
    assert pd.api.types.is_numeric_dtype(found["prediction"])
    assert not [name for name in found if name.startswith("score.")]
    # Late labels are numbers too.
    attach_labels.fn(project, rows(frame[:6]))
    assert logged(project)["label"].tolist() == frame["y"][:6].tolist()


def test_labels_find_their_predictions(project, rows, calls):
    frame = calls(10)
    score(project, rows(frame.drop(columns="y")))
    late = frame[4:].assign(called_at=frame["called_at"][4:] + timedelta(days=3))
    stranger = frame[:1].assign(call_id="stranger")
    late.loc[5, "y"] = None
    report = attach_labels.fn(project, rows(pd.concat([late, stranger])))
    assert (report.attached, report.changed, report.unknown) == (5, 0, ["stranger"])
    found = logged(project).set_index("id")["label"]
    known = found[found.notna()]
    assert known.to_dict() == late[late["y"].notna()].set_index("call_id")["y"].to_dict()


def test_labels_attached_again_change_nothing_and_other_ones_stand(project, rows, calls):
    frame = calls(6)
    score(project, rows(frame))
    attach_labels.fn(project, rows(frame))
    again = attach_labels.fn(project, rows(frame))
    assert (again.attached, again.changed) == (6, 0)
    other = frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"}))
    report = attach_labels.fn(project, rows(other))
    assert report.changed == 6
    assert logged(project)["label"].tolist() == other["y"].tolist()


def test_labels_need_neither_features_nor_times(project, rows, calls):
    frame = calls(6)
    score(project, rows(frame))
    report = attach_labels.fn(project, rows(frame[["call_id", "y"]]))
    assert report.attached == 6


def test_whole_numbers_identify_a_row_though_another_id_is_missing(project, rows, calls):
    frame = calls(6).assign(call_id=range(6))
    score(project, rows(frame))
    gaps = frame.assign(call_id=frame["call_id"].astype("Int64"))
    gaps.loc[2, "call_id"] = pd.NA
    with pytest.raises(DataRejected, match="1 nulls in rows with a label") as caught:
        attach_labels.fn(project, rows(gaps))
    assert caught.value.column == "call_id"
    # Without a label nobody needs to know whose row it is.
    gaps.loc[2, "y"] = None
    report = attach_labels.fn(project, rows(gaps))
    assert (report.attached, report.unknown) == (5, [])


def test_two_labels_of_one_prediction_are_not_guessed_between(project, rows, calls):
    frame = calls(4)
    score(project, rows(frame))
    flipped = frame[:1].assign(y=frame["y"][:1].map({"yes": "no", "no": "yes"}))
    with pytest.raises(DataRejected, match=frame["call_id"][0]):
        attach_labels.fn(project, rows(pd.concat([frame, flipped])))
    assert logged(project)["label"].isna().all()
    # The same label twice is no contradiction.
    assert attach_labels.fn(project, rows(pd.concat([frame, frame[:1]]))).attached == 4


@pytest.mark.parametrize(
    ("dropped", "columns", "expected"),
    [
        ("y", {}, "'y' is missing"),
        ("call_id", {}, "'call_id' is missing"),
        ("call_id", {"id": None}, "set columns.id"),
    ],
)
def test_labels_without_target_or_id_are_rejected(make_project, rows, dropped, columns, expected):
    dataset = rows(make_calls(5).drop(columns=dropped), **columns)
    with pytest.raises(DataRejected, match=expected):
        attach_labels.fn(make_project(), dataset)


def test_another_models_predictions_are_left_alone(project, rows, calls):
    frame = calls(4)
    score(project, rows(frame))
    other = project.model_copy(
        update={
            "registry": ModelRegistry(
                tracking_uri=project.registry.tracking_uri.get_secret_value(), model_name="other"
            )
        }
    )
    assert len(attach_labels.fn(other, rows(frame)).unknown) == 4
    assert logged(project)["label"].isna().all()
