"""Bad input: its own clear error or verdict, and a champion and a prediction log that stay as they were.

What a case expects to be said is quoted in `docs/bad-input.md`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.errors import (
    ConfigurationError,
    DataRejected,
    LogUnavailable,
    ModelUnavailable,
    RegistryUnavailable,
    SourceUnavailable,
    WorkspaceUnavailable,
)
from prefect_mlops.core.results import Window
from prefect_mlops.core.tags import CHAMPION
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.sources import databases
from prefect_mlops.tasks.extraction import extract
from prefect_mlops.tasks.governor import decide
from prefect_mlops.tasks.scoring import score_rows
from prefect_mlops.tasks.windows import read_window
from pydantic import ValidationError

ROLES = {"target": "y", "timestamp": "called_at", "id": "call_id", "slices": ["job"]}
EVER = Window(start=datetime(2000, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))
SECRET = "hunter2"
DOCS = Path(__file__).parents[2] / "docs/bad-input.md"
RETRIED = (extract, score_rows, read_window, decide)
DELAYS = {task.name: task.retry_delay_seconds for task in RETRIED}
# What is said, beside what each `Case` says.
NO_CHAMPION = "has no champion yet: run the training flow first, or adopt a model"
NO_REFERENCE = "is not there: Failed to download artifacts"
DAMAGED = {
    "deleted": "If its files were deleted or moved, bring them back",
    "truncated": "Roll back to a version that does, or retrain",
}
UNSCORED = "champion version 1 cannot score these rows: ModelUnavailable"
GONE = "champion version 1 cannot load, its files are gone"
ONE_COMMAND = "train(project, replace_champion=True)"
NO_TAG = "it was not registered by the training flow"
GUESSING = "a model that guesses is as good as any here"
TEXT = "column 'note' has 120 different texts in 120 rows: text or an id"
CONSTANT = "job: distinct values of at least 2: found 1"
NOT_ENOUGH = "not enough rows: 0 predictions; drift needs at least 200"
NO_MONGODB = "expected a MongoDB server that answers and lets this user read and write"
NO_MLFLOW = "Check the address in the registry block, that the server runs"
NO_ROWS = "expected a MongoDB server that answers and lets this user read"
NO_API = "Check PREFECT_API_URL and that the server answers"
NOT_SAVED = "no MLProject block is saved as 'nobody-saved-this'"
NO_FILE_SYSTEM = "Use a local path or a URL that fsspec knows"
READ_ONLY_DATABASE = "attempt to write a readonly database"
Frame = pd.DataFrame
Write = Callable[[Frame, Path], dict[str, Any]]


class World:
    """A project with a champion and logged predictions, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def project(self, **overrides: Any) -> MLProject:
        settings: dict[str, Any] = {
            "name": "calls",
            "task_type": "binary",
            "dataset": self.dataset(self.folder / "logged.parquet"),
            "registry": ModelRegistry(
                tracking_uri=f"sqlite:///{self.folder}/mlflow.db", model_name="calls"
            ),
            "predictions": PredictionLog(uri=f"sqlite:///{self.folder}/predictions.db"),
            "workspace": str(self.folder / "workspace"),
            "training": {"estimators": ["linear"], "trials": 1, "folds": 2},
            "gates": {
                "deepchecks": [],
                "resamples": 200,
                "minimum_holdout_rows": 40,
                "skip": {"baseline": "48 rows do not tell a model from a guess"},
            },
            "data": {"minimum_rows": 60, "holdout_share": 0.4},
        }
        return MLProject(**{**settings, **overrides})

    @staticmethod
    def dataset(path: Path, **roles: Any) -> Dataset:
        return Dataset(source={"type": "parquet", "path": str(path)}, columns={**ROLES, **roles})

    def copy(self, folder: Path) -> World:
        """A world of its own on the same model files, for cases that add to it."""
        for name in ("mlflow.db", "predictions.db"):
            shutil.copy(self.folder / name, folder / name)
        shutil.copytree(self.folder / "workspace", folder / "workspace")
        return World(folder)

    def champion_files(self) -> Path:
        version = self.project().registry.get_client().get_model_version_by_alias("calls", CHAMPION)
        return Path(version.source.removeprefix("file://"))

    def versions(self) -> dict[str, Any]:
        client = self.project().registry.get_client()
        champion = client.get_model_version_by_alias("calls", CHAMPION).version
        found = client.search_model_versions("name='calls'")
        return {
            "champion": str(champion),
            "versions": {str(v.version): (v.source, dict(v.tags)) for v in found},
            "files": {p.name: _sha(p.read_bytes()) for p in self.champion_files().iterdir()},
        }

    def predictions(self) -> tuple[int, str]:
        with self.project().predictions.get_client() as store:
            rows = store.read("calls", EVER).to_pylist()
            shown = [store.journal(kind, "calls") for kind in ("promotion", "activation")]
        return len(rows), _sha(json.dumps([rows, shown], default=str).encode())

    def half_written(self) -> list[Path]:
        return [*self.folder.rglob("*.part")]


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def world(trained, tmp_path_factory) -> Iterator[World]:
    """The world of every case: a champion, and 80 predictions of it, half of them labelled."""
    first = World(Path(trained.project.workspace).parent)
    world = first.copy(tmp_path_factory.mktemp("world"))
    logged = make_calls(80, seed=1, start="2026-02-01")
    logged.to_parquet(world.folder / "logged.parquet")
    logged[:40].to_parquet(world.folder / "labels.parquet")
    # Prefect waits up to a second for the thread of its heartbeats, in every run.
    quick = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    with quick, pytest.MonkeyPatch.context() as patch:
        patch.chdir(world.folder)
        for task in RETRIED:
            patch.setattr(task, "retry_delay_seconds", 0)
        assert score(world.project(), world.dataset(world.folder / "logged.parquet")).logged == 80
        assert label(world.project(), world.dataset(world.folder / "labels.parquet")).attached == 40
        yield world


