"""Loggers in processes of their own, and what became of their rows."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pymongo

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
