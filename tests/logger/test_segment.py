"""Rows that only a file has: read back in order, counted when they are gone, never lost for a neighbour."""

import sqlite3
from contextlib import closing

import bson
import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.logger.segment import Segment
from prefect_mlops.logger.spool_file import SpoolFile
from prefect_mlops.storage.base import BaseStore
from support.loggers import files, ids, log, wait_until


class Unwilling:
    """Databases that answer and take nothing, until it is over."""

    def __init__(self, monkeypatch):
        self.tries = 0
        append = BaseStore.append_documents
        self.over = lambda: monkeypatch.setattr(BaseStore, "append_documents", append)
        monkeypatch.setattr(BaseStore, "append_documents", self._refuse)
        monkeypatch.setattr("prefect_mlops.logger.replay._PAUSE_SECONDS", 0.01)

    def _refuse(self, _documents):
        self.tries += 1
        raise LogUnavailable("not now")


@pytest.fixture
def unwilling(monkeypatch):
    return Unwilling(monkeypatch)


def test_a_row_of_this_process_that_is_damaged_on_disk_is_put_aside(
    uri, away, folder, open_logger, caplog
):
    with open_logger(buffer_rows=2, batch_rows=2) as logger:
        log(logger, "in memory", "too", "a", "b", "c")
        [path] = folder.rglob("*.bson")
        body = path.read_bytes()
        place = body.rindex(b"id\0", 0, body.rindex(b"b\0"))
        path.write_bytes(body[: place - 1] + b"\xee" + body[place:])
        away()
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 1
    assert ids(uri) == {"in memory", "too", "a", "c"}
    assert "refuses prediction that cannot be decoded of calls" in caplog.text


def test_a_damaged_file_is_set_aside_and_holds_up_nobody(uri, away, folder, open_logger, caplog):
    for name in ("a", "b"):
        logger = open_logger()
        log(logger, name)
        logger.close()
    damaged, _ = sorted(folder.rglob("*.bson"))
    damaged.write_bytes(b"not a database" * 500)
    away()
    with open_logger() as logger:
        wait_until(lambda: logger.counters().replayed == 1)
        wait_until(lambda: "a file of the spool is damaged" in caplog.text)
    assert len(ids(uri)) == 1
    assert [name for name in files(folder) if name.endswith(".unreadable")] == [
        f"{damaged.name}.unreadable"
    ]


def test_a_row_that_is_damaged_is_put_aside(uri, away, folder, open_logger):
    logger = open_logger()
    log(logger, "a", "b")
    logger.close()
    [path] = folder.rglob("*.bson")
    path.write_bytes(b"\x05\0\0\0\0" + path.read_bytes())
    away()
    with open_logger() as again:
        wait_until(lambda: again.counters().replayed == 2)
        assert again.counters().dropped == 1
    assert ids(uri) == {"a", "b"}
    assert files(folder) == ["refused.sqlite"]


def test_half_a_row_at_the_end_is_kept_and_the_others_are_written(
    uri, away, folder, open_logger, caplog
):
    logger = open_logger()
    log(logger, "a", "b")
    logger.close()
    [path] = folder.rglob("*.bson")
    path.write_bytes(path.read_bytes() + b"\x40\0\0\0half")
    away()
    with open_logger() as again:
        wait_until(lambda: "it ends in the middle of a row" in caplog.text)
        wait_until(lambda: again.counters().replayed == 2)
    assert ids(uri) == {"a", "b"}
    assert files(folder) == [f"{path.name}.unreadable"]


def test_a_damaged_file_stays_until_the_rows_before_are_written(
    uri, away, folder, open_logger, unwilling
):
    logger = open_logger()
    log(logger, "a", "b")
    logger.close()
    [path] = folder.rglob("*.bson")
    path.write_bytes(path.read_bytes() + bytes(4096))
    away()
    again = open_logger()
    wait_until(lambda: unwilling.tries)
    again.close()
    assert path.exists()
    unwilling.over()
    with open_logger() as last:
        wait_until(lambda: last.counters().replayed == 2)
        wait_until(lambda: not path.exists())
    assert files(folder) == [f"{path.name}.unreadable"]
    assert ids(uri) == {"a", "b"}


def test_rows_of_a_file_that_somebody_removed_are_counted_and_hold_up_nobody(
    uri, away, folder, open_logger, caplog
):
    with open_logger(buffer_rows=5, batch_rows=10, spool_bytes=2**20) as logger:
        log(logger, *map(str, range(5)))
        logger.log_batch([{"x": "y" * 500}] * 795, [1] * 795)
        # Closed, and so opened again by name, once the database was found to be away.
        wait_until(lambda: logger.counters().last_error is not None)
        wait_until(lambda: len(list(folder.rglob("*.bson"))) > 1)
        for path in folder.rglob("*.bson"):
            path.unlink()
        away()
        logger.flush()
        assert logger.counters().dropped == 795
        assert logger.pending == 0
    assert ids(uri) == {"0", "1", "2", "3", "4"}
    assert "has lost 795 predictions" in caplog.text


def test_a_damaged_row_is_refused_once_however_often_the_database_goes_away(
    uri, away, folder, open_logger, unwilling
):
    logger = open_logger()
    log(logger, "a", "b")
    logger.close()
    [path] = folder.rglob("*.bson")
    path.write_bytes(b"\x05\0\0\0\0" + path.read_bytes())
    away()
    with open_logger() as again:
        wait_until(lambda: unwilling.tries > 3)
        unwilling.over()
        wait_until(lambda: again.counters().replayed == 2)
        assert again.counters().dropped == 1
    [refused] = folder.rglob("refused.sqlite")
    with closing(sqlite3.connect(refused)) as connection:
        assert len(connection.execute("SELECT * FROM refused").fetchall()) == 1


def test_large_rows_are_read_a_few_at_a_time(tmp_path):
    file = SpoolFile(tmp_path / "a.bson")
    row = bson.encode({"_id": "a", "model": "calls", "id": "a", "x": "y" * 2**20})
    for _ in range(30):
        file.append(row)
    segment = Segment(file, unread=None)
    segment._model, segment._columns = "calls", {("f_x", "text")}
    segment.load(500, pytest.fail, limit_bytes=4 * 2**20)
    assert len(segment.memory) == 4
    assert segment.has_unread
