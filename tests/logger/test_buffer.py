"""Putting rows into the queue: order, back-pressure, wake-ups, and an account of every row."""

import threading
import time
from datetime import UTC, datetime

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.buffer import Buffer
from prefect_mlops.logger.counters import Counters
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.logger.segment_queue import SegmentQueue
from prefect_mlops.logger.spool import Spool
from prefect_mlops.logger.wake_up import WakeUp
from prefect_mlops.storage.open import open_store
from support.loggers import NOON, files, ids, log, row

DAY = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))


def read(uri, window=DAY):
    with open_store(uri) as store:
        return store.read("calls", window)


def make_buffer(*, rows=3, timeout_seconds=0.05, batch_rows=2, spool=None, always=False):
    queue, wake = SegmentQueue(spool, always=always, rows=rows), WakeUp()
    return queue, wake, Buffer(queue, wake, timeout_seconds, batch_rows)


def names_of(documents):
    return [document.id for document in documents]


def waited(wake, seconds):
    begun = time.monotonic()
    wake.wait(seconds)
    return time.monotonic() - begun


def test_rows_come_out_in_the_order_they_were_put_in_and_stay_until_settled():
    queue, _, buffer = make_buffer(rows=10)
    for name in "abc":
        buffer.put([row(name)])
    assert names_of(queue.peek(2, 2**20)) == ["a", "b"]
    assert names_of(queue.peek(9, 2**20)) == ["a", "b", "c"]
    queue.settle(2, 0)
    assert names_of(queue.peek(9, 2**20)) == ["c"]
    assert (queue.logged, queue.settled, queue.pending) == (3, 2, 1)


def test_a_peek_ends_where_the_bytes_do_but_has_one_row():
    queue, _, buffer = make_buffer(rows=10)
    buffer.put([row("a"), row("b"), row("c")])
    size = len(row("a").body)
    assert names_of(queue.peek(9, 2 * size)) == ["a", "b"]
    assert names_of(queue.peek(9, 1)) == ["a"]


def test_a_full_batch_wakes_the_writer_and_fewer_rows_do_not():
    _, wake, buffer = make_buffer(rows=10, batch_rows=2)
    buffer.put([row("a")])
    assert waited(wake, 0.05) >= 0.04
    buffer.put([row("b")])
    assert waited(wake, 5) < 1


def test_a_call_without_room_is_refused_as_a_whole_and_counted_as_dropped():
    queue, _, buffer = make_buffer(rows=3)
    buffer.put([row("a"), row("b")])
    with pytest.raises(LogUnavailable, match="memory has no room, 2 rows waiting; 2 predictions"):
        buffer.put([row("c"), row("d")])
    assert names_of(queue.peek(9, 2**20)) == ["a", "b"]
    found = buffer.counters(replayed=0, new=0, orphans_given_up=0, last_error=None)
    assert found == Counters(2, 0, 0, 0, dropped=2, pending=2, last_error=None)


def test_a_call_larger_than_memory_is_accepted_when_memory_is_empty():
    queue, _, buffer = make_buffer(rows=3)
    buffer.put([row(name) for name in "abcde"])
    assert queue.pending == 5


def test_a_caller_that_waits_goes_on_once_rows_are_settled():
    queue, wake, buffer = make_buffer(rows=1, timeout_seconds=20)
    buffer.put([row("a")])
    caller = threading.Thread(target=buffer.put, args=([row("b")],))
    caller.start()
    assert waited(wake, 5) < 1
    queue.settle(1, 0)
    caller.join(10)
    assert not caller.is_alive()
    assert names_of(queue.peek(9, 2**20)) == ["b"]


def test_a_caller_that_waits_is_refused_at_once_when_the_queue_closes():
    queue, _, buffer = make_buffer(rows=1, timeout_seconds=60)
    buffer.put([row("a")])
    threading.Timer(0.1, queue.stop_accepting).start()
    begun = time.monotonic()
    with pytest.raises(LogUnavailable):
        buffer.put([row("b")])
    assert time.monotonic() - begun < 20
    with pytest.raises(LogUnavailable, match="the logger is closed"):
        buffer.put([row("c")])


def test_every_row_is_logged_written_given_up_or_pending():
    queue, _, buffer = make_buffer(rows=10)
    buffer.put([row(name) for name in "abcdef"])
    queue.settle(4, 1)
    buffer.count_dropped(2)
    found = buffer.counters(replayed=5, new=3, orphans_given_up=7, last_error="away")
    assert found == Counters(6, 3, 0, 5, dropped=2 + 1 + 7, pending=2, last_error="away", new=3)
    assert found.logged == found.written + found.pending + 1


@pytest.mark.parametrize("always", [True, False])
def test_rows_without_room_in_memory_wait_on_disk_in_order(folder, always):
    spool = Spool(folder, "somewhere mlops", 2**20)
    queue, _, buffer = make_buffer(rows=2, spool=spool, always=always)
    for name in "abcde":
        buffer.put([row(name)])
    assert queue.counts().spooled == (5 if always else 3)
    found = []
    while batch := queue.peek(2, 2**20):
        found += names_of(batch)
        queue.settle(len(batch), 0)
    assert found == list("abcde")
    queue.tidy(failing=False)
    queue.save_to_spool(None)
    spool.release()
    assert files(folder) == []


def test_a_full_buffer_makes_logging_wait_and_then_raise(uri, away):
    logger = PredictionLogger(
        uri, "calls", "1", buffer_rows=3, flush_seconds=0.05, timeout_seconds=0.3
    )
    logger.log_batch([{"x": i} for i in range(3)], [0, 1, 2], at=NOON)
    begun = time.monotonic()
    with pytest.raises(
        LogUnavailable, match="3 rows waiting; 1 predictions of calls were not logged"
    ):
        logger.log({"x": 9}, 9, at=NOON)
    assert time.monotonic() - begun >= 0.3
    away()
    logger.log({"x": 3}, 3, at=NOON)
    logger.close()
    assert sorted(read(uri).column("prediction").to_pylist()) == [0, 1, 2, 3]


def test_the_wait_for_room_may_be_shorter_than_that_for_the_database(uri, away):
    logger = PredictionLogger(
        uri, "calls", "1", buffer_rows=1, timeout_seconds=30.0, room_seconds=0.2
    )
    logger.log({"x": 1}, 1)
    begun = time.monotonic()
    with pytest.raises(LogUnavailable, match="memory has no room"):
        logger.log({"x": 2}, 1)
    assert 0.2 <= time.monotonic() - begun < 10
    away()
    logger.close()


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
