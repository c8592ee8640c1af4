"""The same rows, whatever they are read from."""

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prefect_mlops.blocks import Dataset
from prefect_mlops.data.schema import conform
from prefect_mlops.sources.reading import read_source

LARGE = 2**53 + 1
HASHES = [2**62 + 1, 2**63 + 1, None]
WAYS = ["csv", "parquet", "parquet of pandas", "sql", "sql of text"]


def written(way, rows, folder):
    """A source that gives these columns."""
    path = folder / "rows"
    if way == "csv":
        names = list(rows)
        lines = [",".join(names)]
        for row in zip(*rows.values(), strict=True):
            lines.append(",".join("" if value is None else str(value) for value in row))
        path.write_text("\n".join(lines))
        return {"type": "csv", "path": str(path)}
    if way == "parquet":
        table = pa.table({name: _unsigned(values) for name, values in rows.items()})
        pq.write_table(table, path)
        return {"type": "parquet", "path": str(path)}
    if way == "parquet of pandas":
        frame = pd.DataFrame({name: _unsigned(values).to_pandas() for name, values in rows.items()})
        whole = {n: v for n, v in rows.items() if any(isinstance(value, int) for value in v)}
        exact = {n: pd.array(v, dtype="UInt64") for n, v in whole.items()}
        frame.assign(**exact).to_parquet(path)
        return {"type": "parquet", "path": str(path)}
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table t ({', '.join(rows)})")
        small = way == "sql"
        for row in zip(*rows.values(), strict=True):
            # SQLite's own numbers end at 2^63.
            kept = [
                v if (small and not (isinstance(v, int) and v >= 2**63)) or v is None else str(v)
                for v in row
            ]
            connection.execute(f"insert into t values ({','.join('?' * len(rows))})", kept)
    return {"type": "sql", "url": f"sqlite:///{path}", "query": "select * from t"}


def _unsigned(values):
    whole = any(isinstance(value, int) for value in values)
    return pa.array(values, pa.uint64() if whole else None)


@pytest.fixture
def read(make_project, tmp_path):
    def run(way, rows, task="multiclass", **roles):
        columns = {"target": "y", **roles}
        dataset = Dataset(source=written(way, rows, tmp_path), columns=columns)
        return read_source(
            dataset, **make_project(dataset=dataset, task_type=task).arguments(read_source)
        ).to_pandas()

    return run


@pytest.mark.parametrize("way", WAYS)
def test_ids_keep_their_digits_beside_a_null(read, way):
    found = read(way, {"id": [LARGE, None, LARGE - 1], "x": [1, 2, 3]}, id="id")
    assert found["id"].tolist() == [str(LARGE), None, str(LARGE - 1)]


@pytest.mark.parametrize("way", [way for way in WAYS if way != "sql"])
def test_hashes_on_both_sides_of_64_bits_with_sign_are_ids_and_categories(read, way):
    rows = {"id": HASHES, "c": HASHES, "x": [1, 2, 3]}
    found = read(way, rows, id="id", categorical=["c"])
    expected = [None if value is None else str(value) for value in HASHES]
    assert found["id"].tolist() == expected
    conformed, _ = conform(found, {"c": "category"})
    assert conformed["c"].tolist() == expected


@pytest.mark.parametrize("way", WAYS[:4])
def test_classes_keep_their_digits_beside_a_null(read, way):
    found = read(way, {"y": [LARGE, None, LARGE - 1], "x": [1, 2, 3]})
    assert found["y"].tolist() == [str(LARGE), None, str(LARGE - 1)]


@pytest.mark.parametrize("way", WAYS)
def test_an_id_that_became_a_float_is_the_id_it_was(read, way):
    assert read(way, {"id": [1000.0, 7.0], "x": [1, 2]}, id="id")["id"].tolist() == ["1000", "7"]


@pytest.mark.parametrize("way", WAYS)
def test_spaces_around_text_are_no_part_of_it(read, way):
    rows = {"id": [" a ", "b"], "y": [" <=50K", ">50K "], "c": [" x", "x"]}
    found = read(way, rows, id="id")
    assert found.to_dict("list") == {"id": ["a", "b"], "y": ["<=50K", ">50K"], "c": ["x", "x"]}


@pytest.mark.parametrize("way", WAYS)
def test_datetimes_are_read_in_their_declared_format(read, way):
    rows = {"d": ["03/04/2026", "13/04/2026"], "x": [1, 2]}
    found = read(way, rows, datetime_formats={"d": "%d/%m/%Y"})
    assert found["d"].tolist() == [datetime(2026, 4, day, tzinfo=UTC) for day in (3, 13)]


def test_decimals_of_a_database_keep_the_digits_of_ids():
    from prefect_mlops.core.settings import Columns
    from prefect_mlops.data.tables import plain, with_digits

    table = pa.table({"id": [Decimal(LARGE), None]})
    columns = Columns(target="y", id="id")
    assert plain(with_digits(table, columns, "binary"))["id"].to_pylist() == [str(LARGE), None]
