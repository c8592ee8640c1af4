import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from prefect import flow
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.errors import DataRejected, LogUnavailable, SourceUnavailable
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks.extraction import extract

ROLES = {"target": "y", "timestamp": "called_at", "id": "call_id"}
START = datetime(2026, 1, 1, tzinfo=UTC)


def rejected(project, match):
    with pytest.raises(DataRejected, match=match) as caught:
        extract.fn(**project.arguments(extract))
    return caught.value


def test_rows_become_a_snapshot_that_says_what_it_holds(make_project, calls, caplog):
    project = make_project(calls(300))
    with caplog.at_level(logging.INFO):
        snapshot = extract.fn(**project.arguments(extract))
    assert snapshot.rows == 300
    assert snapshot.columns["called_at"] == "timestamp[us, tz=UTC]"
    assert snapshot.first == START
    assert snapshot.last == START + timedelta(minutes=299)
    assert len([r for r in caplog.records if r.name == "prefect_mlops"]) == 1


def test_the_same_rows_have_the_same_digest_however_they_were_stored(make_project, calls, tmp_path):
    frame = calls(300)
    digest = extract.fn(**make_project(frame).arguments(extract)).digest
    shuffled = make_project(frame.sample(frac=1, random_state=1))
    assert extract.fn(**shuffled.arguments(extract)).digest == digest
    frame.to_csv(tmp_path / "calls.csv", index=False)
    from_csv = make_project(
        dataset=Dataset(source={"type": "csv", "path": str(tmp_path / "calls.csv")}, columns=ROLES)
    )
    assert extract.fn(**from_csv.arguments(extract)).digest == digest
    assert extract.fn(**make_project(calls(300, seed=1)).arguments(extract)).digest != digest


def test_the_window_of_the_dataset_is_cut(make_project, calls, tmp_path):
    make_project(calls(500))
    dataset = Dataset(
        source={"type": "parquet", "path": str(tmp_path / "calls.parquet")},
        columns=ROLES,
        start=START + timedelta(minutes=100),
        end=START + timedelta(minutes=400),
    )
    snapshot = extract.fn(**make_project(dataset=dataset).arguments(extract))
    assert snapshot.rows == 300
    assert snapshot.first == dataset.start
    assert snapshot.last == START + timedelta(minutes=399)


def test_what_may_not_be_what_was_meant_is_said_in_the_log(make_project, calls, caplog):
    frame = calls(300).assign(
        postcode=["01000", "12345", "20000"] * 100, note=[str(n) for n in range(300)]
    )
    frame["note"] = "call " + frame["note"]
    with caplog.at_level(logging.WARNING):
        extract.fn(**make_project(frame).arguments(extract))
    said = [record.getMessage() for record in caplog.records if record.name == "prefect_mlops"]
    assert [message[: message.index(" holds")] for message in said] == [
        "column 'postcode'",
        "column 'note'",
    ]


def test_columns_without_a_role_are_left_out(make_project, calls, tmp_path):
    frame = calls(300).assign(nested=[{"a": 1}] * 300, note="x")
    frame.to_parquet(tmp_path / "calls.parquet")
    columns = {**ROLES, "ignored": ["nested"]}
    dataset = Dataset(
        source={"type": "parquet", "path": str(tmp_path / "calls.parquet")}, columns=columns
    )
    assert "nested" not in extract.fn(**make_project(dataset=dataset).arguments(extract)).columns
    named = dataset.model_copy(
        update={"columns": dataset.columns.model_validate({**ROLES, "features": ["weak"]})}
    )
    found = extract.fn(**make_project(dataset=named).arguments(extract)).columns
    assert sorted(found) == ["call_id", "called_at", "weak", "y"]


def test_decimals_become_numbers_and_infinities_are_left_to_validation(make_project, calls):
    frame = calls(300)
    frame["strong"] = [Decimal("1.25")] * 300
    frame.loc[3, "weak"] = np.inf
    rows = load_frame(extract.fn(**make_project(frame).arguments(extract)))
    assert rows["strong"].dtype == float
    assert np.isinf(rows["weak"]).sum() == 1


