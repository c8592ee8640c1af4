"""A service's logger: returns at once, writes in the background, and drops nothing in silence."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import prefect_mlops.logger
import pytest
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.counters import Counters
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.storage.open import open_store
from prefect_mlops.storage.redaction import Redaction
from support.loggers import start_logging, wait_until

DAY = Window(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 1, 2, tzinfo=UTC))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def uri(tmp_path):
    return f"sqlite:///{tmp_path}/predictions.db"


@pytest.fixture
def away(tmp_path):
    """A database that is away, and a function that brings it back."""
    blocker = tmp_path / "folder"
    blocker.write_text("in the way")
    return f"sqlite:///{blocker}/predictions.db", blocker.unlink


def read(uri, window=DAY, **options):
    with open_store(uri, **options) as store:
        return store.read("calls", window)


def test_importing_it_costs_neither_prefect_nor_a_heavy_library_but_bson():
    code = (
        "import sys\nfrom prefect_mlops.logger import PredictionLogger\n"
        "print([n for n in ('prefect', 'pandas', 'numpy', 'pyarrow', 'mlflow', 'sklearn', 'prometheus_client')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_offers_the_logger_and_imports_nothing_until_it_is_asked():
    code = (
        "import sys, prefect_mlops.logger\n"
        "print([n for n in ('bson', 'pydantic', 'sqlite3') if n in sys.modules])\n"
        "from prefect_mlops.logger import PredictionLogger\n"
        "from prefect_mlops.logger.logger import PredictionLogger as same\n"
        "print(PredictionLogger is same)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n") == ["[]", "True", ""]
    with pytest.raises(AttributeError, match="no attribute 'Logger'"):
        prefect_mlops.logger.Logger  # noqa: B018


def test_what_was_logged_is_in_the_database_after_closing(uri):
    with PredictionLogger(uri, "calls", "3", role="challenger", collection="shadow") as logger:
        assert logger.log({"age": np.int64(41)}, "yes", {"yes": 0.7, "no": 0.3}, "a", NOON) == "a"
    with open_store(uri, collection="shadow") as store:
        assert store.coverage("calls", DAY).rows == 0
        [row] = store.read("calls", DAY, role="challenger").to_pylist()
    assert row == {
        "id": "a",
        "version": "3",
        "at": NOON,
        "latency_seconds": None,
        "request": None,
        "prediction": "yes",
        "label": None,
        "score.yes": 0.7,
        "score.no": 0.3,
        "features.age": 41,
    }


def test_a_call_may_name_version_role_latency_and_request(uri):
    with PredictionLogger(uri, "calls", "3") as logger:
        logger.log({"x": 1}, 1, id="a", at=NOON)
        logger.log({"x": 1}, 0, id="a", at=NOON, version="4", role="shadow")
        logger.log_batch([{"x": 2}], [2], ids=["b"], latency_seconds=0.25, request="r-1")
    with open_store(uri) as store:
        shadow = store.get("calls", "a", role="shadow")
        assert (shadow.version, shadow.prediction) == ("4", 0)
        assert store.get("calls", "a").version == "3"
        answered = store.get("calls", "b")
        assert (answered.latency_seconds, answered.request) == (0.25, "r-1")


def test_an_id_is_logged_as_one_text_however_it_was_written(uri):
    with PredictionLogger(uri, "calls", "3") as logger:
        assert logger.log({"x": 1}, 1, id="1000.0", at=NOON) == "1000"
        assert logger.log_batch([{"x": 2}] * 2, [2, 2], ids=[" 1000", "007"]) == ["1000", "007"]
        logger.log_failures(["1000.0"], role="shadow")
        with pytest.raises(ValueError, match="must be text that is not empty"):
            logger.log({"x": 1}, 1, id=" ")
    with open_store(uri) as store:
        assert store.get("calls", "1000").features == {"x": 1}
        assert store.get("calls", "1000", role="shadow").prediction is None
        assert set(read(uri, Window(last=9)).column("id").to_pylist()) == {"1000", "007"}


def test_numbers_of_any_size_leave_every_window_readable(away, tmp_path):
    uri, bring_back = away
    numbers = [2**40, 2**62 + 1, 2**63 + 1, 0.5]
    with PredictionLogger(uri, "calls", "1", spool=tmp_path / "spool") as logger:
        for count, number in enumerate(numbers):
            logger.log({"x": number}, 1, id=str(count), at=NOON + timedelta(seconds=count))
    bring_back()
    with PredictionLogger(uri, "calls", "1", spool=tmp_path / "spool") as logger:
        wait_until(lambda: logger.counters().replayed == len(numbers))
    found = read(uri, Window(last=9)).column("features.x").to_pylist()
    assert found == [str(number) for number in numbers]


def test_failures_are_logged_without_an_answer(uri):
    with PredictionLogger(uri, "calls", "1") as logger:
        logger.log_failures(["a", "b"], version="2", role="challenger", request="r")
        logger.log_failures([])
        with pytest.raises(ValueError, match="must be text that is not empty"):
            logger.log_failures(["c", ""])
        assert (logger.counters().logged, logger.counters().dropped) == (2, 2)
    with open_store(uri) as store:
        for name in "ab":
            found = store.get("calls", name, role="challenger")
            assert (found.prediction, found.version, found.request) == (None, "2", "r")


def test_what_is_redacted_reaches_neither_the_database_nor_the_disk(uri, away, tmp_path):
    redaction = Redaction(columns={"name": "drop", "phone": "hash"}, key="a key of 16 characters")
    for place, spool in ((uri, None), (away[0], tmp_path / "spool")):
        logger = PredictionLogger(place, "calls", "1", redaction=redaction, spool=spool)
        logger.log({"name": "Ana Dias", "phone": "555-0199", "age": 41}, 1, id="a", at=NOON)
        logger.close()
    with open_store(uri) as store:
        features = store.get("calls", "a").features
    assert features["age"] == 41
    assert set(features) == {"phone", "age"}
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"age" in kept
    assert b"Ana Dias" not in kept
    assert b"555-0199" not in kept


def test_ids_and_moments_are_made_when_not_given(uri):
    before = datetime.now(UTC)
    with PredictionLogger(uri, "calls", "1") as logger:
        ids = [logger.log({"age": 1}, 0.5) for _ in range(3)]
    assert len(set(ids)) == 3
    rows = read(uri, Window(last=9))
    assert sorted(rows.column("id").to_pylist()) == sorted(ids)
    assert all(before <= at <= datetime.now(UTC) for at in rows.column("at").to_pylist())


def test_threads_lose_nothing(uri):
    logger = PredictionLogger(uri, "calls", "1", batch_rows=20, flush_seconds=0.01)
    with logger, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: logger.log({"x": i}, i, id=str(i), at=NOON), range(400)))
    assert sorted(read(uri).column("prediction").to_pylist()) == list(range(400))


def test_a_caller_may_change_its_row_afterwards(uri):
    features = {"x": 1}
    with PredictionLogger(uri, "calls", "1", flush_seconds=60) as logger:
        logger.log(features, 1, at=NOON)
        features["x"] = 2
    assert read(uri).column("features.x").to_pylist() == [1]


@pytest.mark.parametrize(
    "row",
    [
        {"id": ""},
        {"at": datetime(2026, 1, 1)},
        {"score": {"yes": "much"}},
        {"prediction": None},
        {"features": {"x": object()}},
        {"role": "spectator"},
    ],
)
def test_a_row_that_cannot_be_logged_is_refused_and_not_kept(uri, row):
    with PredictionLogger(uri, "calls", "1") as logger:
        with pytest.raises((ValueError, TypeError)):
            logger.log(**{"features": {"x": 1}, "prediction": 1, **row})
        with pytest.raises(ValueError, match="shorter"):
            logger.log_batch([{"x": 1}, {"x": 2}], [1])
        assert logger.counters() == Counters(0, 0, 0, 0, dropped=3, pending=0, last_error=None)


def test_an_empty_batch_is_nothing(uri):
    with PredictionLogger(uri, "calls", "1") as logger:
        assert logger.log_batch([], []) == []
        logger.flush()
        assert logger.counters().logged == 0


def test_counters_tell_what_became_of_the_rows(away):
    uri, bring_back = away
    logger = PredictionLogger(
        uri, "calls", "1", flush_seconds=0.02, timeout_seconds=0.1, buffer_rows=3
    )
    logger.log_batch([{"x": 1}] * 3, [1] * 3)
    with pytest.raises(LogUnavailable):
        logger.log({"x": 1}, 1)
    with pytest.raises(LogUnavailable):
        logger.flush()
    counters = logger.counters()
    assert "prediction log" in counters.last_error
    assert replace(counters, last_error=None) == Counters(3, 0, 0, 0, 1, 3, None)
    bring_back()
    logger.close()
    assert logger.counters() == Counters(3, 3, 0, 0, 1, 0, None, new=3)


def test_closing_while_the_database_is_away_raises_and_may_be_repeated(away):
    uri, bring_back = away
    logger = PredictionLogger(uri, "calls", "1")
    logger.log({"x": 1}, 1, at=NOON)
    with pytest.raises(LogUnavailable):
        logger.close()
    assert logger.pending == 1
    with pytest.raises(LogUnavailable, match="closed"):
        logger.log({"x": 2}, 2, at=NOON)
    bring_back()
    logger.close()
    logger.close()
    assert read(uri).column("prediction").to_pylist() == [1]


def test_a_program_that_forgets_to_close_still_writes(uri):
    code = (
        "import sys\n"
        "from datetime import UTC, datetime\n"
        "from prefect_mlops.logger.logger import PredictionLogger\n"
        "logger = PredictionLogger(sys.argv[1], 'calls', '1', flush_seconds=60)\n"
        "logger.log({'x': 1}, 1, id='a', at=datetime(2026, 1, 1, 12, tzinfo=UTC))\n"
    )
    subprocess.run([sys.executable, "-c", code, uri], check=True, timeout=60)
    assert read(uri).column("id").to_pylist() == ["a"]


def test_sigterm_becomes_an_exit_that_writes_what_waits(uri):
    settings = {"uri": uri, "flush_seconds": 60}
    with start_logging("wait", logger=settings, prefix="a") as process:
        assert process.stdout.readline() == "a\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert read(uri, Window(last=1)).column("id").to_pylist() == ["a"]


def test_a_second_sigterm_does_not_break_off_the_writing(uri):
    open_store(uri).close()
    with closing(sqlite3.connect(uri.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        settings = {"uri": uri, "flush_seconds": 60}
        with start_logging("wait", logger=settings, prefix="a") as process:
            assert process.stdout.readline() == "a\n"
            for _ in range(2):
                process.send_signal(signal.SIGTERM)
                time.sleep(1)
            other.execute("COMMIT")
            assert process.wait(20) == 128 + signal.SIGTERM
    assert read(uri, Window(last=1)).column("id").to_pylist() == ["a"]


def test_threads_may_close_at_once(uri):
    for _ in range(10):
        logger = PredictionLogger(uri, "calls", "1", batch_rows=20, flush_seconds=60)
        for i in range(200):
            logger.log({"x": i}, 1)
        with ThreadPoolExecutor(3) as threads:
            for done in [threads.submit(logger.close) for _ in range(3)]:
                done.result()
        assert logger.counters() == Counters(200, 200, 0, 0, 0, 0, None, new=200)


def test_sigterm_is_left_alone_when_asked(uri):
    settings = {"uri": uri, "flush_seconds": 60, "handle_sigterm": False}
    with start_logging("wait", logger=settings, prefix="a") as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM


def test_somebody_elses_handler_of_sigterm_stays(uri):
    def theirs(*_):
        pass

    before = signal.signal(signal.SIGTERM, theirs)
    try:
        with PredictionLogger(uri, "calls", "1"):
            assert signal.getsignal(signal.SIGTERM) is theirs
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_forked_process_is_told_to_make_its_own_and_writes_nothing_of_its_parents(uri, tmp_path):
    for spool in (None, str(tmp_path / "spool")):
        prefix = "disk" if spool else "memory"
        with start_logging("fork", logger={"uri": uri, "spool": spool}, prefix=prefix) as process:
            said, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert said.splitlines()[0] == prefix
        assert "make a logger after the fork" in said
        found = read(uri, Window(last=9)).column("id").to_pylist()
        assert {prefix, f"{prefix}-child", f"{prefix}-later"} <= set(found)
    assert len(found) == len(set(found)) == 6
    assert list((tmp_path / "spool").rglob("*.bson")) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"uri": "predictions.db"},
        {"collection": "No Prefix"},
        {"batch_rows": 0},
        {"buffer_rows": -1},
        {"flush_seconds": 0},
        {"timeout_seconds": 0},
        {"room_seconds": 0},
        {"tls": True},
        {"uri": "mongodb://127.0.0.1/mlops", "tlls": True},
        {"uri": "mongodb://127.0.0.1/mlops", "retention": 3},
        {"model": ""},
        {"role": "spectator"},
        {"spool_when": "never"},
        {"spool_bytes": 10},
        {"version": 3},
        {"version": ""},
        {"model": 5},
        {"role": []},
        {"batch_rows": 2.5},
        {"uri": "mongodb://127.0.0.1:99999/mlops"},
        {"uri": "mongodb://127.0.0.1/a/b"},
        {"uri": "mongodb://127.0.0.1/mlops?w=0"},
        {"uri": "mongodb://127.0.0.1/mlops", "w": 0},
        {"uri": "mongodb://127.0.0.1/mlops", "username": "me"},
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(uri, wrong):
    with pytest.raises(ConfigurationError):
        PredictionLogger(**{"uri": uri, "model": "calls", "version": "1", **wrong})


def open_files():
    return [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]


def test_an_abandoned_logger_leaves_no_file_open(away, tmp_path):
    uri, _ = away
    folder = tmp_path / "rows on disk"
    logger = PredictionLogger(uri, "calls", "1", timeout_seconds=0.2, spool=folder)
    logger.log({"x": 1}, 1, at=NOON)
    assert [path for path in open_files() if folder.name in path]
    logger.abandon()
    assert not [path for path in open_files() if folder.name in path]


def test_an_abandoned_logger_writes_nothing_more_and_ends_quietly(away):
    uri, bring_back = away
    logger = PredictionLogger(uri, "calls", "1", timeout_seconds=0.2)
    logger.log({"x": 1}, 1, at=NOON)
    with pytest.raises(LogUnavailable):
        logger.close()
    logger.abandon()
    bring_back()
    logger.close()
    with pytest.raises(LogUnavailable, match="closed"):
        logger.log({"x": 2}, 2, at=NOON)
    assert read(uri).num_rows == 0
