"""Rows on disk: they outlive the process, reach the right database, and go when they are written."""

import resource
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import bson
import pytest
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.serving.logger import PredictionLogger
from prefect_mlops.serving.spool import Spool
from prefect_mlops.serving.spool_file import SpoolFile
from prefect_mlops.storage.base import BaseStore
from prefect_mlops.storage.open import open_store
from support.loggers import accepted, start_logging, wait_until

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALL = Window(last=100_000)


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/predictions/predictions.db"


@pytest.fixture
def away(uri, tmp_path):
    """A function that brings the database back."""
    (tmp_path / "predictions").write_text("in the way")
    return (tmp_path / "predictions").unlink


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def open_logger(uri, folder):
    def make(**settings):
        defaults = {"spool": folder, "flush_seconds": 0.02, "timeout_seconds": 0.3}
        return PredictionLogger(uri, "calls", "1", **{**defaults, **settings})

    return make


def ids(uri):
    with open_store(uri) as store:
        found = store.read("calls", ALL).column("id").to_pylist()
    assert len(found) == len(set(found))
    return set(found)


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def log(logger, *names):
    for name in names:
        logger.log({"x": name}, 1, id=name, at=NOON)


def test_a_file_gives_back_what_was_added_in_its_order(tmp_path):
    file = SpoolFile(tmp_path / "a.bson")
    # Some are larger than what is read at once.
    sizes = [*range(5, 180), 70_000, 65_536, 5, 200_000]
    bodies = [size.to_bytes(4, "little") + bytes(size - 4) for size in sizes]
    file.append(bodies[0])
    file.append(b"".join(bodies[1:150]))
    file.append(b"".join(bodies[150:]))
    file.close()
    found, place = [], 0
    while True:
        place, more = file.read(place)
        if not more:
            break
        found += more
    assert found == bodies
    assert file.bytes == sum(map(len, bodies))
    file.delete()
    assert files(tmp_path) == []


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
    with open_logger(spool_when=when, buffer_rows=20, batch_rows=15, spool_bytes=2**20) as logger:
        for i in range(1_500):
            logger.log({f"x{i % 3}": i, "long": "y" * 400}, 1, id=f"r{i}", at=NOON)
        away()
    assert set(written[:-1]) == {15}
    assert sum(written) == 1_500
    with open_store(uri) as store:
        for i in (0, 700, 1_499):
            assert store.get("calls", f"r{i}").features == {f"x{i % 3}": i, "long": "y" * 400}
        found = store.read("calls", ALL).column("features.x2").to_pylist()
        assert sum(value is not None for value in found) == 500


@pytest.mark.parametrize("when", ["always", "full"])
def test_a_spool_at_its_limit_makes_logging_wait_and_then_raise(uri, away, open_logger, when):
    logger = open_logger(spool_when=when, buffer_rows=5, spool_bytes=2**20)
    kept = []
    begun = 0.0
    with pytest.raises(
        LogUnavailable, match=r"has its 1048576 bytes, .* predictions of calls were not"
    ):
        for i in range(100_000):
            begun = time.monotonic()
            kept.append(logger.log({"x": "y" * 5_000}, 1, id=f"r{i}", at=NOON))
    assert time.monotonic() - begun >= 0.3
    assert logger.counters().dropped == 1
    away()
    logger.flush()
    kept.append(logger.log({"x": 1}, 1, id="later"))
    logger.close()
    assert ids(uri) == set(kept)


def test_a_batch_larger_than_the_limit_is_kept_when_nothing_else_is(uri, open_logger):
    with open_logger(spool_bytes=2**20) as logger:
        log(logger, "a")
        logger.flush()
        logger.log_batch([{"x": "y" * 200_000}] * 10, [1] * 10, timeout := None)
    assert timeout is None
    assert len(ids(uri)) == 11


def test_a_killed_process_is_taken_over_while_others_run(
    uri, away, folder, open_logger, monkeypatch
):
    monkeypatch.setattr("prefect_mlops.serving.replay._LOOK_SECONDS", 0.05)
    settings = {"uri": uri, "spool": str(folder), "flush_seconds": 60}
    with start_logging("loop", logger=settings, prefix="killed") as process:
        first = process.stdout.readline().strip()
        with open_logger() as survivor:
            log(survivor, "mine")
            away()
            survivor.flush()
            assert survivor.counters().replayed == 0
            process.kill()
            names = {first, *accepted(process)}
            wait_until(lambda: survivor.counters().replayed >= len(names))
            assert survivor.counters().written == 1
    found = ids(uri)
    assert names | {"mine"} <= found
    assert len(found) <= len(names) + 2
    assert files(folder) == []


def test_a_killed_parent_is_taken_over_while_its_forked_child_lives(uri, away, folder, open_logger):
    settings = {"uri": uri, "spool": str(folder)}
    with start_logging("fork", logger=settings, prefix="parent", die=True) as process:
        assert process.wait(30) == -signal.SIGKILL
        away()
        with open_logger() as logger:
            wait_until(lambda: logger.counters().replayed == 1)
        process.stdin.close()
    assert ids(uri) == {"parent"}


def test_two_loggers_of_one_process_leave_each_others_files_alone(uri, away, folder, open_logger):
    first, second = open_logger(), open_logger()
    log(first, "a")
    log(second, "b")
    time.sleep(0.1)
    away()
    for logger in (first, second):
        logger.close()
        assert (logger.counters().written, logger.counters().replayed) == (1, 0)
    assert ids(uri) == {"a", "b"}


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
    open_store(uri).close()
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON mlops_predictions WHEN new.id = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'never this one'); END"
        )
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
    open_store(uri).close()
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON mlops_predictions WHEN new.id = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'never this one'); END"
        )
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


def test_a_row_that_does_not_fit_leaves_nothing_behind(tmp_path):
    file = SpoolFile(tmp_path / "a.bson")
    row = bson.encode({"x": "y" * 100})
    file.append(row)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(row) + 50, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            file.append(row + row)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert file.path.read_bytes() == row
    file.append(row)
    assert file.read(0) == (2 * len(row), [row, row])


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
    spool.first.delete()
    spool.release()
    assert files(folder) == []