@pytest.fixture(autouse=True)
def untouched(world):
    """Whatever a case does: champion, versions and predictions stay as they were."""
    before = world.versions(), world.predictions()
    assert before[1][0] == 80
    yield
    assert (world.versions(), world.predictions()) == before
    assert world.half_written() == []


def check(caught: Any, error: type[Exception], says: str, column: str | None = None) -> None:
    """The exception says what is expected of it, and no password."""
    message = str(caught.value)
    assert type(caught.value) is error
    assert says in message
    assert SECRET not in message
    if column is not None:
        assert caught.value.column == column
        assert repr(column) in message


def parquet(frame: Frame, folder: Path) -> dict[str, Any]:
    frame.to_parquet(folder / "rows.parquet")
    return {"type": "parquet", "path": str(folder / "rows.parquet")}


def csv(separator: str = ",", **options: Any) -> Write:
    def write(frame: Frame, folder: Path) -> dict[str, Any]:
        frame.to_csv(folder / "rows.csv", index=False, sep=separator)
        return {"type": "csv", "path": str(folder / "rows.csv"), **options}

    return write


def text(content: bytes, name: str = "rows.csv") -> Write:
    def write(_frame: Frame, folder: Path) -> dict[str, Any]:
        (folder / name).write_bytes(content)
        return {"type": name.rpartition(".")[2], "path": str(folder / name)}

    return write


def missing(name: str) -> Write:
    return lambda _frame, folder: {"type": "parquet", "path": str(folder / name)}


def twice(name: str) -> Write:
    def write(frame: Frame, folder: Path) -> dict[str, Any]:
        doubled = pd.concat([frame, frame[[name]]], axis=1)
        return csv()(doubled, folder)

    return write


def sqlite_rows(frame: Frame, folder: Path) -> dict[str, Any]:
    """SQLite keeps numbers and text in one column, as long as it has no type."""
    path, names = folder / "rows.db", list(frame)
    rows = frame.assign(called_at=frame["called_at"].map(str)).astype(object).to_numpy().tolist()
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table calls ({', '.join(names)})")
        connection.executemany(f"insert into calls values ({','.join('?' * len(names))})", rows)
    return {"type": "sql", "url": f"sqlite:///{path}", "query": "select * from calls"}


def put(name: str, value: Any, rows: Any = slice(None)) -> Callable[[Frame], Frame]:
    """Set a column's values in some rows."""

    def change(frame: Frame) -> Frame:
        values = frame[name].astype(object)
        values.iloc[rows] = value
        kept = values if isinstance(value, str) or value is None else values.infer_objects()
        return frame.assign(**{name: kept})

    return change


def delivered_twice(frame: Frame) -> Frame:
    again = frame.tail(60)
    moved = {
        "call_id": again["call_id"] + " again",
        "called_at": again["called_at"] + pd.Timedelta(hours=1),
    }
    return pd.concat([frame, again.assign(**moved)], ignore_index=True)


def same(frame: Frame) -> Frame:
    return frame


def without(*names: str) -> Callable[[Frame], Frame]:
    return lambda frame: frame.drop(columns=list(names))


@dataclass(frozen=True)
class Case:
    """Rows with something wrong, and what comes of them."""

    name: str
    says: str
    change: Callable[[Frame], Frame] = same
    write: Write = parquet
    error: type[Exception] = DataRejected
    column: str | None = None
    roles: dict[str, Any] = field(default_factory=dict)
    project: dict[str, Any] = field(default_factory=dict)
    score_too: bool = False

    def dataset(self, folder: Path) -> Dataset:
        frame = self.change(make_calls(120, seed=2, start="2026-03-01"))
        return Dataset(source=self.write(frame, folder), columns={**ROLES, **self.roles})


