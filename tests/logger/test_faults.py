"""The fault table: whatever fails, no accepted prediction is lost and none is there twice.

Every fault runs once among the fast tests and twenty times among the slow ones. At the end the database is
compared with what `log` accepted.
"""

import random
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.core.results import Window
from prefect_mlops.logger.logger import PredictionLogger
from prefect_mlops.storage.open import open_store
from support.loggers import accepted, command, start_logging, stored, wait_until
from support.mongodb import mongodb_server

pytestmark = pytest.mark.mongodb
TIMES = [pytest.param(1, id="once"), pytest.param(20, id="20-times", marks=pytest.mark.slow)]
every_time = pytest.mark.parametrize("times", TIMES)
every_kind = pytest.mark.parametrize("kind", ["always", "full", "memory"])


@pytest.fixture(scope="module")
def server():
    """A server of our own, for tests to kill; it is up again after each."""
    with mongodb_server() as server:
        yield server


@pytest.fixture
def line(cable, cable_uri):
    """A cable to the server, and the URI at its other end."""
    return cable, cable_uri


def name():
    return f"f{uuid4().hex[:12]}"


def open_logger(uri, collection, folder, kind, **settings):
    spool = {} if kind == "memory" else {"spool": folder / "spool", "spool_when": kind}
    # Memory so small that the disk is needed, when there is one.
    rows = 10_000 if kind == "memory" else 40
    defaults = {"batch_rows": 25, "buffer_rows": rows, "flush_seconds": 0.02, "timeout_seconds": 1}
    return PredictionLogger(
        uri,
        "calls",
        "1",
        collection=collection,
        directConnection=True,
        **{**defaults, **spool, **settings},
    )


def flush_until_written(logger, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return logger.flush()
        except LogUnavailable:
            assert time.monotonic() < deadline, "the rows were never written"


def check(uri, collection, ids):
    found = stored(uri, collection)
    assert len(found) == len(set(found)), "a prediction is there twice"
    assert set(ids) - set(found) == set(), "a prediction was lost"
    return set(found) - set(ids)


def log_steadily(logger, rows, seconds, during):
    """Log in a thread, run something meanwhile, and return the ids."""

    def log():
        ids = []
        for number in range(rows):
            ids.append(logger.log({"x": number}, number))
            time.sleep(seconds / rows)
        return ids

    # A server lives no longer than the thread that started it: what is run stays in this one.
    with ThreadPoolExecutor(1) as pool:
        logged = pool.submit(log)
        during()
        return logged.result()


@every_time
@every_kind
def test_server_killed_and_restarted(server, tmp_path, kind, times):
    for _ in range(times):
        collection = name()
        logger = open_logger(server.uri, collection, tmp_path, kind)

        def restart(logger=logger):
            time.sleep(random.uniform(0, 0.3))
            server.kill()
            wait_until(lambda: logger.counters().last_error is not None)
            server.start()

        # FerretDB that is killed while it makes a collection can never write to it again.
        made = logger.log({"x": -1}, -1)
        flush_until_written(logger)
        ids = [made, *log_steadily(logger, 200, 0.5, restart)]
        flush_until_written(logger)
        logger.close()
        assert check(server.uri, collection, ids) == set()


@every_time
@every_kind
def test_server_unreachable_at_start(server, tmp_path, kind, times):
    for _ in range(times):
        collection = name()
        server.kill()
        try:
            logger = open_logger(server.uri, collection, tmp_path, kind, timeout_seconds=0.2)
            ids = [logger.log({"x": number}, number) for number in range(150)]
            wait_until(lambda logger=logger: logger.counters().last_error is not None)
        finally:
            server.start()
        ids.append(logger.log({"x": 1}, 1))
        flush_until_written(logger)
        logger.close()
        assert check(server.uri, collection, ids) == set()


@every_time
@every_kind
def test_connection_cut_in_the_middle_of_a_batch(line, mongodb_uri, tmp_path, kind, times):
    cable, cabled_uri = line
    for _ in range(times):
        collection = name()

        breaks = cable.breaks

        def cut(collection=collection):
            for arrived in (True, False, True, False):
                # The server gets the batch and its answer is lost, or it gets nothing.
                cable.deliver = arrived
                cable.break_at = f"{collection}_predictions".encode()
                time.sleep(random.uniform(0.05, 0.1))

        logger = open_logger(cabled_uri, collection, tmp_path, kind)
        logger.flush()
        ids = log_steadily(logger, 150, 0.3, cut)
        cable.break_at = None
        flush_until_written(logger)
        logger.close()
        assert check(mongodb_uri, collection, ids) == set()
        assert cable.breaks > breaks


@every_time
@every_kind
def test_slow_server_whose_replies_come_after_the_timeout(line, mongodb_uri, tmp_path, kind, times):
    cable, cabled_uri = line
    for _ in range(times):
        collection = name()

        cable.delay_seconds = 0.0
        logger = open_logger(cabled_uri, collection, tmp_path, kind, timeout_seconds=0.2)
        logger.flush()

        def dawdle(logger=logger):
            time.sleep(random.uniform(0, 0.1))
            cable.delay_seconds = random.uniform(0.25, 0.4)
            wait_until(lambda: logger.counters().last_error is not None)
            cable.delay_seconds = 0.01

        ids = log_steadily(logger, 150, 0.3, dawdle)
        flush_until_written(logger)
        logger.close()
        assert check(mongodb_uri, collection, ids) == set()


@every_time
@pytest.mark.parametrize("database", ["reachable", "away"])
def test_process_killed_at_a_random_moment(mongodb_uri, tmp_path, database, times):
    for _ in range(times):
        collection = name()
        settings = {
            "uri": mongodb_uri,
            "collection": collection,
            "spool": str(tmp_path / "spool"),
            "batch_rows": 25,
            "buffer_rows": 40,
            "flush_seconds": 0.01 if database == "reachable" else 60,
            # The first try finds the database; with a batch this large there is no second in time.
            **({} if database == "reachable" else {"batch_rows": 10**9}),
        }
        with start_logging("loop", logger=settings, prefix="killed") as process:
            ids = [process.stdout.readline().strip()]
            time.sleep(random.uniform(0, 0.2))
            process.kill()
            ids += accepted(process)
        logger = open_logger(mongodb_uri, collection, tmp_path, "always")
        wait_until(lambda logger=logger, folder=tmp_path: len([*folder.rglob("*.bson")]) == 1)
        logger.close()
        beyond = check(mongodb_uri, collection, ids)
        # The last rows may have been logged without the process having lived to say so.
        assert beyond <= {f"killed-{len(ids)}", f"killed-{len(ids) + 1}"}
        assert [path.name for path in tmp_path.rglob("*.bson")] == []


@every_time
def test_two_processes_share_a_spool_and_one_is_killed(mongodb_uri, tmp_path, times):
    for _ in range(times):
        collection = name()
        settings = {
            "uri": mongodb_uri,
            "collection": collection,
            "spool": str(tmp_path / "spool"),
            "flush_seconds": 0.01,
        }
        with (
            start_logging("loop", logger=settings, prefix="lives", rows=400) as lives,
            start_logging("loop", logger=settings, prefix="killed") as killed,
        ):
            ids = [killed.stdout.readline().strip()]
            time.sleep(random.uniform(0, 0.2))
            killed.kill()
            ids += accepted(killed)
            said, _ = lives.communicate(timeout=60)
        assert lives.returncode == 0
        ids += said.splitlines()
        assert len(ids) > 400
        open_logger(mongodb_uri, collection, tmp_path, "always").close()
        with open_logger(mongodb_uri, collection, tmp_path, "always"):
            wait_until(lambda folder=tmp_path: len([*folder.rglob("*.bson")]) == 1)
        beyond = check(mongodb_uri, collection, ids)
        assert len(beyond) <= 1
        assert all(id.startswith("killed-") for id in beyond)


def small_disk(folder, megabytes):
    """Return the beginning of a command that has a disk of its own there, or None."""
    folder.mkdir(exist_ok=True)
    mount = f'mount -t tmpfs -o size={megabytes}m none "{folder}" && exec "$0" "$@"'
    beginning = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount]
    if shutil.which("unshare") is None:
        return None
    tried = subprocess.run([*beginning, "true"], capture_output=True, check=False)
    return beginning if tried.returncode == 0 else None


