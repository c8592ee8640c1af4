"""What a project redacts never reaches its log, and nobody takes what is left for drift or for data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.registry.versions import get_champion
from prefect_mlops.sources.reading import read_source
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.storage.redaction import Redaction
from prefect_mlops.tasks.drift import measure_drift
from prefect_mlops.tasks.labelling import attach_labels
from prefect_mlops.tasks.repair import measure_features, verify_repair
from prefect_mlops.tasks.scoring import score_rows
from prefect_mlops.tasks.windows import read_window
from pydantic import ValidationError
from support.candidates import crown, log_candidate, split_at
from support.monitored import EPOCH, calls_like, chances, log_predictions, log_reference

KEY = "a key of more than 16 characters"
COLUMNS = {"target": "y", "timestamp": "called_at", "id": "call_id"}
EVER = Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
RULES = {"job": "hash", "weak": "drop", "strong": {"truncate": 3}, "call_id": "hash"}


def redaction(rules=None, key: str | None = KEY) -> Redaction:
    return Redaction(columns=RULES if rules is None else rules, key=key)


@pytest.fixture
def project(make_project, calls):
    """A project with a champion and an empty log that redacts every feature and the id."""
    frame = calls(200)
    made = make_project(frame, redaction=redaction())
    crown(made, log_candidate(made, split_at(made, frame, 150), iterations=3))
    return made


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


class TestScoring:
    def test_the_model_sees_everything_and_the_log_what_may_be_kept(self, project, rows, calls):
        frame = calls(20, seed=3, start="2026-02-01")
        frame.loc[0, "job"] = None
        assert score(project, rows(frame.drop(columns="y"))).logged == 20
        found = logged(project)
        assert not [name for name in found if name == "features.weak"]
        hashed = project.redaction.hashed
        assert found["id"].tolist() == [hashed(name) for name in frame["call_id"]]
        assert found["features.job"].tolist() == [hashed(job) for job in frame["job"]]
        assert found["features.strong"].tolist() == [str(value)[:3] for value in frame["strong"]]
        model = project.registry.load_model("models:/calls/1", "binary")
        assert found["score.yes"].tolist() == model.predict(frame)[:, 1].tolist()
        kept = Path(
            project.predictions.uri.get_secret_value().removeprefix("sqlite:///")
        ).read_bytes()
        for value in ["student", "retired", *frame["call_id"]]:
            assert value.encode() not in kept

    def test_labels_find_predictions_by_their_hashed_id(self, project, rows, calls):
        frame = calls(20, seed=3, start="2026-02-01")
        score(project, rows(frame.drop(columns="y")))
        stranger = frame[:1].assign(call_id="a stranger's number")
        report = attach_labels.fn(
            rows(pd.concat([frame, stranger])), **project.arguments(attach_labels)
        )
        assert report.attached == 20
        assert report.unknown == [project.redaction.hashed("a stranger's number")]

    def test_whole_numbers_are_one_id_though_a_null_made_them_floats(self, project, rows, calls):
        frame = calls(6).assign(call_id=range(6))
        score(project, rows(frame))
        late = frame.assign(call_id=frame["call_id"].astype("Int64"))
        late.loc[2, ["call_id", "y"]] = None
        assert attach_labels.fn(rows(late), **project.arguments(attach_labels)).attached == 5

    def test_labels_find_the_hash_of_an_earlier_text(self, project, rows, calls):
        frame = calls(2).assign(call_id=["7", "8"])
        hashed = project.redaction.hashed
        with project.predictions.get_client() as store:
            store.append(
                [
                    Prediction(
                        id=id,
                        model="calls",
                        version="1",
                        at=EPOCH,
                        features={},
                        prediction="yes",
                    )
                    for id in (hashed("7.0"), hashed("8"))
                ]
            )
        assert attach_labels.fn(rows(frame), **project.arguments(attach_labels)).attached == 2

    def test_what_is_written_down_of_a_run_is_redacted_too(self, project, rows, calls):
        frame = calls(20, seed=3, start="2026-02-01").drop(columns="y")
        outcome = score(project, rows(frame))
        scores, found = pd.read_parquet(outcome.scores_uri), logged(project)
        assert "features.weak" not in scores
        for name in ("id", "features.job", "features.strong", "prediction"):
            assert scores[name].tolist() == found[name].tolist()
        assert score(project, rows(frame)).differing == 0

    def test_scoring_again_logs_nothing_twice(self, project, rows, calls):
        frame = calls(20).drop(columns=["call_id", "y"])
        dataset = rows(frame, id=None)
        assert score(project, dataset).logged == 20
        assert score(project, dataset).logged == 0

    def test_an_id_made_of_a_row_cannot_be_made_again_without_the_key(self, project, rows, calls):
        dataset = rows(calls(5).drop(columns=["call_id", "y"]), id=None)
        score(project, dataset)
        other = project.model_copy(
            update={"redaction": redaction(key="another key of 16 or more characters")}
        )
        assert score(other, dataset).logged == 5
        without = project.model_copy(update={"redaction": redaction({"weak": "drop"}, key=None)})
        with pytest.raises(ConfigurationError, match=r"set redaction\.key, or columns\.id"):
            score(without, dataset)

    def test_a_misspelled_column_stops_before_anything_is_logged(self, project, rows, calls):
        wrong = project.model_copy(update={"redaction": redaction({"jbo": "drop"})})
        with pytest.raises(ConfigurationError, match="jbo"):
            score(wrong, rows(calls(5)))
        with pytest.raises(ConfigurationError, match="jbo"):
            read_source(wrong.dataset, own=True, **wrong.arguments(read_source))
        assert len(logged(project)) == 0

    def test_rules_for_columns_that_only_the_projects_rows_have_are_no_mistake(
        self, make_project, project, rows, calls
    ):
        columns = {**COLUMNS, "ignored": ["note"]}
        own = Dataset(source=project.dataset.source, columns=columns)
        noted = make_project(
            dataset=own, redaction=redaction({"note": "drop", "call_id": "hash", "job": "hash"})
        )
        frame = calls(5).drop(columns="call_id")
        assert score(noted, rows(frame, id=None)).logged == 5
        found = logged(noted)
        assert found["features.job"].tolist() == [noted.redaction.hashed(j) for j in frame["job"]]
        assert "features.note" not in found


class TestDrift:
    @pytest.fixture(scope="class")
    def watched(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("mlflow")
        uri = f"sqlite:///{folder}/mlflow.db"
        return uri, log_reference(uri, folder)

    @pytest.fixture
    def monitored(self, make_project, watched):
        return make_project(
            registry=ModelRegistry(tracking_uri=watched[0], model_name="calls"),
            redaction=redaction({"job": "hash", "weak": "drop"}),
        )

    def test_a_window_that_is_redacted_does_not_look_drifted(self, monitored, watched):
        apply = monitored.redaction.apply
        frame = calls_like(600, seed=2)
        rows = frame[["strong", "weak", "job"]].to_dict("records")
        hashed = [apply(row)["job"] for row in rows]
        log_predictions(monitored, frame.assign(job=hashed, weak=None), predicted=chances(frame))
        data = read_window.fn(**monitored.arguments(read_window))
        report = measure_drift.fn(data, watched[1], **monitored.arguments(measure_drift))
        assert report.verdict == "passed"
        assert "2 redacted columns (weak, job) with 0.10 of the importance are left out" in (
            report.reason
        )
        signals = {column.column: column for column in report.columns}
        assert {signals[name].reason for name in ("weak", "job")} == {"redacted: left out"}
        assert signals["strong"].score is not None
        # The same window without the settings is an alarm: the exception is theirs.
        plain = monitored.model_copy(update={"redaction": None})
        assert {"weak", "job"} <= set(
            measure_features(data, watched[1], **plain.arguments(measure_features)).drifted_columns
        )
        html = Path(report.report_uri).read_text()
        assert "redacted: left out" in html
        assert "retired" not in html

    def test_drift_of_the_other_columns_is_still_seen(self, monitored, watched):
        log_predictions(monitored, calls_like(600, seed=2, shift=1.0))
        report = measure_features(
            read_window.fn(**monitored.arguments(read_window)),
            watched[1],
            **monitored.arguments(measure_features),
        )
        assert report.verdict == "failed"
        assert report.drifted_columns[0] == "strong"

    def test_nobody_scores_redacted_rows_again_to_verify_a_repair(self, monitored, watched):
        monitored.monitoring.performance.minimum_labels = 100
        log_predictions(monitored, calls_like(600, seed=2))
        cause = Cause(
            id="c",
            project="calls",
            champion_version="3",
            window=Window(start=EPOCH, end=EVER.end),
            rows=600,
            reason="drift",
            signals=["drift"],
            metric="log_loss",
            decided_at=EPOCH,
        )
        client = monitored.registry.get_client()
        client.create_registered_model("calls")
        client.create_model_version("calls", "file:///nowhere", watched[1].run_id)
        version = watched[1].model_copy(update={"version": "1"})
        repair = verify_repair.fn(cause, version, **monitored.arguments(verify_repair))
        assert repair.verdict == "passed"
        assert "job, weak are logged redacted" in repair.reason


LOG = {"type": "predictions"}


class TestTraining:
    def test_a_project_cannot_train_on_what_its_log_redacts(self, make_project):
        for columns in (COLUMNS, {**COLUMNS, "features": ["job", "strong"]}):
            with pytest.raises(ValidationError, match="redacted only"):
                make_project(
                    dataset=Dataset(source=LOG, columns=columns),
                    redaction=redaction({"job": "hash"}),
                )
        for columns in (
            {**COLUMNS, "ignored": ["job"]},
            {**COLUMNS, "features": ["strong", "weak"], "ignored": ["job"]},
        ):
            assert isinstance(
                make_project(
                    dataset=Dataset(source=LOG, columns=columns),
                    redaction=redaction({"job": "hash"}),
                ),
                MLProject,
            )

    def test_no_dataset_reads_redacted_features_from_the_log(self, project):
        with pytest.raises(ConfigurationError, match="redacted only"):
            read_source(Dataset(source=LOG, columns=COLUMNS), **project.arguments(read_source))

    def test_what_is_not_redacted_can_be_trained_on(self, project, rows, calls):
        frame = calls(20, seed=3, start="2026-02-01")
        score(project, rows(frame.drop(columns="y")))
        attach_labels.fn(rows(frame), **project.arguments(attach_labels))
        kept = project.model_copy(
            update={"redaction": redaction({"weak": "drop", "call_id": "hash"})}
        )
        columns = {**COLUMNS, "ignored": ["weak"]}
        table = read_source(Dataset(source=LOG, columns=columns), **kept.arguments(read_source))
        assert table.num_rows == 20
        assert "weak" not in table.column_names


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"jbo": "drop"}, "a misspelled column"),
        ({"y": "hash"}, "which is the target"),
        ({"call_id": "drop"}, "must be 'hash'"),
    ],
)
def test_a_project_refuses_rules_that_could_not_be_kept(make_project, rules, expected):
    columns = {**COLUMNS, "features": ["job", "strong", "weak"]}
    dataset = Dataset(source={"type": "parquet", "path": "calls.parquet"}, columns=columns)
    with pytest.raises(ValidationError, match=expected) as caught:
        make_project(dataset=dataset, redaction={"columns": rules, "key": KEY})
    assert KEY not in f"{caught.value} {caught.value.errors()}"