STRAYS = [3, 50, 90]
CASES = [
    Case(
        "missing file",
        "does not exist: check dataset.source.path",
        write=missing("gone.parquet"),
        error=SourceUnavailable,
        score_too=True,
    ),
    Case(
        "glob without files", "no file matches", write=missing("*.parquet"), error=SourceUnavailable
    ),
    Case("folder", "is a folder: name its files", write=missing(""), error=SourceUnavailable),
    Case(
        "no Parquet",
        "is no readable Parquet file",
        write=text(b"call_id;y", "rows.parquet"),
        error=SourceUnavailable,
    ),
    Case("empty file", "is empty: expected a header and rows", write=text(b"")),
    Case(
        "wrong separator",
        "it is probably separated by ';', set dataset.source.separator",
        write=csv(";"),
        score_too=True,
    ),
    Case(
        "wrong encoding",
        "set dataset.source.encoding",
        write=text("call_id,Straße\n1,2\n".encode("latin-1")),
        error=SourceUnavailable,
    ),
    Case(
        "rows longer than the header",
        "has rows that do not fit its header",
        write=text(b"call_id,y\n1,2,3\n4,5\n"),
    ),
    Case(
        "missing target",
        "rename them at the source, or change dataset.columns",
        without("y"),
        column="y",
    ),
    Case(
        "missing timestamp",
        "rename them at the source, or change dataset.columns",
        without("called_at"),
        column="called_at",
    ),
    Case(
        "missing id",
        "rename them at the source, or change dataset.columns",
        without("call_id"),
        column="call_id",
    ),
    Case(
        "missing named feature",
        "rename them at the source, or change dataset.columns",
        without("strong"),
        column="strong",
        roles={"features": ["strong", "weak", "job"]},
    ),
    Case("missing feature of the champion", "expected columns: missing weak", without("weak")),
    Case("missing slice", "slices or categorical name ['job']", without("job"), column="job"),
    Case("no features", "has no features", without("strong", "weak", "job"), roles={"slices": []}),
    Case(
        "duplicate columns",
        "columns ['weak'] appear more than once",
        write=twice("weak"),
        column="weak",
        score_too=True,
    ),
    Case(
        "target with one class",
        "has 1 classes, ['yes']: binary needs exactly two",
        put("y", "yes"),
        column="y",
    ),
    Case(
        "target with three classes",
        ": binary needs exactly two; these 3 values fit task_type 'multiclass'",
        put("y", "maybe", STRAYS),
        column="y",
    ),
    Case("target with nulls", "is empty in 3 of 120 rows", put("y", None, STRAYS), column="y"),
    Case(
        "target of text for regression",
        "regression needs numbers",
        column="y",
        project={"task_type": "regression"},
    ),
    Case(
        "target with infinities",
        "is infinite in 3 rows: leave them out at the source",
        put("weak", np.inf, STRAYS),
        column="weak",
        roles={"target": "weak"},
        project={"task_type": "regression"},
    ),
    Case(
        "target of mixed types",
        "column 'y' mixes number and text",
        put("y", 1, STRAYS),
        write=sqlite_rows,
        column="y",
    ),
    Case(
        "column all null",
        "weak: values present: broken in 120 of 120 rows (100%)",
        put("weak", np.nan),
    ),
    Case(
        "new categories only", "job: values among admin, retired, student", put("job", "astronaut")
    ),
    Case(
        "column stuck",
        "weak: not stuck at a value: broken in 120 of 120 new rows, which hold 1 on end",
        put("weak", 1.0),
    ),
    Case(
        "filler",
        "weak: no filler values: broken in 12 of 120 new rows, all of them -999",
        put("weak", -999.0, slice(None, None, 10)),
    ),
    Case(
        "another unit",
        "they are known values times 1000, a change of unit and no move",
        lambda frame: frame.assign(weak=frame["weak"] * 1000),
    ),
    Case(
        "another spelling",
        "job: no known categories in another spelling: broken in 120 of 120 new rows",
        lambda frame: frame.assign(job=frame["job"].str.upper()),
    ),
    Case(
        "rows delivered twice",
        "rows: each delivered once: broken in 60 of 180 new rows, which are copies of earlier ones",
        delivered_twice,
    ),
    Case(
        "text among numbers",
        "holds numbers and, in 3 of 120 rows, text such as 'n. a.'",
        put("weak", "n. a.", STRAYS),
        write=csv(),
        column="weak",
    ),
    Case(
        "mixed types",
        "column 'weak' mixes number and text",
        put("weak", "oops", STRAYS),
        write=sqlite_rows,
        column="weak",
        score_too=True,
    ),
    Case(
        "numbers with other marks",
        "numbers with other marks, such as '0,5'",
        put("weak", "0,5"),
        write=csv(),
        column="weak",
    ),
    Case(
        "a column without a name",
        "has a column without a name ('Unnamed: 0')",
        lambda frame: frame[::-1].reset_index().rename(columns={"index": ""}),
        write=csv(),
        column="Unnamed: 0",
        score_too=True,
    ),
    Case(
        "a title above the header",
        "begins with a line of one value, 'Calls of March', above rows of 3",
        write=text(b"Calls of March\ncall_id,strong,y\n1,2,yes\n"),
        score_too=True,
    ),
    Case(
        "a row shorter than the header",
        "line 3 has 1 values for 2 columns, '# the end'",
        write=text(b"call_id,y\n1,yes\n# the end\n"),
    ),
    Case(
        "moments of another format",
        "values that are no moments in the format %d/%m/%Y, such as '04/13/2026'",
        lambda frame: put("since", "04/13/2026", STRAYS)(frame.assign(since="03/04/2026")),
        write=csv(),
        column="since",
        roles={"datetime_formats": {"since": "%d/%m/%Y"}},
    ),
    Case(
        "timestamps that no data frame can hold",
        "has 120 moments that no data frame can hold, first 9999-12-31",
        lambda frame: frame.assign(
            called_at=np.full(len(frame), np.datetime64("9999-12-31", "us"))
        ).assign(called_at=lambda frame: frame["called_at"].dt.tz_localize("UTC")),
        column="called_at",
        score_too=True,
    ),
    Case(
        "target with fractions",
        "holds numbers with fractions, such as",
        column="strong",
        roles={"target": "strong"},
        project={"task_type": "multiclass"},
    ),
    Case("infinities", "weak: values between", put("weak", np.inf, STRAYS)),
    Case(
        "zero rows",
        "gave 0 rows, and training needs 60 (data.minimum_rows)",
        lambda frame: frame[:0],
    ),
    Case(
        "one row", "gave 1 rows, and training needs 60 (data.minimum_rows)", lambda frame: frame[:1]
    ),
    Case(
        "timestamps without zone",
        "has no time zone, first value 2026-03-01 00:00:00: append 'Z'",
        lambda frame: frame.assign(called_at=frame["called_at"].dt.tz_localize(None)),
        column="called_at",
        score_too=True,
    ),
    Case(
        "timestamps without zone as text",
        "has no time zone, first value 2026-03-01 00:00:00: append 'Z'",
        lambda frame: frame.assign(called_at=frame["called_at"].dt.tz_localize(None)),
        write=csv(),
        column="called_at",
        score_too=True,
    ),
    Case(
        "timestamps that are none",
        "has 3 values that are no moments, first 'soon'",
        put("called_at", "soon", STRAYS),
        write=csv(),
        column="called_at",
        score_too=True,
    ),
    Case(
        "missing timestamps",
        "is empty in 3 rows",
        put("called_at", pd.NaT, STRAYS),
        column="called_at",
        score_too=True,
    ),
    Case(
        "duplicate ids",
        "has 1 duplicates, such as 2026-03-01-2-0",
        put("call_id", "2026-03-01-2-0", [1]),
        column="call_id",
    ),
    Case(
        "missing ids",
        "is empty in 3 of 120 rows: every row needs one",
        put("call_id", None, STRAYS),
        column="call_id",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_training_refuses(world, tmp_path, case):
    project = world.project(dataset=case.dataset(tmp_path), **case.project)
    with pytest.raises(Exception) as caught:
        train(project)
    check(caught, case.error, case.says, case.column)


@pytest.mark.parametrize("case", [c for c in CASES if c.score_too], ids=lambda case: case.name)
def test_scoring_refuses(world, tmp_path, case):
    with pytest.raises(Exception) as caught:
        score(world.project(), case.dataset(tmp_path))
    check(caught, case.error, case.says, case.column)


SCORING = [
    Case(
        "missing feature", "column 'weak' is missing; expected once", without("weak"), column="weak"
    ),
    Case(
        "missing timestamp",
        "timestamp column 'called_at' is missing",
        without("called_at"),
        column="called_at",
    ),
    Case("missing id", "id column 'call_id' is missing", without("call_id"), column="call_id"),
    Case(
        "duplicate ids",
        "has 0 nulls and 1 duplicates, such as ['2026-03-01-2-0']",
        put("call_id", "2026-03-01-2-0", [1]),
        column="call_id",
    ),
    Case(
        "missing ids",
        "has 3 nulls and 0 duplicates: an id identifies one prediction",
        put("call_id", None, STRAYS),
        column="call_id",
    ),
    Case(
        "a column in another form",
        "column 'weak' has 120 of 120 values that cannot be read, such as '1,5': expected finite numbers",
        put("weak", "1,5"),
        column="weak",
    ),
    Case(
        "values that no log holds",
        "column 'job' cannot be logged: time datetime.time(12, 0) cannot be logged",
        lambda frame: frame.assign(job=time_of_day(12)),
        column="job",
    ),
]
LABELS = [
    Case(
        "classes of nobody's",
        "has 80 of 80 labels of classes that the champion does not know: 'maybe' (80)",
        lambda frame: frame.assign(y="maybe"),
        column="y",
    ),
    Case(
        "other labels than those that are known",
        "labels would change one that is known already, such as '2026-02-01-1-0' from",
        lambda frame: frame.assign(y=frame["y"].map({"yes": "no", "no": "yes"})),
    ),
    Case(
        "numbers that are none",
        "has 80 of 80 labels that are no finite numbers, such as",
        column="y",
        project={"task_type": "regression"},
    ),
    Case(
        "two labels of one id",
        "has two different labels for 1 ids, such as",
        lambda frame: pd.concat([frame, frame[:1].assign(y="maybe")]),
        column="call_id",
        project={"task_type": "regression"},
        roles={"target": "row"},
    ),
    Case("no id column", "labels need an id column: set columns.id", roles={"id": None}),
    Case(
        "labels without an id",
        "has 3 nulls in rows with a label",
        put("call_id", None, [*STRAYS[:2], 0]),
        column="call_id",
    ),
]


@pytest.mark.parametrize("case", SCORING, ids=lambda case: case.name)
def test_scoring_refuses_rows_it_could_not_log(world, tmp_path, case):
    with pytest.raises(DataRejected) as caught:
        score(world.project(), case.dataset(tmp_path))
    check(caught, case.error, case.says, case.column)


@pytest.mark.parametrize("case", LABELS, ids=lambda case: case.name)
def test_labelling_refuses(world, tmp_path, case):
    frame = case.change(make_calls(80, seed=1, start="2026-02-01"))
    frame = frame.assign(row=range(len(frame)))
    dataset = Dataset(source=parquet(frame, tmp_path), columns={**ROLES, **case.roles})
    with pytest.raises(DataRejected) as caught:
        label(world.project(**case.project), dataset)
    check(caught, case.error, case.says, case.column)


def test_ids_that_were_scored_before_keep_their_prediction(world, tmp_path):
    again = make_calls(80, seed=1, start="2026-02-01").assign(weak=7.0)
    outcome = score(world.project(), Dataset(source=parquet(again, tmp_path), columns=ROLES))
    assert (outcome.logged, outcome.known, outcome.differing) == (0, 80, 80)


def test_scoring_nothing_logs_nothing(world, tmp_path):
    nothing = Case("zero rows", "", lambda frame: frame[:0]).dataset(tmp_path)
    outcome = score(world.project(), nothing)
    assert (outcome.rows, outcome.logged, outcome.first) == (0, 0, None)


def test_scoring_refuses_without_a_champion(world):
    registry = ModelRegistry(
        tracking_uri=world.project().registry.tracking_uri, model_name="nobody"
    )
    with pytest.raises(ModelUnavailable) as caught:
        score(world.project(registry=registry))
    check(caught, ModelUnavailable, NO_CHAMPION)


def test_odd_values_are_scored_as_missing_and_counted(world, tmp_path):
    """One row, a new category, an infinity, text among numbers: a served model must answer too."""
    mine = world.copy(tmp_path)
    odd = Case(
        "odd",
        "",
        lambda frame: put("weak", "n. a.", 2)(
            frame[:4].assign(
                strong=[1.0, np.inf, 1.0, 1.0], job=["astronaut", "admin", "admin", None]
            )
        ),
        write=csv(),
    )
    outcome = score(mine.project(), odd.dataset(tmp_path))
    assert (outcome.rows, outcome.logged) == (4, 4)
    assert outcome.unreadable == {"strong": 1, "weak": 1}
    with mine.project().predictions.get_client() as store:
        logged = store.read("calls", Window(start=outcome.first, end=EVER.end)).to_pandas()
    assert logged["prediction"].isin(["yes", "no"]).all()
    assert logged["score.yes"].between(0, 1).all()
    assert logged["features.job"].tolist()[0] == "astronaut"
    assert mine.predictions()[0] == 84


def test_ids_that_became_floats_are_the_ids_they_were(world, tmp_path):
    mine = world.copy(tmp_path)
    whole = Case("ids", "", lambda frame: frame[:4].assign(call_id=[1000, 1001, 1002, 1003]))
    floats = Case(
        "ids", "", lambda frame: frame[:4].assign(call_id=[1000.0, 1001.0, 1002.0, 1003.0])
    )
    assert score(mine.project(), whole.dataset(tmp_path)).logged == 4
    assert score(mine.project(), floats.dataset(tmp_path)).logged == 0
    assert label(mine.project(), floats.dataset(tmp_path)).attached == 4


def test_one_row_is_scored(world, tmp_path):
    mine = world.copy(tmp_path)
    one = Case("one row", "", lambda frame: frame[:1]).dataset(tmp_path)
    assert score(mine.project(), one).logged == 1


@pytest.mark.parametrize("rows", [0, 1])
def test_a_window_of_next_to_nothing_is_not_judged(world, tmp_path, rows):
    mine = world.copy(tmp_path)
    begin = datetime(2026, 2, 1, tzinfo=UTC) if rows else datetime(2027, 1, 1, tzinfo=UTC)
    outcome = monitor(mine.project(), start=begin, end=begin + timedelta(seconds=30))
    assert (outcome.drift.verdict, outcome.performance.verdict) == ("not_run", "not_run")
    assert outcome.decision.reason.startswith(f"not enough rows: {rows} predictions")
    assert (outcome.decision.action, outcome.requested) == ("hold", False)
    assert mine.predictions() == world.predictions()


@pytest.mark.parametrize("damage", ["deleted", "truncated"])
def test_a_champion_that_does_not_load_scores_nothing(world, damage):
    with damaged(world.champion_files(), damage), pytest.raises(ModelUnavailable) as caught:
        score(world.project(), world.dataset(world.folder / "logged.parquet"))
    check(caught, ModelUnavailable, DAMAGED[damage])


def test_a_champion_without_its_reference_is_not_watched(world):
    project = world.project(monitoring={"drift": {"minimum_rows": 30}})
    version = project.registry.get_client().get_model_version_by_alias("calls", CHAMPION)
    run = project.registry.get_client().get_run(version.run_id)
    reference = Path(run.info.artifact_uri.removeprefix("file://")) / "reference"
    with damaged(reference, "deleted"), pytest.raises(ModelUnavailable) as caught:
        monitor(project)
    check(caught, ModelUnavailable, NO_REFERENCE)


@contextmanager
def damaged(folder: Path, damage: str) -> Iterator[None]:
    """Damage a model's files, and put them back."""
    aside = folder.with_name(f"{folder.name}-aside")
    folder.rename(aside)
    try:
        if damage == "truncated":
            shutil.copytree(aside, folder)
            for file in folder.iterdir():
                if file.suffix in (".pkl", ".skops"):
                    file.write_bytes(file.read_bytes()[:100])
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        aside.rename(folder)


@pytest.mark.slow
def test_a_damaged_champion_stays_and_the_candidate_is_a_challenger(world, tmp_path):
    mine = world.copy(tmp_path)
    before = mine.versions()
    rows = Case("later rows", "").dataset(tmp_path)
    with damaged(mine.champion_files(), "truncated"):
        outcome = train(mine.project(dataset=rows))
    after = mine.versions()
    reason = outcome.reasons[0]
    assert outcome.outcome == "challenger"
    assert f"superiority: {UNSCORED}" in reason
    assert ONE_COMMAND in reason
    assert after["champion"] == before["champion"] == "1"
    assert after["versions"].keys() == {"1", "2"}
    assert after["versions"]["1"] == before["versions"]["1"]
    assert mine.predictions() == world.predictions()


@pytest.mark.slow
def test_a_champion_whose_files_are_gone_is_replaced(world, tmp_path):
    mine = world.copy(tmp_path)
    rows = Case("later rows", "").dataset(tmp_path)
    with damaged(mine.champion_files(), "deleted"):
        outcome = train(mine.project(dataset=rows))
    superiority = next(gate for gate in outcome.gates if gate.name == "superiority")
    assert outcome.outcome == "promoted", outcome.reasons
    assert GONE in superiority.reason
    assert mine.versions()["champion"] == "2"
    assert mine.versions()["versions"].keys() == {"1", "2"}


@pytest.mark.slow
def test_a_constant_category_is_reported_and_trained_on(world, tmp_path):
    mine = world.copy(tmp_path)
    rows = Case("odd", "", put("job", "student"))
    outcome = train(mine.project(dataset=rows.dataset(tmp_path)))
    gates = {gate.name: gate for gate in outcome.gates}
    constant = gates["job: distinct values of at least 2"]
    assert constant.reason == CONSTANT
    assert (constant.verdict, constant.blocking) == ("failed", False)
    assert outcome.version is not None
    assert mine.predictions()[0] == 80


def test_a_champion_of_somebody_else_names_the_one_command(world, tmp_path):
    mine = world.copy(tmp_path)
    project = mine.project(monitoring={"drift": {"minimum_rows": 30}})
    client = project.registry.get_client()
    version = client.get_model_version_by_alias("calls", CHAMPION)
    theirs = client.create_model_version("calls", version.source, version.run_id)
    client.set_registered_model_alias("calls", CHAMPION, theirs.version)
    with pytest.raises(ModelUnavailable) as caught:
        monitor(project)
    check(caught, ModelUnavailable, NO_TAG)
    assert ONE_COMMAND in str(caught.value)


@pytest.mark.slow
def test_a_holdout_of_one_class_and_a_column_of_text(world, tmp_path):
    mine = world.copy(tmp_path)
    rows = Case(
        "odd",
        "",
        lambda frame: put("y", "no", slice(60, None))(frame).assign(
            note=[f"call {i}" for i in range(len(frame))]
        ),
    )
    outcome = train(mine.project(dataset=rows.dataset(tmp_path)))
    gates = {gate.name: gate for gate in outcome.gates}
    assert outcome.outcome == "rejected"
    assert gates["holdout classes"].verdict == "not_run"
    assert GUESSING in gates["holdout classes"].reason
    assert TEXT in gates["note: values that repeat"].reason
    assert mine.versions() == world.versions()


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


FLOWS: dict[str, Callable[[World, MLProject], Any]] = {
    "train": lambda _world, project: train(project),
    "score": lambda world, project: score(project, world.dataset(world.folder / "logged.parquet")),
    "label": lambda world, project: label(project, world.dataset(world.folder / "labels.parquet")),
    "monitor": lambda _world, project: monitor(project),
}


@pytest.mark.parametrize("flow", FLOWS)
def test_an_unreachable_prediction_log(world, tmp_path, flow):
    uri = f"mongodb://me:{SECRET}@127.0.0.1:{closed_port()}/mlops"
    log = PredictionLog(uri=uri, timeout_seconds=0.5)
    project = world.project(predictions=log, dataset=Case("rows", "").dataset(tmp_path))
    begin = time.monotonic()
    with pytest.raises(LogUnavailable) as caught:
        FLOWS[flow](world, project)
    check(caught, LogUnavailable, NO_MONGODB)
    assert f"prediction log {uri.rpartition('@')[2]}" in str(caught.value)
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("task", RETRIED, ids=lambda task: task.name)
def test_an_unreachable_prediction_log_is_given_up_within_half_a_minute(task):
    wait = PredictionLog(uri="mongodb://host/db").timeout_seconds
    assert (task.retries + 1) * wait + task.retries * DELAYS[task.name] <= 30


@pytest.mark.parametrize("flow", ["train", "score", "monitor"])
def test_an_unreachable_registry(world, tmp_path, flow):
    address = f"127.0.0.1:{closed_port()}"
    registry = ModelRegistry(tracking_uri=f"http://me:{SECRET}@{address}", model_name="calls")
    project = world.project(registry=registry, dataset=Case("rows", "").dataset(tmp_path))
    begin = time.monotonic()
    with pytest.raises(RegistryUnavailable) as caught:
        FLOWS[flow](world, project)
    check(caught, RegistryUnavailable, NO_MLFLOW)
    assert f"MLflow at http://{address} cannot be reached" in str(caught.value)
    assert time.monotonic() - begin < 30


def test_unreachable_rows(world, monkeypatch):
    monkeypatch.setattr(databases, "_TIMEOUT_MS", 500)
    port = closed_port()
    uri = f"mongodb://me:{SECRET}@127.0.0.1:{port}/shop"
    dataset = Dataset(source={"type": "mongodb", "uri": uri, "collection": "c"}, columns=ROLES)
    with pytest.raises(SourceUnavailable) as caught:
        train(world.project(dataset=dataset))
    check(caught, SourceUnavailable, NO_ROWS)
    assert f"cannot read mongodb://127.0.0.1:{port}/shop.c" in str(caught.value)


@pytest.mark.slow
def test_an_unreachable_prefect_server(tmp_path):
    address = f"http://127.0.0.1:{closed_port()}/api"
    script = """
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.errors import OrchestratorUnavailable
from prefect_mlops.flows import label, monitor, score, train

project = MLProject(
    name="calls",
    task_type="binary",
    dataset=Dataset(source={"type": "csv", "path": "calls.csv"}, columns={"target": "y"}),
    registry=ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls"),
    predictions=PredictionLog(uri="sqlite:///predictions.db"),
    workspace="workspace",
)
for flow, given in ((train, project), (train, "calls"), (score, project), (label, project), (monitor, project)):
    try:
        flow(given)
    except OrchestratorUnavailable as error:
        print(error)
"""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PREFECT_API_URL": address},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout.splitlines()
    assert len(said) == 5, done.stderr
    assert {line.partition(" ")[0] for line in said} == set(FLOWS)
    for line in said:
        assert f"needs the Prefect API: Failed to reach API at {address}" in line
        assert NO_API in line
    assert time.monotonic() - begin < 60
    assert list(tmp_path.iterdir()) == []


def test_a_project_that_was_never_saved():
    with pytest.raises(ConfigurationError) as caught:
        train("nobody-saved-this")
    check(caught, ConfigurationError, NOT_SAVED)


BAD_URIS: dict[str, tuple[Callable[[], Any], str]] = {
    "prediction log of another kind": (
        lambda: PredictionLog(uri=f"postgresql://me:{SECRET}@host/db"),
        "scheme 'postgresql' is no prediction log: expected sqlite:///relative/path",
    ),
    "prediction log without a database": (
        lambda: PredictionLog(uri=f"mongodb://me:{SECRET}@host"),
        "the MongoDB URI names no database",
    ),
    "registry of another kind": (
        lambda: ModelRegistry(tracking_uri=f"ftp://me:{SECRET}@host", model_name="calls"),
        "scheme 'ftp' is not one MLflow knows",
    ),
    "rows of no database": (
        lambda: Dataset(
            source={"type": "sql", "url": f"me {SECRET}", "query": "select 1"}, columns=ROLES
        ),
        "not a SQLAlchemy URL: expected dialect://user:password@host/database",
    ),
    "rows of no MongoDB": (
        lambda: Dataset(
            source={"type": "mongodb", "uri": f"http://me:{SECRET}@host", "collection": "c"},
            columns=ROLES,
        ),
        "not a MongoDB connection string: expected mongodb://host/database",
    ),
}


@pytest.mark.parametrize("name", BAD_URIS)
def test_a_bad_uri_is_refused_when_it_is_written_down(name):
    make, says = BAD_URIS[name]
    with pytest.raises(ValidationError) as caught:
        make()
    check(caught, ValidationError, says)


@pytest.mark.parametrize("place", ["workspace", "rows"])
def test_a_bad_url_of_files(world, place):
    dataset = world.dataset(Path("calls.parquet"))
    dataset.source.path = "nowhere://bucket/calls.parquet"
    bad = {"dataset": dataset} if place == "rows" else {"workspace": "nowhere://bucket/calls"}
    with pytest.raises(ConfigurationError) as caught:
        train(world.project(**bad))
    check(caught, ConfigurationError, NO_FILE_SYSTEM)


@pytest.fixture
def read_only_world(world, tmp_path) -> Iterator[World]:
    """A copy of the world on a disk that cannot be written, whoever the tests run as."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False).returncode:
        pytest.skip("NOT TESTED ON A READ-ONLY DISK: mounting one needs more rights than this has")
    try:
        copied = world.copy(folder)
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        yield copied
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


READ_ONLY = {
    "workspace": (
        WorkspaceUnavailable,
        "Check that the workspace exists, has room and may be written",
    ),
    "predictions": (LogUnavailable, "predictions.db"),
    "registry": (RegistryUnavailable, "this process may read and write it"),
}


@pytest.mark.parametrize("place", READ_ONLY)
def test_a_read_only_disk_stops_a_training(world, read_only_world, tmp_path, place):
    error, says = READ_ONLY[place]
    project = world.project(
        dataset=Case("rows", "").dataset(tmp_path),
        **{place: getattr(read_only_world.project(), place)},
    )
    with pytest.raises(error) as caught:
        train(project)
    check(caught, error, says)
    if place == "registry":
        assert READ_ONLY_DATABASE in str(caught.value)


def test_a_read_only_disk_stops_scoring(world, read_only_world):
    project = world.project(predictions=read_only_world.project().predictions)
    with pytest.raises(LogUnavailable) as caught:
        score(project, world.dataset(world.folder / "logged.parquet"))
    check(caught, *READ_ONLY["predictions"])


def test_a_read_only_workspace_stops_scoring_before_anything_is_logged(
    world, read_only_world, tmp_path
):
    project = world.project(workspace=read_only_world.project().workspace)
    with pytest.raises(WorkspaceUnavailable) as caught:
        score(project, Case("rows", "").dataset(tmp_path))
    check(caught, *READ_ONLY["workspace"])


@pytest.mark.parametrize("place", READ_ONLY)
def test_a_folder_that_cannot_be_made(world, tmp_path, place):
    """Below a file there is no folder: what every user without rights sees, and root too."""
    (tmp_path / "file").write_text("")
    lost = World(tmp_path / "file")
    error, says = READ_ONLY[place]
    project = world.project(
        dataset=Case("rows", "").dataset(tmp_path), **{place: getattr(lost.project(), place)}
    )
    with pytest.raises(error) as caught:
        train(project)
    check(caught, error, says)


def test_the_documentation_quotes_what_is_said():
    if not DOCS.exists():
        pytest.skip("the documentation is not here")
    written = DOCS.read_text()
    said = [case.says for case in (*CASES, *SCORING, *LABELS)]
    said += [says for _, says in (*BAD_URIS.values(), *READ_ONLY.values())]
    said += [*DAMAGED.values(), NO_CHAMPION, NO_REFERENCE, UNSCORED, CONSTANT, NOT_ENOUGH]
    said += [GONE, ONE_COMMAND, NO_TAG, GUESSING, TEXT]
    said += [NO_MONGODB, NO_MLFLOW, NO_ROWS, NO_API, NOT_SAVED, NO_FILE_SYSTEM, READ_ONLY_DATABASE]
    assert [words for words in said if words not in written] == []
