import sqlite3
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect_mlops.blocks.dataset import Dataset
from prefect_mlops.core.errors import ConfigurationError, DataRejected, SourceUnavailable
from prefect_mlops.core.settings import Columns, MongoSource, SqlSource
from prefect_mlops.sources.databases import read_mongo, read_sql

COLUMNS = Columns(target="y", timestamp="at")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table calls (at text, n real, note blob, y text)")
        rows = [
            ((NOON + timedelta(hours=h)).isoformat(sep=" T"[h % 2]), h, b"x", "no")
            for h in range(6)
        ]
        connection.executemany("insert into calls values (?, ?, ?, ?)", rows)
    return f"sqlite:///{path}"


def read(url, query, columns=COLUMNS, **window):
    source = SqlSource(url=url, query=query)
    return read_sql(source, Dataset(source=source, columns=columns, **window))


def test_the_rows_of_a_query_are_read(database):
    table = read(database, "select n, y from calls order by n")
    assert table.to_pylist()[:2] == [{"n": 0.0, "y": "no"}, {"n": 1.0, "y": "no"}]


def test_the_window_is_bound_and_never_cuts_more_than_asked(database):
    query = "select at, n, y from calls where at >= :start and at < :end"
    window = {"start": NOON + timedelta(hours=1), "end": NOON + timedelta(hours=3)}
    found = read(database, query, **window)["n"].to_pylist()
    assert {1.0, 2.0} <= set(found)
    assert read(database, query).num_rows == 6
    day = {"start": NOON + timedelta(days=1), "end": NOON + timedelta(days=2)}
    assert read(database, query, **day).num_rows == 0


def test_columns_without_a_role_may_hold_anything(database):
    query = "select * from calls"
    assert "note" in read(database, query).column_names
    assert "note" not in read(database, query, Columns(target="y", ignored=["note"])).column_names


def test_a_query_that_gives_a_column_twice_is_refused(database):
    with pytest.raises(DataRejected, match=r"\['y'\] appear more than once"):
        read(database, "select y, n, y from calls")


def test_a_query_the_database_refuses_is_reported_in_its_words(database):
    with pytest.raises(SourceUnavailable, match="no such table: nowhere"):
        read(database, "select * from nowhere")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hunter2@127.0.0.1:9/shop?password=hunter2",
        "mysql+nosuchdriver://me:hunter2@127.0.0.1:9/shop",
        "nosuchdialect://me:hunter2@127.0.0.1:9/shop",
    ],
)
def test_an_unreachable_database_is_reported_without_credentials(url):
    with pytest.raises((SourceUnavailable, ConfigurationError)) as caught:
        read(url, "select 1")
    assert "127.0.0.1:9/shop" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unreachable_server_is_reported_without_credentials(monkeypatch):
    monkeypatch.setattr("prefect_mlops.sources.databases._TIMEOUT_MS", 300)
    source = MongoSource(uri="mongodb://me:hunter2@127.0.0.1:9/shop", collection="calls")
    with pytest.raises(SourceUnavailable, match=r"127\.0\.0\.1:9/shop\.calls") as caught:
        read_mongo(source, COLUMNS)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("uri", ["mongodb://me:hunter2@127.0.0.1:9", "mongodb://me:hun:ter@/x"])
def test_a_connection_string_that_cannot_work_is_refused(uri):
    with pytest.raises(ConfigurationError, match="mongodb://host/database") as caught:
        read_mongo(MongoSource(uri=uri, collection="calls"), COLUMNS)
    assert "hunter2" not in str(caught.value)


@pytest.mark.mongodb
class TestOnARealServer:
    @pytest.fixture(scope="class")
    def uri(self):
        from support.mongodb import NoServer, mongodb_uri

        try:
            with mongodb_uri() as uri:
                yield uri
        except NoServer as error:
            pytest.skip(str(error))

    @pytest.fixture
    def collection(self, uri):
        from pymongo import MongoClient

        with MongoClient(uri) as client:
            made = client.get_default_database()[f"calls_{uuid.uuid4().hex[:12]}"]
            yield made
            made.drop()

    @pytest.fixture
    def read(self, uri, collection):
        def read(columns=COLUMNS, **settings):
            return read_mongo(MongoSource(uri=uri, collection=collection.name, **settings), columns)

        return read

    def test_documents_become_rows(self, collection, read):
        collection.insert_many(
            [{"at": NOON, "n": 2, "y": "no"}, {"at": NOON, "n": 1.5, "y": "yes", "job": "chef"}]
        )
        table = read()
        assert table.to_pylist() == [
            {"at": NOON, "n": 2.0, "y": "no", "job": None},
            {"at": NOON, "n": 1.5, "y": "yes", "job": "chef"},
        ]

    def test_the_filter_and_the_sort_are_the_servers(self, collection, read):
        collection.insert_many([{"n": n, "y": "no"} for n in (3, 1, 2)])
        table = read(sort="n", filter={"n": {"$lt": 3}})
        assert table["n"].to_pylist() == [1, 2]

    def test_the_servers_key_is_data_only_where_it_has_a_role(self, collection, read):
        collection.insert_one({"n": 1, "y": "no"})
        assert read().column_names == ["n", "y"]
        with_id = read(Columns(target="y", id="_id"))
        assert len(with_id["_id"][0].as_py()) == 24

    def test_documents_in_documents_are_refused_unless_ignored(self, collection, read):
        collection.insert_one({"n": {"deep": 1}, "m": 1, "y": "no"})
        with pytest.raises(DataRejected, match="'n' holds a dict"):
            read()
        ignoring = read(Columns(target="y", ignored=["n"]))
        assert ignoring.column_names == ["m", "y"]
