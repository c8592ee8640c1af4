"""The tables of a prediction log in a SQLite file, and the version of their schema."""

from __future__ import annotations

import sqlite3
import time

from .base import SCHEMA_VERSION

_SCHEMA = """
CREATE TABLE IF NOT EXISTS {0}_predictions (
    model TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, at INTEGER NOT NULL,
    draw INTEGER NOT NULL, body BLOB NOT NULL, label TEXT,
    PRIMARY KEY (model, id, role)
);
CREATE INDEX IF NOT EXISTS {0}_predictions_window ON {0}_predictions (model, role, at, id);
CREATE INDEX IF NOT EXISTS {0}_predictions_age ON {0}_predictions (at);
CREATE TABLE IF NOT EXISTS {0}_columns (
    model TEXT NOT NULL, field TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (model, field, kind)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {0}_schema (version INTEGER PRIMARY KEY);
INSERT OR IGNORE INTO {0}_schema SELECT {1} WHERE NOT EXISTS (SELECT 1 FROM {0}_schema);
CREATE TABLE IF NOT EXISTS {0}_journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, key TEXT NOT NULL, project TEXT NOT NULL, document TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX IF NOT EXISTS {0}_journal_project ON {0}_journal (kind, project, sequence);
"""


def create_tables(connection: sqlite3.Connection, collection: str) -> None:
    """Create what is missing, in a transaction that was begun.

    `executescript` would end it: another process must never find some of the tables without the version.
    """
    for statement in _SCHEMA.format(collection, SCHEMA_VERSION).split(";\n"):
        connection.execute(statement)


def schema_version(connection: sqlite3.Connection, collection: str) -> int | None:
    """Return the version of the schema; None when there is no log yet."""
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if f"{collection}_schema" in tables:
        return connection.execute(f"SELECT max(version) FROM {collection}_schema").fetchone()[0]
    return 1 if f"{collection}_predictions" in tables else None


def use_write_ahead_log(connection: sqlite3.Connection, timeout_seconds: float) -> None:
    """Switch once for the file's lifetime; SQLite's own busy timeout does not cover the switch."""
    deadline = time.monotonic() + timeout_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
