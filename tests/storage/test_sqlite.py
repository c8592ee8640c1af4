"""What only the embedded log can get wrong: locks, full disks, damaged files."""

import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prefect_mlops.core.errors import LogUnavailable
from prefect_mlops.storage.sqlite import SqliteStore


@pytest.fixture
def path(tmp_path):
    return tmp_path / "predictions.db"


def test_readers_go_on_while_another_process_writes(path, predict, window):
    with SqliteStore(path) as store:
        store.append([predict("a")])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE mlops_predictions SET label = '1'")
        assert store.read("calls", window()).column("label").null_count == 1
        other.execute("COMMIT")
        assert store.coverage("calls", window()).labelled == 1
        other.close()


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path, predict, window):
    for number in range(10):
        path = tmp_path / f"{number}.db"
        with ThreadPoolExecutor(6) as pool:
            stores = list(pool.map(lambda _, at=path: SqliteStore(at), range(6)))
        for row, store in enumerate(stores):
            store.append([predict(str(row))])
        assert stores[0].coverage("calls", window()).rows == 6
        for store in stores:
            store.close()


def test_a_writer_waits_for_the_other_and_then_writes(path, predict, window):
    with SqliteStore(path, timeout_seconds=10) as store:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
        release.start()
        assert store.append([predict("a")]) == 1
        release.join()
        other.close()


def test_opening_waits_for_a_program_that_writes_to_a_file_without_write_ahead_log(path):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE theirs (a)")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable, match="locked"):
        SqliteStore(path, timeout_seconds=0.1)
    release = threading.Timer(0.3, lambda: other.execute("COMMIT"))
    release.start()
    with SqliteStore(path, timeout_seconds=10) as store:
        store.ping()
    release.join()
    other.close()


def test_a_writer_that_never_gets_its_turn_is_unavailable_and_keeps_nothing(path, predict, window):
    with SqliteStore(path, timeout_seconds=0.1) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        for write in (
            lambda: store.append([predict("a")]),
            lambda: store.attach_labels("calls", {"a": 1}),
            lambda: store.record("decision", "k", "calls", {}),
        ):
            with pytest.raises(LogUnavailable, match="locked"):
                write()
        other.execute("ROLLBACK")
        other.close()
        assert store.append([predict("a")]) == 1
        assert store.journal("decision", "calls") == []


def test_a_full_disk_is_unavailable_and_leaves_whole_batches(path, predict, window):
    with SqliteStore(path) as store:
        store.append([predict("a")])
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages + 3}")
        large = [predict(f"b{i}", i, features={"text": "x" * 4000}) for i in range(20)]
        with pytest.raises(LogUnavailable, match="full"):
            store.append(large)
        assert store.coverage("calls", window()).rows == 1
        store._connection.execute("PRAGMA max_page_count = 100000")
        assert store.append(large) == 20


def test_a_file_damaged_while_open_is_unavailable(path, predict, window):
    with SqliteStore(path) as store:
        store.append([predict(f"{i}", i, features={"text": "x" * 3000}) for i in range(50)])
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(LogUnavailable, match="malformed"):  # noqa: SIM117
        with SqliteStore(path) as store:
            store.read("calls", window())


_OPENER = """
import sys
from prefect_mlops.storage.sqlite import SqliteStore
with SqliteStore(sys.argv[1]) as store:
    print(sum(store.record("decision", str(i), "calls", {"by": sys.argv[2]}) for i in range(20)))
"""


def test_processes_that_make_the_file_at_the_same_moment_share_it(path):
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENER, str(path), str(n)], stdout=subprocess.PIPE, text=True
        )
        for n in range(4)
    ]
    taken = [int(opener.communicate()[0]) for opener in openers]
    assert sum(taken) == 20
    with SqliteStore(path) as store:
        assert len(store.journal("decision", "calls")) == 20
