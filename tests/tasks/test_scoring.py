"""Every row that is scored is logged once, as the model saw it, and labels find it again."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import make_calls
from prefect_mlops.blocks import Dataset, ModelRegistry, PredictionLog
from prefect_mlops.core.errors import (
    ConfigurationError,
    DataRejected,
    LogUnavailable,
    ModelUnavailable,
)
from prefect_mlops.core.results import Window
from prefect_mlops.core.settings import Columns, ScoringSettings
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks import scoring
from prefect_mlops.tasks.labelling import attach_labels
from prefect_mlops.tasks.scoring import score_rows
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
    return score_rows.fn(dataset, get_champion(project.registry), **project.arguments(score_rows))


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
    first = score(project, rows(frame[:40]))
    assert (first.logged, first.known, first.differing) == (40, 0, 0)
    again = score(project, rows(frame[:40]))
    assert (again.logged, again.known, again.differing) == (0, 40, 0)
    more = score(project, rows(frame))
    assert (more.logged, more.known, more.differing) == (20, 40, 0)
    assert len(logged(project)) == 60


def test_other_features_of_a_known_id_are_told_and_the_first_prediction_stays(
    project, rows, calls, monkeypatch, caplog
):
    monkeypatch.setattr(scoring, "_IDS_PER_LOOK", 7)
    frame = calls(40, seed=3, start="2026-02-01")
    frame.loc[5, "strong"] = np.nan
    score(project, rows(frame[:30]))
    before = logged(project)
    other = frame.copy()
    other.loc[[3, 20], "strong"] += 1.0
    other.loc[[20, 21], "job"] = "astronaut"
    outcome = score(project, rows(other))
    assert (outcome.logged, outcome.known, outcome.differing) == (10, 30, 3)
    assert outcome.differing_ids == frame["call_id"][[3, 20, 21]].tolist()
    assert (
        "30 ids were in the log already and keep their first prediction; 3 of them" in caplog.text
    )
    pd.testing.assert_frame_equal(logged(project)[:30], before)


def test_every_row_is_written_down_with_the_id_it_was_given(project, rows, calls):
    frame = calls(30, seed=3, start="2026-02-01").drop(columns=["call_id", "called_at"])
    dataset = rows(frame.drop(columns="y"), id=None, timestamp=None)
    outcome = score(project, dataset)
    scores = pd.read_parquet(outcome.scores_uri)
    assert scores["row"].tolist() == list(range(30))
    assert scores["features.strong"].tolist() == frame["strong"].tolist()
    found = logged(project).set_index("id").loc[scores["id"]]
    for name in ("prediction", "score.yes", "features.job"):
        assert found[name].tolist() == scores[name].tolist()
    labels = pd.DataFrame({"call_id": scores["id"], "y": frame["y"]})
    assert (
        attach_labels.fn(rows(labels, timestamp=None), **project.arguments(attach_labels)).attached
        == 30
    )
    assert score(project, rows(frame[:0], id=None, timestamp=None)).scores_uri is None


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([2**62 + 1, 2**63 + 1, 0, 2**53 + 1], "uint64"),
        ([2**53 + 1, None, -(2**62) - 1, 5], "Int64"),
        ([2**63 + 1, None, 7, 2**64 - 1], "UInt64"),
    ],
)
def test_whole_numbers_that_no_float_holds_are_logged_as_they_are(
    project, rows, calls, values, dtype
):
    frame = calls(8).assign(strong=pd.Series([*values, *values], dtype=dtype))
    score(project, rows(frame))
    with project.predictions.get_client() as store:
        column = store.read("calls", EVER).column("features.strong")
    assert column.to_pylist() == values * 2
    # Rows of another type of the same column leave no window unreadable.
    score(project, rows(calls(4, start="2026-03-01")))
    assert len(logged(project)) == 12


def test_values_that_no_log_holds_are_refused_before_anything_is_logged(project, rows, calls):
    frame = calls(8)
    frame["job"] = pd.Series([None] * 5 + [time(12)] * 3, dtype=object)
    with pytest.raises(DataRejected, match="column 'job' cannot be logged") as caught:
        score(project, rows(frame))
    assert caught.value.column == "job"
    assert len(logged(project)) == 0


@pytest.mark.parametrize("type_", [int, float, str, lambda value: f" {value}.0"])
def test_an_id_is_one_whatever_type_its_column_has(project, rows, calls, type_):
    frame = calls(6).assign(call_id=[1000 + i for i in range(6)])
    typed = frame.assign(call_id=frame["call_id"].map(type_))
    assert score(project, rows(typed)).logged == 6
    assert logged(project)["id"].tolist() == [str(1000 + i) for i in range(6)]
    for label_type in (float, str, int):
        late = frame.assign(call_id=frame["call_id"].map(label_type))
        assert attach_labels.fn(rows(late), **project.arguments(attach_labels)).attached == 6
    assert score(project, rows(frame)).known == 6


def test_ids_that_differ_by_their_type_only_are_duplicates(project, rows, calls):
    with pytest.raises(DataRejected, match=r"0 nulls and 1 duplicates, such as \['7'\]"):
        score(project, rows(calls(2).assign(call_id=["7", " 7.0"])))
    with pytest.raises(DataRejected, match="1 nulls"):
        score(project, rows(calls(2).assign(call_id=["7", " "])))


def test_labels_find_what_was_logged_under_an_earlier_text(project, rows, calls):
    frame = calls(3).assign(call_id=[7.0, 8.0, 9.0])
    with project.predictions.get_client() as store:
        store.append(
            [
                Prediction(
                    id=id,
                    model="calls",
                    version="1",
                    at=frame["called_at"][0],
                    features={},
                    prediction="yes",
                )
                for id in ("7.0", "8.0", "stranger")
            ]
        )
    report = attach_labels.fn(rows(frame), **project.arguments(attach_labels))
    assert (report.attached, report.unknown) == (2, ["9"])


def test_a_column_in_another_form_is_refused_before_anything_is_logged(make_project, rows, calls):
    frame = calls(300).assign(flag=lambda f: f["strong"] > 0)
    project = make_project(frame)
    crown(project, log_candidate(project, split_at(project, frame, 200), iterations=3))
    new = frame[:100].assign(
        flag=frame["flag"].map({True: "yes", False: "no"}),
        strong=frame["strong"].map(lambda value: f"{value:.3f}".replace(".", ",")),
    )
    with pytest.raises(DataRejected) as caught:
        score(project, rows(new))
    message = str(caught.value)
    shown = new["strong"][0]
    assert (
        f"column 'strong' has 100 of 100 values that cannot be read, such as '{shown}'" in message
    )
    assert "expected finite numbers with a decimal point, such as 1.5" in message
    assert "column 'flag' has 100 of 100" in message
    assert "expected true or false, or 1 or 0" in message
    assert len(logged(project)) == 0
    lenient = project.model_copy(update={"scoring": ScoringSettings(maximum_unreadable=1.0)})
    assert score(lenient, rows(new)).unreadable == {"flag": 100, "strong": 100}


def test_labels_of_a_class_that_the_model_does_not_know_are_refused(project, rows, calls):
    frame = calls(100)
    score(project, rows(frame))
    attach_labels.fn(rows(frame), **project.arguments(attach_labels))
    strange = frame.assign(y="maybe")
    with pytest.raises(DataRejected, match=r"100 of 100 labels .* 'maybe' \(100\); .*new_classes"):
        attach_labels.fn(rows(strange), **project.arguments(attach_labels))
    with pytest.raises(DataRejected, match="would change one that is known already"):
        attach_labels.fn(rows(strange), new_classes=True, **project.arguments(attach_labels))
    assert logged(project)["label"].tolist() == frame["y"].tolist()
    report = attach_labels.fn(
        rows(strange), new_classes=True, overwrite=True, **project.arguments(attach_labels)
    )
    assert report.changed == 100


@pytest.mark.parametrize("label", ["much", np.inf, "nan", "inf"])
def test_labels_of_a_regression_are_finite_numbers(make_project, rows, calls, label):
    project = make_project(task_type="regression")
    frame = calls(5).assign(y=pd.Series([1.5, label, 2, 3, 4], dtype=object).map(str))
    with pytest.raises(DataRejected, match="1 of 5 labels that are no finite numbers") as caught:
        attach_labels.fn(rows(frame), **project.arguments(attach_labels))
    assert caught.value.column == "y"


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
    project = make_project(frame, task_type="regression")
    crown(project, log_candidate(project, split_at(project, frame, 80), iterations=3))
    score(project, rows(frame[:6]))
    found = logged(project)
    assert pd.api.types.is_numeric_dtype(found["prediction"])
    assert not [name for name in found if name.startswith("score.")]
    # Late labels are numbers too.
    attach_labels.fn(rows(frame[:6]), **project.arguments(attach_labels))
    assert logged(project)["label"].tolist() == frame["y"][:6].tolist()


def test_labels_find_their_predictions(project, rows, calls):
    frame = calls(10)
    score(project, rows(frame.drop(columns="y")))
    late = frame[4:].assign(called_at=frame["called_at"][4:] + timedelta(days=3))
    stranger = frame[:1].assign(call_id="stranger")
    late.loc[5, "y"] = None
    report = attach_labels.fn(rows(pd.concat([late, stranger])), **project.arguments(attach_labels))
    assert (report.attached, report.changed, report.unknown) == (5, 0, ["stranger"])
    found = logged(project).set_index("id")["label"]
    known = found[found.notna()]
    assert known.to_dict() == late[late["y"].notna()].set_index("call_id")["y"].to_dict()


def test_labels_attached_again_change_nothing_and_other_ones_are_asked_about(project, rows, calls):
    frame = calls(6)
    score(project, rows(frame))
    attach_labels.fn(rows(frame), **project.arguments(attach_labels))
    again = attach_labels.fn(rows(frame), **project.arguments(attach_labels))
    assert (again.attached, again.changed) == (6, 0)
    other = frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"}))
    with pytest.raises(DataRejected, match="6 of 6 labels would change"):
        attach_labels.fn(rows(other), **project.arguments(attach_labels))
    assert logged(project)["label"].tolist() == frame["y"].tolist()
    report = attach_labels.fn(rows(other), overwrite=True, **project.arguments(attach_labels))
    assert report.changed == 6
    assert logged(project)["label"].tolist() == other["y"].tolist()


def test_labels_need_neither_features_nor_times(project, rows, calls):
    frame = calls(6)
    score(project, rows(frame))
    report = attach_labels.fn(rows(frame[["call_id", "y"]]), **project.arguments(attach_labels))
    assert report.attached == 6


def test_whole_numbers_identify_a_row_though_another_id_is_missing(project, rows, calls):
    frame = calls(6).assign(call_id=range(6))
    score(project, rows(frame))
    gaps = frame.assign(call_id=frame["call_id"].astype("Int64"))
    gaps.loc[2, "call_id"] = pd.NA
    with pytest.raises(DataRejected, match="1 nulls in rows with a label") as caught:
        attach_labels.fn(rows(gaps), **project.arguments(attach_labels))
    assert caught.value.column == "call_id"
    # Without a label nobody needs to know whose row it is.
    gaps.loc[2, "y"] = None
    report = attach_labels.fn(rows(gaps), **project.arguments(attach_labels))
    assert (report.attached, report.unknown) == (5, [])


def test_two_labels_of_one_prediction_are_not_guessed_between(project, rows, calls):
    frame = calls(4)
    score(project, rows(frame))
    flipped = frame[:1].assign(y=frame["y"][:1].map({"yes": "no", "no": "yes"}))
    with pytest.raises(DataRejected, match=frame["call_id"][0]):
        attach_labels.fn(rows(pd.concat([frame, flipped])), **project.arguments(attach_labels))
    assert logged(project)["label"].isna().all()
    # The same label twice is no contradiction.
    assert (
        attach_labels.fn(
            rows(pd.concat([frame, frame[:1]])), **project.arguments(attach_labels)
        ).attached
        == 4
    )


@pytest.mark.parametrize(
    ("dropped", "columns", "expected"),
    [
        ("y", {}, "'y' is missing"),
        ("call_id", {}, "'call_id' is missing"),
        ("call_id", {"id": None}, r"set columns\.id .* scores_uri, column 'id'"),
    ],
)
def test_labels_without_target_or_id_are_rejected(make_project, rows, dropped, columns, expected):
    dataset = rows(make_calls(5).drop(columns=dropped), **columns)
    with pytest.raises(DataRejected, match=expected):
        attach_labels.fn(dataset, **make_project().arguments(attach_labels))


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
    assert len(attach_labels.fn(rows(frame), **other.arguments(attach_labels)).unknown) == 4
    assert logged(project)["label"].isna().all()


def test_a_flow_of_ones_own_need_not_repeat_what_the_dataset_says(project, rows, calls):
    champion, given = get_champion(project.registry), rows(calls(50, seed=3, start="2026-02-01"))
    own = {"task_type": "binary", "stores": project.stores}
    assert score_rows.fn(given, champion, **own).logged == 50
    assert attach_labels.fn(given, **own).attached == 50
    with project.predictions.get_client() as store:
        assert store.coverage("calls", EVER).labelled == 50


@pytest.mark.parametrize("as_given", [lambda frame: frame, pa.Table.from_pandas])
def test_frames_and_tables_are_scored_and_labelled_as_they_are(project, calls, as_given):
    new = calls(80, seed=5, start="2026-02-01")
    arguments = {"columns": Columns(**COLUMNS), "task_type": "binary", "stores": project.stores}
    champion = get_champion(project.registry)
    outcome = score_rows.fn(as_given(new.drop(columns="y")), champion, **arguments)
    assert (outcome.rows, outcome.logged) == (80, 80)
    assert attach_labels.fn(as_given(new[:30]), **arguments).attached == 30
    assert logged(project)["label"].notna().sum() == 30


def test_rows_without_columns_and_what_are_no_rows_are_refused(project, calls):
    champion = get_champion(project.registry)
    given = {"task_type": "binary", "stores": project.stores}
    with pytest.raises(
        ConfigurationError, match="columns says what each column of the rows is for"
    ):
        score_rows.fn(calls(80), champion, **given)
    with pytest.raises(ConfigurationError, match=r"rows is a list: give a pandas\.DataFrame"):
        attach_labels.fn([1], columns=Columns(**COLUMNS), **given)
