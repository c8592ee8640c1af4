"""Only a row that is at fault is given up, and it holds up nobody."""

import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from uuid import uuid4

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.logger.poison_rows import InsertedRows, PoisonRowFilter
from prefect_mlops.storage.sqlite import SqliteStore
from support.loggers import NOON, forbid, ids, log, row, stored, wait_until


@contextmanager
def locked(uri):
    """Let nobody write to a SQLite log, until what this yields is called."""
    path = uri.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield lambda: connection.execute("COMMIT")


class Unclear(SqliteStore):
    """A database that does not say what is wrong with a row, as one does that breaks the connection."""

    bad = frozenset({"bad"})

    def _insert(self, documents):
        if self.bad & {document.id for document in documents}:
            raise LogUnavailable("the connection broke")
        return super()._insert(documents)


@pytest.fixture
def unclear(tmp_path):
    with Unclear(tmp_path / "p.db") as store:
        yield store


@pytest.fixture
def sift():
    row_filter = PoisonRowFilter(InsertedRows())

    def make(store, *names, time_left=lambda: True):
        found = row_filter.isolate(
            store, [row(name) for name in names], LogUnavailable("no"), time_left
        )
        return [document.id for document, _ in found]

    return make


def test_a_row_is_blamed_without_a_reason_once_others_came_three_times(unclear, sift):
    for name in "ab":
        with pytest.raises(LogUnavailable):
            sift(unclear, "bad", name)
    assert sift(unclear, "bad", "c") == ["bad"]
    assert unclear.coverage("calls", Window(last=9)).rows == 3


def test_a_row_is_not_blamed_while_the_database_takes_nothing_new(unclear, sift):
    for _ in range(10):
        with pytest.raises(LogUnavailable):
            sift(unclear, "bad", "a")


def test_sifting_ends_when_there_is_no_more_time(unclear, sift):
    with pytest.raises(LogUnavailable):
        sift(unclear, "a", "b", time_left=lambda: False)
    assert unclear.coverage("calls", Window(last=9)).rows == 0


def test_any_number_of_refused_rows_in_a_row_holds_up_nobody(uri, open_logger):
    forbid(uri, "bad%")
    with open_logger(batch_rows=50) as logger:
        names = [*(f"a{i}" for i in range(10)), *(f"bad{i}" for i in range(30)), "z"]
        log(logger, *names)
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 30
    assert ids(uri) == {name for name in names if "bad" not in name}


@pytest.mark.parametrize("batch_rows", [1, 5])
def test_more_refused_rows_than_a_batch_has_hold_up_nobody(uri, open_logger, batch_rows):
    forbid(uri, "bad%")
    with open_logger(batch_rows=batch_rows) as logger:
        names = [*(f"bad{i}" for i in range(40)), *(f"a{i}" for i in range(10))]
        logger.log_batch([{}] * len(names), [1] * len(names), ids=names, at=NOON)
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 40
    assert ids(uri) == {f"a{i}" for i in range(10)}


def test_a_refused_row_of_an_idle_logger_does_not_hold_up_what_others_left(uri, away, open_logger):
    first = open_logger()
    log(first, *"abc")
    first.close()
    away()
    forbid(uri, "bad%")
    with locked(uri) as release, open_logger() as logger:
        log(logger, "bad")
        # Tried once before anything is taken: what comes later shows that the row is at fault.
        wait_until(lambda: logger._pipeline._writer._own_filter.passes)
        release()
        wait_until(lambda: logger.counters().replayed == 3)
        wait_until(lambda: logger.pending == 0)
    assert ids(uri) == {"a", "b", "c"}


def test_a_database_that_was_locked_is_no_rows_fault(uri, open_logger):
    with open_logger(flush_seconds=0.05) as logger:
        log(logger, "warm")
        logger.flush()
        with locked(uri) as release:
            log(logger, *"abcd")
            # Into the pass that looks for a row to blame, whose first writes fail.
            wait_until(lambda: logger._pipeline._writer._failures >= 2)
            time.sleep(1)
            release()
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 0
    assert ids(uri) == {"warm", *"abcd"}


@pytest.mark.mongodb
def test_a_connection_that_breaks_again_and_again_is_no_rows_fault(cable, cable_uri, mongodb_uri):
    collection = f"often{uuid4().hex[:8]}"
    with PredictionLogger(
        cable_uri,
        "calls",
        "1",
        collection=collection,
        flush_seconds=0.05,
        timeout_seconds=2,
        directConnection=True,
    ) as logger:
        log(logger, "warm")
        logger.flush()
        done = threading.Event()

        def cut():
            while cable.breaks < 4 and not done.wait(0.001):
                cable.break_at = cable.break_at or b"row-one"

        cutting = threading.Thread(target=cut)
        cutting.start()
        logger.log_batch([{"x": 1}, {"x": 2}], [1, 1], ids=["row-one", "row-two"])
        wait_until(lambda: cable.breaks >= 4)
        done.set()
        cutting.join()
        wait_until(lambda: logger.pending == 0)
        assert logger.counters().dropped == 0
    assert sorted(stored(mongodb_uri, collection)) == ["row-one", "row-two", "warm"]
