"""Rows on disk: they outlive the process, reach the right database, and go when they are written."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import bson
import pytest
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.logger.segment_queue import SegmentQueue
from prefect_mlops.logger.spool import Spool
from prefect_mlops.logger.spool_file import SpoolFile
from prefect_mlops.storage.base import BaseStore
from prefect_mlops.storage.open import open_store
from support.loggers import NOON, files, forbid, ids, log, wait_until


@pytest.mark.parametrize("when", ["always", "full"])
def test_nothing_stays_on_disk_once_the_database_has_it(uri, folder, open_logger, when):
    names = [f"r{i}" for i in range(50)]
    with open_logger(spool_when=when, buffer_rows=10) as logger:
        log(logger, *names)
    assert ids(uri) == set(names)
    assert files(folder) == []


@pytest.mark.parametrize("when", ["always", "full"])
def test_what_is_left_at_closing_is_written_by_the_next_logger(
    uri, away, open_logger, when, caplog
):
    first = open_logger(spool_when=when)
    log(first, "a", "b")
    first.log_batch([{"x": i} for i in range(120)], [0] * 120, ids=[f"c{i}" for i in range(120)])
    first.close()
    assert "122 predictions stay in the spool" in caplog.text
    assert first.counters().spooled == 122
    away()
    with open_logger() as second:
        wait_until(lambda: second.counters().replayed == 122)
        assert second.counters().written == 0
    assert ids(uri) == {"a", "b", *(f"c{i}" for i in range(120))}


def test_a_row_in_memory_is_left_on_disk_together_with_those_that_were_there(
    uri, away, open_logger
):
    first = open_logger(spool_when="full", buffer_rows=1)
    log(first, "memory", "disk", "disk too")
    with pytest.raises(LogUnavailable):
        first.flush()
    first.close()
    away()
    with open_logger() as second:
        wait_until(lambda: second.counters().replayed == 3)
    assert ids(uri) == {"memory", "disk", "disk too"}


def test_values_survive_the_disk_as_they_were(uri, away, open_logger):
    features = {
        "null": None,
        "large": 2**70,
        "nan": float("nan"),
        "infinite": float("-inf"),
        "moment": datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC),
        "price": Decimal("1.20"),
        "raw": b"\x00\xff",
        "nested": {"a": [1, {"b": "c"}]},
        "$where.dots": "text",
        "broken": "half \ud800",
    }
    first = open_logger()
    first.log(
        features, "yes", {"yes": 0.5}, "a", NOON, role="shadow", latency_seconds=0.1, request="r"
    )
    log(first, "b", "c", "d")
    first.close()
    away()
    with open_logger() as second:
        wait_until(lambda: second.counters().replayed == 4)
    with open_store(uri) as store:
        found = store.get("calls", "a", role="shadow")
        assert store.get("calls", "d").features == {"x": "d"}
    # Not equal to itself, a NaN is compared as text.
    assert {name: repr(value) for name, value in found.features.items()} == {
        name: repr(value) for name, value in features.items()
    }
    assert (found.at, found.score, found.prediction) == (NOON, {"yes": 0.5}, "yes")
    assert (found.latency_seconds, found.request, found.version) == (0.1, "r", "1")


@pytest.mark.parametrize("when", ["always", "full"])
def test_an_outage_longer_than_memory_and_files_loses_nothing(uri, away, folder, open_logger, when):
    logger = open_logger(
        spool_when=when, buffer_rows=20, batch_rows=15, spool_bytes=2**20, timeout_seconds=5
    )
    names = [f"r{i}" for i in range(3_000)]
    log(logger, *names[:2_000])
    assert logger.counters().pending == 2_000
    away()
    log(logger, *names[2_000:])
    logger.flush()
    counters = logger.counters()
    assert (counters.logged, counters.written, counters.pending) == (3_000, 3_000, 0)
    assert ids(uri) == set(names)
    logger.close()
    assert files(folder) == []


@pytest.mark.parametrize("when", ["always", "full"])
def test_batches_of_rows_from_disk_are_full(uri, away, open_logger, monkeypatch, when):
    written = []
    append = BaseStore.append_documents

    def count(store, documents):
        written.append(len(documents))
        return append(store, documents)

    monkeypatch.setattr(BaseStore, "append_documents", count)
    # Rows of several columns, in several files.
    # Closing must not run out of time on a busy machine: what is left would be no full batch.
    settings = {"buffer_rows": 20, "batch_rows": 15, "spool_bytes": 2**20, "timeout_seconds": 60}
    with open_logger(spool_when=when, **settings) as logger:
        for i in range(1_500):
            logger.log({f"x{i % 3}": i, "long": "y" * 400}, 1, id=f"r{i}", at=NOON)
        away()
    assert set(written[:-1]) == {15}
    assert sum(written) == 1_500
    with open_store(uri) as store:
        for i in (0, 700, 1_499):
            assert store.get("calls", f"r{i}").features == {f"x{i % 3}": i, "long": "y" * 400}
        found = store.read("calls", Window(last=2_000)).column("features.x2").to_pylist()
        assert sum(value is not None for value in found) == 500


def test_rows_of_another_database_stay_where_they_are_and_are_told(
    uri, away, folder, open_logger, caplog
):
    first = open_logger()
    log(first, "a")
    first.close()
    other = f"sqlite:///{folder}.db"
    with PredictionLogger(other, "calls", "1", spool=folder, flush_seconds=0.02) as logger:
        log(logger, "b")
    assert ids(other) == {"b"}
    assert "for another database, and no logger of it runs here" in caplog.text
    away()
    with open_logger() as again:
        wait_until(lambda: again.counters().replayed == 1)
    assert ids(uri) == {"a"}


def test_a_password_may_change_and_is_nowhere_on_disk(folder):
    names = set()
    for password in ("first-secret", "second-secret"):
        logger = PredictionLogger(
            f"mongodb://user:{password}@127.0.0.1:9/mlops?tls=false",
            "calls",
            "1",
            spool=folder,
            timeout_seconds=0.1,
        )
        log(logger, password[:3])
        logger.close()
        names |= {path.name for path in folder.iterdir()}
    assert len(names) == 1
    assert "secret" not in " ".join(str(path) for path in folder.rglob("*"))
    assert not any(b"-secret" in path.read_bytes() for path in folder.rglob("*.bson"))


def test_rows_that_the_database_refuses_are_put_aside_with_the_reason(
    uri, folder, open_logger, caplog
):
    forbid(uri, "bad")
    with open_logger() as logger:
        log(logger, "a", "bad", "b")
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 1
    assert ids(uri) == {"a", "b"}
    [path] = folder.rglob("refused.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        [(body, reason)] = connection.execute("SELECT body, reason FROM refused")
    assert b"bad" in body
    assert "never this one" in reason
    assert "refuses prediction 'bad' of calls, it was put aside in" in caplog.text


def test_a_row_alone_is_refused_once_the_database_took_others(uri, away, folder, open_logger):
    first = open_logger()
    log(first, "bad")
    first.close()
    away()
    forbid(uri, "bad")
    with open_logger() as second:
        for i in range(10_000):
            log(second, f"r{i}")
            second.flush()
            if second.counters().dropped:
                break
            time.sleep(0.05)
        assert second.counters().dropped == 1
        assert second.counters().last_error is None
    assert files(folder) == ["refused.sqlite"]


def test_a_file_is_what_mongodb_s_own_tools_read(away, folder, open_logger):
    logger = open_logger()
    log(logger, "a", "b")
    logger.close()
    [path] = folder.rglob("*.bson")
    with path.open("rb") as file:
        assert [row["f_x"] for row in bson.decode_file_iter(file)] == ["a", "b"]


def test_a_folder_that_cannot_be_used_is_refused_at_once(uri, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError, match=r"the spool .* cannot be used"):
        PredictionLogger(uri, "calls", "1", spool=tmp_path / "file")


def test_the_rows_are_for_their_owner_alone(open_logger, folder):
    with open_logger():
        [place] = folder.iterdir()
        assert place.stat().st_mode & 0o077 == 0


def test_a_lock_of_a_process_that_left_nothing_is_removed(folder):
    spool = Spool(folder, "somewhere mlops", 2**20)
    leftover = SpoolFile(spool.folder / "ended-000001.bson")
    leftover.open()
    [orphan] = spool.orphans()
    leftover.delete()
    orphan.remove()
    assert list(spool.orphans()) == []
    assert "ended.lock" not in files(folder)
    spool.first_file.delete()
    spool.release()
    assert files(folder) == []


@pytest.mark.parametrize("when", [None, "always", "full"])
def test_rows_after_one_whose_caller_a_signal_interrupted_are_written(
    uri, away, open_logger, monkeypatch, when
):
    settings = {"spool": None} if when is None else {"spool_when": when, "buffer_rows": 1}
    logger = open_logger(flush_seconds=60, **settings)
    wait_until(lambda: logger.counters().last_error is not None)
    log(logger, "a")
    keep = SegmentQueue._keep

    def interrupted(buffer, documents):
        keep(buffer, documents)
        raise KeyboardInterrupt

    monkeypatch.setattr(SegmentQueue, "_keep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        logger.log({"x": "y" * 70_000}, 1, id="interrupted", at=NOON)
    monkeypatch.setattr(SegmentQueue, "_keep", keep)
    for name in "bcd":
        logger.log({"x": "y" * 70_000}, 1, id=name, at=NOON)
    away()
    logger.close()
    assert ids(uri) >= set("abcd")
    assert logger.pending == 0


def test_refused_rows_wait_for_room_on_the_disk_and_hold_up_nobody(folder):
    spool = Spool(folder, "somewhere mlops", 2**20)
    refused = spool.folder / "refused.sqlite"
    refused.mkdir()
    spool.keep_refused([(b"row", "never")])
    refused.rmdir()
    spool.flush_refused()
    with closing(sqlite3.connect(refused)) as connection:
        assert connection.execute("SELECT * FROM refused").fetchall() == [(b"row", "never")]
    spool.first_file.delete()
    spool.release()


@pytest.mark.parametrize("options", ["?appName=svc@team", "?appName=a@b&tls=false", ""])
def test_rows_of_one_database_never_reach_another_whatever_the_options(folder, options):
    for place in ("a:9/one", "b:9/one", "a:9/two", "me:pw@a:9/one"):
        PredictionLogger(
            f"mongodb://{place}{options}", "calls", "1", spool=folder, timeout_seconds=0.1
        ).close()
    assert len(list(folder.iterdir())) == 3


def test_a_folder_beside_the_own_that_cannot_be_looked_into_is_no_reason_to_log_nothing(folder):
    lock = folder / "theirs" / "ended.lock"
    lock.mkdir(parents=True)
    (folder / "theirs" / "ended-000001.bson").write_bytes(b"")
    spool = Spool(folder, "somewhere mlops", 2**20)
    row = bson.encode({"id": "a"})
    spool.first_file.append(row)
    assert spool.first_file.read(0) == (len(row), [row])
    spool.first_file.delete()
    spool.release()
    assert (folder / "theirs" / "ended-000001.bson").exists()
