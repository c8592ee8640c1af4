"""Loggers in processes of their own, and what became of their rows."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pymongo
from prefect_mlops.core.results import Window
from prefect_mlops.storage.documents import encode_row
from prefect_mlops.storage.open import open_store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_PROGRAM = Path(__file__).with_name("logging_process.py")


def command(action, **settings):
    return [sys.executable, str(_PROGRAM), action, json.dumps(settings)]


def start_logging(action, **settings):
    """Start one of the programs of `logging_process`."""
    return subprocess.Popen(
        command(action, **settings), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def accepted(process):
    """Return the ids that a process that has ended had been given, but for those read before."""
    # A killed process may have been in the middle of a line.
    return [line[:-1] for line in process.stdout if line.endswith("\n")]


def stored(uri, collection):
    """Return the ids in the database, as often as they are there."""
    with pymongo.MongoClient(uri) as client:
        rows = client.get_default_database()[f"{collection}_predictions"]
        return [row["id"] for row in rows.find({}, {"id": 1})]


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def ids(uri):
    """Return the ids in the log, which must not have one twice."""
    with open_store(uri) as store:
        found = store.read("calls", Window(last=1_000_000)).column("id").to_pylist()
    assert len(found) == len(set(found))
    return set(found)


def files(folder):
    """Return the names of all files in a folder and below."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def row(name):
    """Return an encoded row without features."""
    return encode_row(
        model="calls", id=name, role="champion", version="1", at=NOON, features={}, prediction=1
    )


def log(logger, *names):
    """Log rows with these ids."""
    for name in names:
        logger.log({"x": name}, 1, id=name, at=NOON)


def forbid(uri, *patterns):
    """Make a SQLite log refuse rows whose ids are like these patterns, for good."""
    open_store(uri).close()
    path = uri.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        for pattern in patterns:
            connection.execute(
                f'CREATE TRIGGER "refuse_{pattern}" BEFORE INSERT ON mlops_predictions '
                f"WHEN new.id LIKE '{pattern}' BEGIN SELECT RAISE(ABORT, 'never this one'); END"
            )
