"""Logs that an earlier version of the package wrote."""

import json
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pymongo
import pytest
from prefect_mlops.core.errors import LogOutdated, LogUnavailable
from prefect_mlops.core.results import Window

AT = 1_767_225_600_000_000
START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = Window(start=START, end=datetime(2026, 1, 2, tzinfo=UTC))
ROWS = [
    {
        "model": "calls",
        "id": id,
        "role": role,
        "version": "1",
        "at": AT + number,
        "features": json.dumps(
            {"a.b": number, "t": {"datetime": "2026-01-31T12:00:00+00:00"}, "n": None}
        ),
        "prediction": '"yes"',
        "score": '{"yes":0.75}' if role == "champion" else None,
        "label": '"no"' if number % 2 else None,
    }
    for role in ("champion", "challenger")
    for number, id in enumerate(f"{role} {i}" for i in range(600))
]


def write_version_1(uri, collection):
    if uri.startswith("sqlite"):
        connection = sqlite3.connect(uri.removeprefix("sqlite:///"))
        connection.executescript(
            f"""
            CREATE TABLE {collection}_predictions (
                model TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, version TEXT NOT NULL,
                at INTEGER NOT NULL, features TEXT NOT NULL, prediction TEXT NOT NULL, score TEXT,
                label TEXT, PRIMARY KEY (model, id)
            );
            CREATE INDEX {collection}_predictions_window
                ON {collection}_predictions (model, role, at, id);
            """
        )
        with connection:
            connection.executemany(
                f"INSERT INTO {collection}_predictions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [tuple(row.values()) for row in ROWS],
            )
        connection.close()
    else:
        with pymongo.MongoClient(uri) as client:
            client.get_default_database()[f"{collection}_predictions"].insert_many(
                [{"_id": json.dumps([row["model"], row["id"]]), **row} for row in ROWS]
            )


@pytest.fixture
def sqlite_uri(tmp_path):
    return f"sqlite:///{tmp_path}/predictions.db"


@pytest.fixture
def old(uri, collection, open_log):
    write_version_1(uri, collection)
    with pytest.raises(LogOutdated, match=r"version 1.*prefect_mlops\.storage upgrade"):
        open_log()
    return uri


def check(store):
    for role in ("champion", "challenger"):
        ids = [f"{role} {i}" for i in range(600)]
        assert [store.get("calls", id, role=role).id for id in ids[:3]] == ids[:3]
        found = store.get("calls", ids[1], role=role)
        assert dict(found) == {
            "id": ids[1],
            "model": "calls",
            "role": role,
            "version": "1",
            "at": START.replace(microsecond=1),
            "features": {"a.b": 1, "t": datetime(2026, 1, 31, 12, tzinfo=UTC), "n": None},
            "prediction": "yes",
            "score": {"yes": 0.75} if role == "champion" else None,
            "label": "no",
            "latency_seconds": None,
            "request": None,
        }
        assert store.coverage("calls", WINDOW, role=role).model_dump() == {
            "rows": 600,
            "labelled": 300,
        }
        assert store.read("calls", WINDOW, role=role).column("features.a.b").to_pylist() == [
            *range(600)
        ]


def test_an_upgraded_log_has_every_row_and_label(old, open_log):
    open_log(upgrade=True).close()
    with open_log() as store:
        check(store)
    open_log(upgrade=True).close()


def test_the_command_line_upgrades(old, collection, open_log):
    command = [sys.executable, "-m", "prefect_mlops.storage", "upgrade", "--collection", collection]
    done = subprocess.run(
        command, env={"PREDICTION_LOG_URI": old}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "the prediction log is up to date\n")
    with open_log() as store:
        check(store)
    lost = subprocess.run(
        [*command],
        env={"PREDICTION_LOG_URI": "ftp://x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert lost.returncode == 1
    assert lost.stderr.startswith("error: scheme 'ftp'")


def test_an_interrupted_upgrade_is_repeated(old, collection, open_log, monkeypatch):
    from prefect_mlops.storage import upgrade

    encoded, seen = upgrade._encoded, []

    def interrupt(row):
        seen.append(row)
        if len(seen) == 700:
            raise LogUnavailable("pulled the plug")
        return encoded(row)

    monkeypatch.setattr(upgrade, "_encoded", interrupt)
    with pytest.raises(LogUnavailable, match="plug"):
        open_log(upgrade=True)
    with pytest.raises(LogOutdated):
        open_log()
    open_log(upgrade=True).close()
    with open_log() as store:
        check(store)


def test_a_log_of_a_later_version_is_refused(uri, collection, open_log):
    open_log().close()
    if uri.startswith("sqlite"):
        connection = sqlite3.connect(uri.removeprefix("sqlite:///"))
        with connection:
            connection.execute(f"UPDATE {collection}_schema SET version = 99")
        connection.close()
    else:
        with pymongo.MongoClient(uri) as client:
            schema = client.get_default_database()[f"{collection}_schema"]
            schema.update_one({"_id": "version"}, {"$set": {"version": 99}})
    for upgrade in (False, True):
        with pytest.raises(LogOutdated, match=r"version 99.*upgrade prefect-mlops"):
            open_log(upgrade=upgrade)