@pytest.mark.parametrize(
    ("spoil", "complaint", "column"),
    [
        (lambda f: f.drop(columns="y"), r"no columns \['y'\]; found", "y"),
        (lambda f: f.drop(columns="call_id"), r"no columns \['call_id'\]", "call_id"),
        (lambda f: f.drop(columns="job"), r"name \['job'\]", "job"),
        (lambda f: f.assign(y=f["y"].where(f.index > 2)), "empty in 3 of 300", "y"),
        (lambda f: f.assign(y="no"), r"1 classes, \['no'\]: binary needs exactly two", "y"),
        (lambda f: f.assign(y=f["y"].where(f.index > 2, "NO")), "3 classes", "y"),
        (lambda f: f.assign(call_id="7"), "299 duplicates, such as 7", "call_id"),
        (lambda f: f.assign(call_id=f["call_id"].where(f.index > 0)), "empty in 1", "call_id"),
        (
            lambda f: f.assign(called_at=f["called_at"].dt.tz_localize(None)),
            "'called_at' has no time zone, first value 2026-01-01 00:00:00: append",
            "called_at",
        ),
        (
            lambda f: f.assign(called_at=f["called_at"].where(f.index > 0)),
            "'called_at' is empty in 1 rows",
            "called_at",
        ),
        (
            lambda f: f.assign(weak=f["weak"].astype(str).where(f.index > 1, "n/k")),
            "'weak' holds numbers and, in 2 of 300 rows, text such as 'n/k'",
            "weak",
        ),
        (lambda f: f.assign(job=[["a"]] * 300), "'job' is of type list", "job"),
        (lambda f: f.head(0), "gave 0 rows", None),
        (lambda f: f.head(1), "gave 1 rows", None),
        (lambda f: f.head(199), "gave 199 rows, and training needs 200", None),
    ],
)
def test_rows_nobody_could_train_on_are_refused(make_project, calls, spoil, complaint, column):
    error = rejected(make_project(spoil(calls(300))), complaint)
    assert error.column == column


def test_a_column_of_digits_with_a_few_other_codes_may_be_declared_a_category(
    make_project, calls, tmp_path
):
    frame = calls(300).assign(plan=["3+"] * 10 + ["1"] * 290)
    rejected(make_project(frame), "columns.categorical")
    dataset = Dataset(
        source={"type": "parquet", "path": str(tmp_path / "calls.parquet")},
        columns={**ROLES, "categorical": ["plan"]},
    )
    assert extract.fn(**make_project(dataset=dataset).arguments(extract)).rows == 300


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        (np.where(np.arange(300) == 5, np.inf, 1.0), "infinite in 1 rows"),
        (["high"] * 300, "regression needs numbers"),
    ],
)
def test_a_regression_needs_finite_numbers(make_project, calls, target, complaint):
    rejected(make_project(calls(300).assign(y=target), task_type="regression"), complaint)


def test_several_classes_need_two(make_project, calls):
    rejected(make_project(calls(300).assign(y=1), task_type="multiclass"), "one class")


def test_rows_of_a_query_are_extracted(make_project, calls, tmp_path):
    frame = calls(300).astype({"called_at": str})
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        frame.to_sql("calls", connection, index=False)
    dataset = Dataset(
        source={
            "type": "sql",
            "url": f"sqlite:///{tmp_path}/shop.db",
            "query": "select * from calls where called_at >= :start and called_at < :end",
        },
        columns=ROLES,
        start=START + timedelta(minutes=50),
    )
    snapshot = extract.fn(**make_project(dataset=dataset).arguments(extract))
    assert snapshot.rows == 250
    assert snapshot.source == f"sqlite:///{tmp_path}/shop.db"


def predictions(frame, model="calls"):
    for row in frame.itertuples():
        yield Prediction(
            id=row.call_id,
            model=model,
            version="1",
            at=row.called_at,
            features={"strong": row.strong, "weak": row.weak, "job": row.job},
            prediction="no",
            score={"no": 0.6, "yes": 0.4},
            label=row.y,
        )