@every_time
@pytest.mark.parametrize("kind", ["always", "full"])
def test_disk_full_at_the_spool(tmp_path, kind, times):
    """A real disk of 2 MB where the machine lets us mount one, else a limit on the size of files."""
    beginning = small_disk(tmp_path / "disk", 2)
    expected = "disk full" if beginning else "took no row"
    limit = ["prlimit", "--fsize=1500000"]
    for number in range(times):
        database = tmp_path / f"database-{number}"
        database.write_text("in the way")
        uri = f"sqlite:///{database}/predictions.db"
        settings = {
            "uri": uri,
            "spool": str(tmp_path / "disk/spool"),
            "spool_when": kind,
            "buffer_rows": 50,
        }
        done = subprocess.run(
            [*(beginning or limit), *command("fill", logger=settings, in_the_way=str(database))],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        lines = done.stdout.splitlines()
        ids = [line for line in lines if line.startswith(("before-", "after-"))]
        [refused] = [line for line in lines if line.startswith("refused: ")]
        assert expected in refused
        assert "1 predictions of calls were not logged" in refused
        assert lines[-1] == "dropped: 1"
        assert len(ids) > 300
        with open_store(uri) as store:
            found = store.read("calls", Window(last=100_000)).column("id").to_pylist()
        assert sorted(found) == sorted(ids)


@every_time
@every_kind
def test_clock_jumping_back(mongodb_uri, tmp_path, kind, times, monkeypatch):
    real = time.time
    jump = [0.0]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.fromtimestamp(time.time(), UTC)

    monkeypatch.setattr(time, "time", lambda: real() + jump[0])
    monkeypatch.setattr("prefect_mlops.logger.row_encoder.datetime", Clock)
    for _ in range(times):
        collection = name()
        jump[0] = 0.0
        logger = open_logger(mongodb_uri, collection, tmp_path, kind)
        begun = datetime.now(UTC)

        def turn_back():
            time.sleep(random.uniform(0, 0.1))
            jump[0] = -random.uniform(1, 86_400)

        ids = log_steadily(logger, 100, 0.2, turn_back)
        ids.append(logger.log({"x": 1}, 1, id="last"))
        logger.flush()
        logger.close()
        assert check(mongodb_uri, collection, ids) == set()
        with open_store(mongodb_uri, collection=collection) as store:
            assert store.get("calls", "last").at < begun - timedelta(seconds=0.5)
