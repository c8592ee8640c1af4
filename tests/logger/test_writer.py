"""The background writer: when rows are written, what a failure does, and how it ends."""

import logging
import sqlite3
from datetime import UTC, datetime

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.counters import Counters
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.logger.segment_queue import SegmentQueue
from prefect_mlops.logger.wake_up import WakeUp
from prefect_mlops.logger.writer import Writer
from prefect_mlops.storage.open import open_store
from support.loggers import NOON, forbid, ids, row, wait_until

DAY = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))


def read(uri, window=DAY):
    with open_store(uri) as store:
        return store.read("calls", window)


@pytest.fixture
def queue():
    return SegmentQueue(None, always=False, rows=1_000)


@pytest.fixture
def wake():
    return WakeUp()


@pytest.fixture
def start(uri, queue, wake):
    """Start writers of one database, which end with the test."""
    writers = []

    def make(open_it=lambda: open_store(uri, timeout_seconds=1), **settings):
        defaults = {"batch_rows": 10, "flush_seconds": 0.02}
        writers.append(Writer(open_it, queue, wake, None, **{**defaults, **settings}))
        return writers[-1]

    yield make
    for writer in writers:
        writer.stop(0)
        writer.release()


def test_a_flush_returns_once_the_rows_before_it_are_in_the_database(uri, queue, start):
    writer = start(flush_seconds=60)
    queue.accept([row("a"), row("b")])
    writer.flush()
    assert ids(uri) == {"a", "b"}
    assert (writer.new, writer.last_error) == (2, None)


def test_rows_that_were_there_before_are_written_and_not_new(uri, queue, start):
    with open_store(uri) as store:
        store.append_documents([row("a")])
    writer = start()
    queue.accept([row("a"), row("b")])
    writer.flush()
    assert (queue.counts().written, writer.new) == (2, 1)


def test_a_flush_says_why_the_database_takes_nothing_and_recovers(uri, queue, start):
    broken = [True]

    def open_it():
        if broken:
            raise LogUnavailable("it is away")
        return open_store(uri)

    writer = start(open_it)
    queue.accept([row("a")])
    with pytest.raises(
        LogUnavailable, match="1 predictions are not in the database yet: it is away"
    ):
        writer.flush()
    assert writer.last_error == "it is away"
    broken.clear()
    wait_until(lambda: not queue.pending)
    assert ids(uri) == {"a"}
    wait_until(lambda: writer.last_error is None)


def test_an_error_of_another_library_is_named_and_not_quoted(queue, start):
    def open_it():
        raise ValueError("row of Ana Dias")

    writer = start(open_it)
    queue.accept([row("a")])
    with pytest.raises(LogUnavailable, match=r"ValueError$"):
        writer.flush()


def test_stopping_writes_what_is_left(uri, queue, start):
    writer = start(flush_seconds=60)
    queue.accept([row(str(number)) for number in range(35)])
    writer.stop(None)
    assert len(ids(uri)) == 35


def test_stopping_without_time_writes_no_further_batch(uri, queue, start):
    writer = start(flush_seconds=60, batch_rows=1_000)
    writer.flush()
    writer.stop(0)
    queue.accept([row("late")])
    writer.stop(0)
    assert queue.pending == 1
    open_store(uri).close()
    assert ids(uri) == set()


def test_a_full_batch_is_written_without_waiting(uri):
    with PredictionLogger(uri, "calls", "1", batch_rows=5, flush_seconds=60) as logger:
        logger.log_batch([{"x": i} for i in range(5)], list(range(5)), at=NOON)
        wait_until(lambda: logger.pending == 0)
        assert read(uri).num_rows == 5


def test_a_single_row_is_written_after_the_flush_time(uri):
    with PredictionLogger(uri, "calls", "1", flush_seconds=0.05) as logger:
        logger.log({"x": 1}, 1, at=NOON)
        wait_until(lambda: logger.pending == 0)
        assert read(uri).num_rows == 1


def test_flushing_writes_at_once(uri):
    with PredictionLogger(uri, "calls", "1", flush_seconds=60, batch_rows=4) as logger:
        logger.log_batch([{"x": i} for i in range(11)], [0] * 11, at=NOON)
        logger.flush()
        assert logger.pending == 0
        assert read(uri).num_rows == 11


def test_rows_wait_while_the_database_is_away(uri, away, caplog):
    logger = PredictionLogger(uri, "calls", "1", flush_seconds=0.02)
    with caplog.at_level(logging.WARNING):
        logger.log({"x": 1}, 1, id="a", at=NOON)
        for _ in range(2):
            with pytest.raises(LogUnavailable):
                logger.flush()
        wait_until(lambda: caplog.records)
    assert logger.pending == 1
    assert "predictions wait to be logged: prediction log" in caplog.text
    away()
    wait_until(lambda: logger.pending == 0)
    logger.log({"x": 1}, 1, id="b", at=NOON)
    logger.close()
    assert read(uri).column("id").to_pylist() == ["a", "b"]


def test_rows_that_the_database_refuses_for_good_do_not_hold_up_the_others(uri, caplog):
    forbid(uri, "r7", "r8", "r40")
    logger = PredictionLogger(uri, "calls", "1", flush_seconds=0.01)
    logger.log_batch([{"x": i} for i in range(60)], [0] * 60, ids=[f"r{i}" for i in range(60)])
    wait_until(lambda: logger.pending == 0)
    assert logger.counters() == Counters(
        60, 57, 0, 0, dropped=3, pending=0, last_error=None, new=57
    )
    assert set(read(uri, Window(last=99)).column("id").to_pylist()) == {
        f"r{i}" for i in range(60)
    } - {"r7", "r8", "r40"}
    assert "refuses prediction 'r40' of calls, it was given up" in caplog.text
    logger.close()


def test_no_row_is_blamed_when_the_database_takes_none(uri):
    forbid(uri, *(f"r{i}" for i in range(30)))
    logger = PredictionLogger(uri, "calls", "1", flush_seconds=0.01, timeout_seconds=1)
    logger.log_batch([{"x": i} for i in range(30)], [0] * 30, ids=[f"r{i}" for i in range(30)])
    for _ in range(6):
        with pytest.raises(LogUnavailable, match="never this one"):
            logger.flush()
    assert logger.counters().pending == 30
    with sqlite3.connect(uri.removeprefix("sqlite:///")) as connection:
        for i in range(30):
            connection.execute(f"DROP TRIGGER refuse_r{i}")
    connection.close()
    logger.close()
    assert logger.counters() == Counters(30, 30, 0, 0, 0, 0, None, new=30)