class TestFromThePredictionLog:
    @pytest.fixture
    def logged(self, make_project, calls):
        """A project whose log holds 250 labelled predictions and one without a label."""

        def make(columns=ROLES, history=None):
            source = {"type": "predictions", "history": history}
            project = make_project(dataset=Dataset(source=source, columns=columns))
            rows = list(predictions(calls(251, start="2026-02-01")))
            rows[7] = rows[7].model_copy(update={"label": None})
            with project.predictions.get_client() as store:
                store.append(rows)
            return project

        return make

    def test_labelled_predictions_are_rows(self, logged, calls):
        snapshot = extract.fn(**logged().arguments(extract))
        assert snapshot.rows == 250
        assert sorted(snapshot.columns) == ["call_id", "called_at", "job", "strong", "weak", "y"]
        expected = calls(251, start="2026-02-01").drop(index=7).reset_index(drop=True)
        found = load_frame(snapshot, list(expected))
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)

    def test_history_comes_first(self, logged, calls, tmp_path):
        calls(300).to_parquet(tmp_path / "history.parquet")
        history = {"type": "parquet", "path": str(tmp_path / "history.parquet")}
        snapshot = extract.fn(**logged(history=history).arguments(extract))
        assert snapshot.rows == 550
        rows = load_frame(snapshot)
        assert rows["called_at"].is_monotonic_increasing
        assert rows["call_id"].iloc[0].startswith("2026-01-01")

    def test_without_roles_for_them_time_and_id_are_left_out(self, logged):
        snapshot = extract.fn(**logged(columns={"target": "y", "ordered": True}).arguments(extract))
        assert sorted(snapshot.columns) == ["job", "strong", "weak", "y"]

    def test_history_with_other_columns_is_refused(self, logged, calls, tmp_path):
        calls(300).drop(columns="weak").to_parquet(tmp_path / "history.parquet")
        history = {"type": "parquet", "path": str(tmp_path / "history.parquet")}
        rejected(logged(history=history), r"differ in columns \['weak'\]")

    def test_before_the_first_label_history_is_enough(self, make_project, calls, tmp_path):
        calls(300).to_parquet(tmp_path / "history.parquet")
        source = {
            "type": "predictions",
            "history": {"type": "parquet", "path": str(tmp_path / "history.parquet")},
        }
        project = make_project(dataset=Dataset(source=source, columns=ROLES))
        assert extract.fn(**project.arguments(extract)).rows == 300

    def test_an_empty_log_is_too_few_rows(self, make_project):
        dataset = Dataset(source={"type": "predictions"}, columns=ROLES)
        rejected(make_project(dataset=dataset), "gave 0 rows")

    def test_an_unreachable_log_is_no_verdict_on_the_rows(self, make_project, tmp_path):
        (tmp_path / "file").write_text("")
        dataset = Dataset(source={"type": "predictions"}, columns=ROLES)
        project = make_project(
            dataset=dataset, predictions={"uri": f"sqlite:///{tmp_path}/file/log.db"}
        )
        with pytest.raises(LogUnavailable):
            extract.fn(**project.arguments(extract))


def test_only_an_unreachable_source_is_tried_again(prefect_api, make_project, calls):
    quick = extract.with_options(retry_delay_seconds=0)

    @flow
    def run(project):
        return quick(return_state=True, **project.arguments(extract))

    missing = run(make_project(), return_state=True)
    with pytest.raises(SourceUnavailable, match="does not exist"):
        missing.result()
    broken = make_project(calls(10))
    states = [run(broken, return_state=True)]
    with pytest.raises(DataRejected):
        states[0].result()
    assert tries(missing) == 2
    assert tries(states[0]) == 1


def tries(state):
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId

    with get_client(sync_client=True) as client:
        (run,) = client.read_task_runs(
            flow_run_filter=FlowRunFilter(
                id=FlowRunFilterId(any_=[state.state_details.flow_run_id])
            )
        )
    return run.run_count


def test_a_flow_of_ones_own_need_not_repeat_what_the_dataset_says(make_project, calls):
    project = make_project(calls(300))
    found = extract.fn(dataset=project.dataset, task_type="binary", stores=project.stores)
    assert found == extract.fn(**project.arguments(extract))
