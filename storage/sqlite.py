"""The embedded prediction log: one SQLite file, for one machine.

Readers do not block the writer nor the writer the readers (write-ahead log), so services and flows of
the same machine may share the file. It must not be on a network share.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import bson

from ..core.errors import LogUnavailable
from ..core.results import Window
from . import codec
from .base import SCHEMA_VERSION, BaseStore, Reply, RowRefused, check_version
from .documents import AnyDocument, decode_document, draw_of, encode_label
from .fields import Column
from .interface import Coverage, JournalKind, LabelReport
from .label_updates import Labelled, LabelTally, chunks
from .predictions import Role
from .uris import check_collection

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
_IDS_PER_QUERY = 500
_ROWS_PER_PAGE = 2_000


class SqliteStore(BaseStore):
    """A prediction log in one SQLite file. Threads may share it; they take turns.

    Args:
        path: The file; it and its folder are made when missing.
        collection: Prefix of the tables.
        timeout_seconds: Longest wait for another process that is writing, seconds.
        upgrade: Whether to bring an older log to the present schema.

    Raises:
        LogOutdated: If another version of the package wrote it.
        ConfigurationError: If `collection` is no prefix.
        LogUnavailable: If the file cannot be made, read or written.

    Example:
        >>> with SqliteStore("predictions.db") as store:  # doctest: +SKIP
        ...     store.ping()
    """

    def __init__(
        self,
        path: str | Path,
        collection: str = "mlops",
        timeout_seconds: float = 10.0,
        *,
        upgrade: bool = False,
    ) -> None:
        super().__init__()
        self._path = Path(path)
        self._predictions = f"{check_collection(collection)}_predictions"
        self._columns_table = f"{collection}_columns"
        self._journal = f"{collection}_journal"
        self._lock = threading.RLock()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self._path, timeout=timeout_seconds, isolation_level=None, check_same_thread=False
            )
        except (OSError, sqlite3.Error) as error:
            raise self._unavailable(error) from error
        try:
            with self._answering() as connection:
                _use_write_ahead_log(connection, timeout_seconds)
                found = _schema_version(connection, collection)
                if found == 1 and upgrade:
                    self._upgrade(collection)
                    found = SCHEMA_VERSION
                check_version(found, str(self._path))
                if found is None:
                    with self._writing():
                        self._create(collection)
        except LogUnavailable:
            self._connection.close()
            raise

    @property
    def name(self) -> str:
        """What messages call the log."""
        return str(self._path)

    def attach_labels(
        self,
        model: str,
        labels: Mapping[str, Any],
        *,
        overwrite: bool = False,
        earlier_ids: Mapping[str, Sequence[str]] | None = None,
    ) -> LabelReport:
        """Attach ground truth, all of it or none. See `PredictionStore.attach_labels`."""
        tally = LabelTally(labels, overwrite=overwrite, earlier_ids=earlier_ids)
        self._list(model, tally.columns)
        with self._writing() as connection:
            tally.compare(partial(self._labelled, connection, model), _IDS_PER_QUERY)
            for key, entry in tally.history():
                connection.execute(self._entry, ("label", key, model, json.dumps(entry)))
            connection.executemany(
                f"UPDATE {self._predictions} SET label = ? WHERE model = ? AND id = ? AND role = ?",
                [(codec.encode(label), model, row.id, row.role) for row, label in tally.writes],
            )
        return tally.report()

    def coverage(self, model: str, window: Window, *, role: Role = "champion") -> Coverage:
        """Count a window's predictions and labels."""
        condition, values = self._condition(model, window, role)
        with self._answering() as connection:
            rows, labelled = connection.execute(
                f"SELECT count(*), count(label) FROM {self._predictions} WHERE {condition}", values
            ).fetchone()
        return Coverage(rows=rows, labelled=labelled)

    def prune(self, before: datetime) -> int:
        """Delete old predictions. See `PredictionStore.prune`."""
        with self._writing() as connection:
            return connection.execute(
                f"DELETE FROM {self._predictions} WHERE at < ?", [codec.microseconds(before)]
            ).rowcount

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key. See `PredictionStore.record`."""
        text = json.dumps(document)
        with self._writing() as connection:
            return connection.execute(self._entry, (kind, key, project, text)).rowcount == 1

    def journal(
        self, kind: JournalKind, project: str, *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a project's journal, newest first (in order of arrival)."""
        with self._answering() as connection:
            rows = connection.execute(
                f"SELECT document FROM {self._journal} WHERE kind = ? AND project = ? "
                "ORDER BY sequence DESC LIMIT ?",
                (kind, project, -1 if limit is None else limit),
            ).fetchall()
        return [json.loads(text) for (text,) in rows]

    def ping(self) -> None:
        """Raise `LogUnavailable` unless the database answers."""
        with self._answering() as connection:
            connection.execute(f"SELECT 1 FROM {self._predictions} LIMIT 1").fetchone()

    def close(self) -> None:
        """Release the file. The store cannot be used afterwards."""
        with self._answering() as connection:
            connection.close()

    def _create(self, collection: str) -> None:
        # In a transaction that was begun, which `executescript` would end: another process must never
        # find some of the tables without the version.
        for statement in _SCHEMA.format(collection, SCHEMA_VERSION).split(";\n"):
            self._connection.execute(statement)

    def _upgrade(self, collection: str) -> None:
        from .upgrade import rows_of_sqlite

        with self._writing() as connection:
            rows = rows_of_sqlite(connection, collection)
            first = next(rows, None)
            self._create(collection)
            for document in () if first is None else chain([first], rows):
                self._add_columns(document.model, document.columns)
                connection.execute(self._insertion, _row(document))

    @property
    def _insertion(self) -> str:
        return (
            f"INSERT INTO {self._predictions} (model, id, role, at, draw, body, label) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )

    @property
    def _entry(self) -> str:
        return (
            f"INSERT INTO {self._journal} (kind, key, project, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, key) DO NOTHING"
        )

    def _labelled(
        self, connection: sqlite3.Connection, model: str, ids: list[str]
    ) -> list[Labelled]:
        found = connection.execute(
            f"SELECT id, role, label FROM {self._predictions} "
            f"WHERE model = ? AND id IN ({_marks(ids)})",
            [model, *ids],
        )
        return [
            Labelled(id, role, None if text is None else codec.decode(text))
            for id, role, text in found
        ]

    def _insert(self, documents: Sequence[AnyDocument]) -> int:
        with self._writing() as connection:
            return connection.executemany(self._insertion, map(_row, documents)).rowcount

    def _replies(
        self, model: str, window: Window, role: Role, below: int | None, fields: Sequence[str]
    ) -> Iterator[Reply]:
        # Rows are bodies as a whole: there is nothing to leave out of them.
        condition, values = self._condition(model, window, role)
        if below is not None:
            condition, values = f"{condition} AND draw < ?", [*values, below]
        place: tuple[int, str] | None = None
        while True:
            after, more = ("", ()) if place is None else (" AND (at, id) > (?, ?)", place)
            with self._answering() as connection:
                rows = connection.execute(
                    f"SELECT at, id, body, label FROM {self._predictions} "
                    f"WHERE {condition}{after} ORDER BY at, id LIMIT {_ROWS_PER_PAGE}",
                    [*values, *more],
                ).fetchall()
            if not rows:
                return
            place = rows[-1][:2]
            yield Reply(partial(b"".join, [row[2] for row in rows]), [row[3] for row in rows], 0)

    def _bodies(self, model: str, ids: Sequence[str], role: Role) -> Iterator[bytes]:
        for some in chunks(ids, _IDS_PER_QUERY):
            with self._answering() as connection:
                rows = connection.execute(
                    f"SELECT body, label FROM {self._predictions} "
                    f"WHERE model = ? AND id IN ({_marks(some)}) AND role = ?",
                    [model, *some, role],
                ).fetchall()
            for body, label in rows:
                yield body if label is None else _with_label(body, codec.decode(label))

    def _columns(self, model: str) -> frozenset[Column]:
        with self._answering() as connection:
            return frozenset(
                connection.execute(
                    f"SELECT field, kind FROM {self._columns_table} WHERE model = ?", [model]
                )
            )

    def _add_columns(self, model: str, columns: Iterable[Column]) -> None:
        with self._answering() as connection:
            connection.executemany(
                f"INSERT OR IGNORE INTO {self._columns_table} VALUES (?, ?, ?)",
                [(model, *column) for column in columns],
            )

    def _condition(self, model: str, window: Window, role: Role) -> tuple[str, list[Any]]:
        """Return what the rows of a window have in common, as SQL and its values."""
        condition = "model = ? AND role = ?"
        if window.start and window.end:
            bounds = [codec.microseconds(window.start), codec.microseconds(window.end)]
            return f"{condition} AND at >= ? AND at < ?", [model, role, *bounds]
        with self._answering() as connection:
            first = connection.execute(
                f"SELECT at, id FROM {self._predictions} WHERE {condition} "
                "ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?",
                [model, role, (window.last or 1) - 1],
            ).fetchone()
        return (
            (condition, [model, role])
            if first is None
            else (f"{condition} AND (at, id) >= (?, ?)", [model, role, *first])
        )

    @contextmanager
    def _answering(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._unavailable(error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        # IMMEDIATE takes the write lock at once: a transaction that reads first and then finds
        # another writer ahead of it could only fail.
        with self._answering() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def _unavailable(self, error: Exception) -> LogUnavailable:
        about_row = isinstance(error, sqlite3.IntegrityError | sqlite3.DataError)
        return (RowRefused if about_row else LogUnavailable)(
            f"prediction log {self._path}: {error}; expected a SQLite file that can be written, on a "
            "disk of this machine"
        )


def _schema_version(connection: sqlite3.Connection, collection: str) -> int | None:
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    if f"{collection}_schema" in tables:
        return connection.execute(f"SELECT max(version) FROM {collection}_schema").fetchone()[0]
    return 1 if f"{collection}_predictions" in tables else None


def _with_label(body: bytes, label: Any) -> bytes:
    return bson.encode(bson.decode(body) | encode_label(label)[0])


def _row(document: AnyDocument) -> tuple[Any, ...]:
    text = None
    if any(field == "label" for field, _ in document.columns):
        label = decode_document(document.body).label
        text = None if label is None else codec.encode(label)
    return (
        document.model,
        document.id,
        document.role,
        document.at,
        draw_of(document.id),
        document.body,
        text,
    )


def _use_write_ahead_log(connection: sqlite3.Connection, timeout_seconds: float) -> None:
    """Switch once for the file's lifetime; SQLite's own busy timeout does not cover the switch."""
    deadline = time.monotonic() + timeout_seconds
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
