"""Rows of a user's own function: every kind of table, in parts or whole, and whatever it does wrong."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.core.settings import Columns, FunctionSource
from prefect_mlops.sources.functions import read_function
from prefect_mlops.tasks import attach_labels, extract, score_rows
from pydantic import ValidationError
from support.candidates import crown, log_candidate, split_at
from support.own_code import write_module

COLUMNS = Columns(target="y", timestamp="at", ignored=["note"])
ROWS = """
import pandas as pd
import pyarrow as pa
from prefect_mlops.core.errors import DataRejected

read = []


def part(begin, end):
    return pd.DataFrame(
        {
            "at": pd.date_range("2026-01-01", periods=end, freq="h", tz="UTC")[begin:],
            "n": range(begin, end),
            "job": pd.Categorical([f"job {begin}"] * (end - begin)),
            "note": [{"deep": 1}] * (end - begin),
            "y": ["no", "yes"] * ((end - begin) // 2),
        }
    )


def frame(rows=6):
    return part(0, rows)


def table():
    return pa.Table.from_pandas(part(0, 6).drop(columns="note"))


def batch():
    return pa.RecordBatch.from_pandas(part(0, 6).drop(columns="note"))


def frames(rows=6, size=2):
    for begin in range(0, rows, size):
        read.append(begin)
        yield part(begin, begin + size)


def tables():
    yield table().slice(0, 2)
    yield batch().slice(2)


def raises(url="postgresql://me:hunter2@db/shop"):
    raise OSError(f"no route to {url}?password=hunter2&n=1")


def breaks():
    yield part(0, 2)
    raise TimeoutError("too slow")


def refuses():
    raise DataRejected("the warehouse is being rebuilt")


def rows():
    return [{"n": 1}]


def nothing(): ...


def none():
    yield from ()


def other_columns():
    yield part(0, 2)
    yield part(2, 4).drop(columns="n")


def other_types():
    yield part(0, 2)
    yield part(2, 4).assign(n="x")


def twice():
    return pd.concat([part(0, 2), part(0, 2)[["n"]]], axis=1)


def mixed():
    return part(0, 2).assign(n=[1, "x"])


def lists():
    return part(0, 2).assign(n=[[1], [2]])


def wide():
    return part(0, 2).assign(id=pd.Series([2**53 + 1, None], dtype=object))


def numbered():
    return part(0, 4).assign(**{"Unnamed: 0": range(4)})
"""


@pytest.fixture(autouse=True)
def own_rows(monkeypatch, tmp_path):
    write_module(monkeypatch, tmp_path, "own_rows", ROWS)


def read(name, columns=COLUMNS, **options):
    return read_function(FunctionSource(function=f"own_rows:{name}", options=options), columns)


@pytest.mark.parametrize("name", ["frame", "table", "batch", "frames", "tables"])
def test_frames_tables_and_parts_of_them_are_the_same_rows(name):
    found = read(name)
    assert found.column_names == ["at", "n", "job", "y"]
    assert found["n"].to_pylist() == list(range(6))
    assert found["y"].to_pylist() == ["no", "yes"] * 3
    assert found["at"].type == pa.timestamp("ns", "UTC")


def test_options_are_keywords():
    assert read("frame", rows=2).num_rows == 2
    assert read("frames", rows=8, size=4).num_rows == 8


def test_categories_that_only_some_parts_know_are_text():
    assert read("frames")["job"].to_pylist() == [f"job {n}" for n in (0, 0, 2, 2, 4, 4)]


def test_a_part_is_asked_for_when_the_one_before_it_was_taken(monkeypatch):
    import own_rows
    from prefect_mlops.sources import functions

    seen = []
    taken = functions._with_roles

    def spying(table, columns):
        seen.append(len(own_rows.read))
        return taken(table, columns)

    monkeypatch.setattr(functions, "_with_roles", spying)
    read("frames")
    assert seen == [1, 2, 3]


def test_ids_keep_every_digit_and_row_numbers_are_left_out():
    found = read("wide", Columns(target="y", timestamp="at", id="id", ignored=["note"]))
    assert found["id"].to_pylist() == [str(2**53 + 1), None]
    assert "Unnamed: 0" not in read("numbered").column_names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("twice", r"columns \['n'\] appear more than once"),
        ("mixed", "column 'n' mixes number and text"),
        ("lists", "column 'n' holds a list"),
        ("other_columns", r"part 2 of data source 'own_rows:other_columns' differs .* \['n'\]"),
        ("other_types", "parts of data source 'own_rows:other_types' have columns of different"),
        ("none", "data source 'own_rows:none' gave no part"),
        ("refuses", "the warehouse is being rebuilt"),
    ],
)
def test_rows_that_nobody_can_use_are_refused(name, reason):
    with pytest.raises(DataRejected, match=reason):
        read(name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rows", "returned dict: expected a pandas DataFrame, an Arrow table, or an iterator"),
        ("nothing", "returned NoneType"),
        ("missing", "cannot be loaded: AttributeError"),
        ("read", "is a list: expected a function"),
    ],
)
def test_what_is_no_source_of_rows_is_refused(name, reason):
    with pytest.raises(ConfigurationError, match=f"data source 'own_rows:{name}' {reason}"):
        read(name)


def test_options_that_the_function_does_not_take_are_refused():
    with pytest.raises(
        ConfigurationError, match=r"does not take its options \['country'\]: got an"
    ):
        read("frame", country="PT")


def test_what_it_raises_is_told_with_its_place_and_without_passwords():
    with pytest.raises(SourceUnavailable) as caught:
        read("raises", url="postgresql://you:s3cret@db/shop")
    said = str(caught.value)
    assert (
        "data source 'own_rows:raises' raised OSError: no route to postgresql://***@db/sh" in said
    )
    assert "own_rows.py" in said
    assert "n=1" in said
    assert not {"hunter2", "s3cret"} & set(said.replace("=", " ").replace("@", " ").split())
    assert "s3cret" not in said
    assert "hunter2" not in said
    assert caught.value.__suppress_context__


def test_parts_that_stop_coming_are_told():
    with pytest.raises(SourceUnavailable, match="raised TimeoutError: too slow"):
        read("breaks")


@pytest.mark.parametrize("name", ["password", "api_token", "db_pwd", "warehouse_api_key"])
def test_secrets_are_no_options_and_are_not_quoted(name):
    source = {"type": "function", "function": "own_rows:frame", "options": {name: "hunter2"}}
    for make in (
        lambda: Dataset(source=source, columns=COLUMNS),
        lambda: FunctionSource(function="own_rows:frame", options={name: "hunter2"}),
    ):
        with pytest.raises(ValidationError, match="are secrets") as caught:
            make()
        assert "hunter2" not in str(caught.value)


def test_options_are_kept_as_they_are():
    options = {
        "url": "https://host/rows",
        "key": "call_id",
        "token_column": "t",
        "nested": {"a": 1},
    }
    source = {"type": "function", "function": "own_rows:frame", "options": options}
    dataset = Dataset(source=source, columns=COLUMNS)
    assert dataset.source.options == options
    assert Dataset.model_validate(dataset.model_dump(mode="json")).source.options == options


def test_equal_rows_of_a_function_and_a_file_are_one_snapshot(
    make_project, calls, tmp_path, monkeypatch
):
    frame = calls(300)
    project = make_project(frame)
    text = "import pandas as pd\n\ndef calls(path):\n    return pd.read_parquet(path)\n"
    write_module(monkeypatch, tmp_path, "own_calls", text)
    own = Dataset(
        source=FunctionSource(
            function="own_calls:calls", options={"path": project.dataset.source.path}
        ),
        columns=project.dataset.columns,
    )
    first = extract.fn(**project.arguments(extract))
    second = extract.fn(**{**project.arguments(extract), "dataset": own})
    assert second.digest == first.digest
    assert second.source == "function own_calls:calls"
    cut = Dataset(source=own.source, columns=own.columns, start="2026-01-01T01:00:00Z")
    third = extract.fn(**{**project.arguments(extract), "dataset": cut})
    assert third.rows == 240
    assert third.first == second.first + timedelta(hours=1)


def test_rows_of_a_function_are_scored_and_labelled(make_project, calls, tmp_path, monkeypatch):
    frame = calls(400)
    project = make_project(frame)
    candidate = log_candidate(project, split_at(project, frame, 300))
    champion = crown(project, candidate)
    text = "import pandas as pd\n\ndef calls(path):\n    return pd.read_parquet(path)[300:]\n"
    write_module(monkeypatch, tmp_path, "new_calls", text)
    source = FunctionSource(
        function="new_calls:calls", options={"path": project.dataset.source.path}
    )
    new = Dataset(source=source, columns=project.dataset.columns)
    scored = score_rows.fn(new, champion, **_but(project.arguments(score_rows), "dataset"))
    assert (scored.rows, scored.logged) == (100, 100)
    labelled = attach_labels.fn(new, **_but(project.arguments(attach_labels), "dataset"))
    assert (labelled.attached, labelled.unknown) == (100, [])


def _but(arguments, name):
    return {key: value for key, value in arguments.items() if key != name}
