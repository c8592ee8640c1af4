"""Rows of ended processes: found, written once, and left to others when that fails."""

import signal
import time

import bson
import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.logger.replay import Replay
from prefect_mlops.logger.spool import Spool
from support.loggers import accepted, files, ids, log, row, start_logging, wait_until


@pytest.fixture
def leave(folder):
    """Leave rows in the spool as an ended process would."""

    def make(*names):
        spool = Spool(folder, "somewhere mlops", 2**20)
        spool.first_file.append(b"".join(row(name).body for name in names))
        spool.first_file.close()
        spool.release()

    return make


@pytest.fixture
def spool(folder):
    spool = Spool(folder, "somewhere mlops", 2**20)
    yield spool
    spool.first_file.delete()
    spool.release()


def names_of(documents):
    return [document.id for document in documents]


def test_rows_are_replayed_a_batch_at_a_time_and_their_files_removed(leave, spool, folder):
    leave("a", "b", "c")
    replay, written = Replay(spool, batch_rows=2), []

    def write(batch):
        written.append(names_of(batch))
        return len(batch), 0

    while replay.step(write):
        pass
    assert written == [["a", "b"], ["c"]]
    assert (replay.replayed, replay.given_up) == (3, 0)
    assert len([name for name in files(folder) if name.endswith(".bson")]) == 1


def test_what_was_there_or_is_refused_is_not_counted_as_replayed(leave, spool):
    leave("a", "b", "c")
    replay = Replay(spool, batch_rows=10)
    while replay.step(lambda _batch: (1, 2)):
        pass
    assert (replay.replayed, replay.given_up) == (1, 2)


def test_a_batch_that_failed_is_written_again_after_a_pause(leave, spool, monkeypatch):
    monkeypatch.setattr("prefect_mlops.logger.replay._PAUSE_SECONDS", 0.05)
    leave("a", "b")
    replay, written = Replay(spool, batch_rows=10), []

    def fail(_batch):
        raise LogUnavailable("away")

    with pytest.raises(LogUnavailable):
        replay.step(fail)
    replay.postpone()
    assert replay.failures == 1
    assert not replay.step(written.append)
    time.sleep(0.06)
    assert replay.step(lambda batch: written.extend(names_of(batch)) or (2, 0))
    assert written == ["a", "b"]
    assert (replay.replayed, replay.failures) == (2, 0)


def test_released_rows_are_for_another_process(leave, spool, folder):
    leave("a")
    replay = Replay(spool, batch_rows=10)
    with pytest.raises(LogUnavailable):
        replay.step(lambda _batch: (_ for _ in ()).throw(LogUnavailable("away")))
    assert list(spool.orphans()) == []
    replay.release()
    other, written = Replay(spool, batch_rows=10), []
    other.step(lambda batch: written.extend(names_of(batch)) or (1, 0))
    assert written == ["a"]


def test_a_row_that_is_no_prediction_is_given_up_and_put_aside(leave, spool, folder):
    leave("a")
    [path] = [path for path in folder.rglob("*.bson") if path.stat().st_size]
    path.write_bytes(path.read_bytes() + bson.encode({"no": "prediction"}))
    replay = Replay(spool, batch_rows=10)
    while replay.step(lambda batch: (len(batch), 0)):
        pass
    assert (replay.replayed, replay.given_up) == (1, 1)
    assert "refused.sqlite" in files(folder)


def test_a_killed_process_is_taken_over_while_others_run(
    uri, away, folder, open_logger, monkeypatch
):
    monkeypatch.setattr("prefect_mlops.logger.replay._SCAN_SECONDS", 0.05)
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


def test_a_file_of_another_process_that_cannot_be_read_holds_up_nobody(
    uri, away, folder, open_logger
):
    for name in "abc":
        logger = open_logger()
        log(logger, name)
        logger.close()
    broken = min(folder.rglob("*.bson"))
    broken.unlink()
    broken.mkdir()
    away()
    with open_logger() as logger:
        wait_until(lambda: logger.counters().replayed == 2)
    assert len(ids(uri)) == 2


def test_what_ends_later_is_found_although_a_file_cannot_be_read(
    uri, away, folder, open_logger, monkeypatch
):
    monkeypatch.setattr("prefect_mlops.logger.replay._SCAN_SECONDS", 0.05)
    monkeypatch.setattr("prefect_mlops.logger.replay._PAUSE_SECONDS", 0.05)
    logger = open_logger()
    log(logger, "a")
    logger.close()
    [path] = folder.rglob("*.bson")
    later = path.read_bytes()
    path.unlink()
    path.mkdir()
    away()
    with open_logger() as logger:
        wait_until(lambda: logger.counters().last_error is not None)
        path.with_name("later-000001.bson").write_bytes(later)
        wait_until(lambda: logger.counters().replayed == 1)
    assert ids(uri) == {"a"}
