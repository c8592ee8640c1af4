"""A service's logger: returns at once, writes in the background, and drops nothing in silence."""

import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np
import pytest
from prefect_mlops.core.errors import ConfigurationError, LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.serving.logger import PredictionLogger
from prefect_mlops.storage.open import open_store

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


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_importing_it_costs_neither_prefect_nor_a_heavy_library():
    code = (
        "import sys, prefect_mlops.serving.logger\n"
        "print([n for n in ('prefect', 'pandas', 'numpy', 'pyarrow', 'pymongo', 'mlflow', 'sklearn')"
        " if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_was_logged_is_in_the_database_after_closing(uri):
    with PredictionLogger(uri, "calls", "3", role="challenger", collection="shadow") as logger:
        assert logger.log({"age": np.int64(41)}, "yes", {"yes": 0.7, "no": 0.3}, "a", NOON) == "a"
    with open_store(uri, collection="shadow") as store:
        assert store.coverage("calls", DAY).rows == 0
        assert store.read("calls", DAY, role="challenger").to_pylist() == [
            {
                "id": "a",
                "version": "3",
                "at": NOON,
                "prediction": "yes",
                "label": None,
                "score.yes": 0.7,
                "score.no": 0.3,
                "features.age": 41,
            }
        ]


def test_ids_and_moments_are_made_when_not_given(uri):
    before = datetime.now(UTC)
    with PredictionLogger(uri, "calls", "1") as logger:
        ids = [logger.log({"age": 1}, 0.5) for _ in range(3)]
    assert len(set(ids)) == 3
    rows = read(uri, Window(last=9))
    assert sorted(rows.column("id").to_pylist()) == sorted(ids)
    assert all(before <= at <= datetime.now(UTC) for at in rows.column("at").to_pylist())


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
    [{"id": ""}, {"at": datetime(2026, 1, 1)}, {"score": {"yes": "much"}}, {"prediction": None}],
)
def test_a_row_that_cannot_be_logged_is_refused_and_not_kept(uri, row):
    with PredictionLogger(uri, "calls", "1") as logger:
        with pytest.raises(ValueError, match="validation error"):
            logger.log(**{"features": {"x": 1}, "prediction": 1, **row})
        with pytest.raises(ValueError, match="shorter"):
            logger.log_batch([{"x": 1}, {"x": 2}], [1])
        assert logger.pending == 0


def test_rows_wait_while_the_database_is_away(away, caplog):
    uri, bring_back = away
    logger = PredictionLogger(uri, "calls", "1", flush_seconds=0.02)
    with caplog.at_level(logging.WARNING):
        logger.log({"x": 1}, 1, id="a", at=NOON)
        for _ in range(2):
            with pytest.raises(LogUnavailable):
                logger.flush()
        wait_until(lambda: caplog.records)
    assert logger.pending == 1
    assert "predictions wait to be logged: prediction log" in caplog.text
    bring_back()
    wait_until(lambda: logger.pending == 0)
    logger.log({"x": 1}, 1, id="b", at=NOON)
    logger.close()
    assert read(uri).column("id").to_pylist() == ["a", "b"]


def test_a_full_buffer_makes_logging_wait_and_then_raise(away):
    uri, bring_back = away
    logger = PredictionLogger(
        uri, "calls", "1", buffer_rows=3, flush_seconds=0.05, timeout_seconds=0.3
    )
    logger.log_batch([{"x": i} for i in range(3)], [0, 1, 2], at=NOON)
    begun = time.monotonic()
    with pytest.raises(LogUnavailable, match="3 rows waiting; 1 predictions were not logged"):
        logger.log({"x": 9}, 9, at=NOON)
    assert time.monotonic() - begun >= 0.3
    bring_back()
    logger.log({"x": 3}, 3, at=NOON)
    logger.close()
    assert sorted(read(uri).column("prediction").to_pylist()) == [0, 1, 2, 3]


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
        "from prefect_mlops.serving.logger import PredictionLogger\n"
        "logger = PredictionLogger(sys.argv[1], 'calls', '1', flush_seconds=60)\n"
        "logger.log({'x': 1}, 1, id='a', at=datetime(2026, 1, 1, 12, tzinfo=UTC))\n"
    )
    subprocess.run([sys.executable, "-c", code, uri], check=True, timeout=60)
    assert read(uri).column("id").to_pylist() == ["a"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"uri": "predictions.db"},
        {"collection": "No Prefix"},
        {"batch_rows": 0},
        {"buffer_rows": -1},
        {"flush_seconds": 0},
        {"timeout_seconds": 0},
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(uri, wrong):
    with pytest.raises(ConfigurationError):
        PredictionLogger(**{"uri": uri, "model": "calls", "version": "1", **wrong})
