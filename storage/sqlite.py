"""The embedded prediction log: one SQLite file, for one machine.

Readers do not block the writer nor the writer the readers (write-ahead log), so services and flows of
the same machine may share the file. It must not be on a network share.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from ..core.errors import LogUnavailable
from ..core.results import Window
from . import codec
from .interface import Coverage, JournalKind, LabelReport, Prediction
from .labels import LabelTally
from .open import check_collection

if TYPE_CHECKING:
    import pyarrow as pa

_SCHEMA = """
CREATE TABLE IF NOT EXISTS {0}_predictions (
    model TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL, version TEXT NOT NULL,
    at INTEGER NOT NULL, features TEXT NOT NULL, prediction TEXT NOT NULL, score TEXT, label TEXT,
    PRIMARY KEY (model, id)
);
CREATE INDEX IF NOT EXISTS {0}_predictions_window ON {0}_predictions (model, role, at, id);
CREATE TABLE IF NOT EXISTS {0}_journal (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, key TEXT NOT NULL, project TEXT NOT NULL, document TEXT NOT NULL,
    UNIQUE (kind, key)
);
CREATE INDEX IF NOT EXISTS {0}_journal_project ON {0}_journal (kind, project, sequence);
"""
_IDS_PER_QUERY = 500


class SqliteStore:
    """A prediction log in one SQLite file. Threads may share it; they take turns.

    Args:
        path: The file; it and its folder are made when missing.
        collection: Prefix of the tables.
        timeout_seconds: Longest wait for another process that is writing, seconds.

    Raises:
        ConfigurationError: If `collection` is no prefix.
        LogUnavailable: If the file cannot be made, read or written.

    Example:
        >>> with SqliteStore("predictions.db") as store:  # doctest: +SKIP
        ...     store.ping()
    """

    def __init__(
        self, path: str | Path, collection: str = "mlops", timeout_seconds: float = 10.0
    ) -> None:
        self._path = Path(path)
        self._predictions = f"{check_collection(collection)}_predictions"
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
                connection.executescript(_SCHEMA.format(collection))
        except LogUnavailable:
            self._connection.close()
            raise

    def append(self, predictions: Sequence[Prediction]) -> int:
        """Log predictions, all of them or none. See `PredictionStore.append`."""
        rows = [codec.encode_prediction(prediction) for prediction in predictions]
        with self._writing() as connection:
            return connection.executemany(
                f"INSERT INTO {self._predictions} ({', '.join(codec.FIELDS)}) "
                f"VALUES ({_marks(codec.FIELDS)}) ON CONFLICT (model, id) DO NOTHING",
                rows,
            ).rowcount

    def read(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Literal["champion", "challenger"] = "champion",
    ) -> pa.Table:
        """Read a window. See `PredictionStore.read`."""
        select, values = self._window(codec.READ_FIELDS, model, window, role)
        with self._answering() as connection:
            rows = connection.execute(select, values).fetchall()
        return codec.table_of(rows if window.last is None else rows[::-1], columns)

    def attach_labels(self, model: str, labels: Mapping[str, Any]) -> LabelReport:
        """Attach ground truth, all of it or none. See `PredictionStore.attach_labels`."""
        tally = LabelTally(labels)
        with self._writing() as connection:
            for ids in tally.chunks(_IDS_PER_QUERY):
                found = connection.execute(
                    f"SELECT id, label FROM {self._predictions} "
                    f"WHERE model = ? AND id IN ({_marks(ids)})",
                    [model, *ids],
                ).fetchall()
                connection.executemany(
                    f"UPDATE {self._predictions} SET label = ? WHERE model = ? AND id = ?",
                    [(text, model, id) for id, text in tally.to_write(ids, dict(found))],
                )
        return tally.report()

    def coverage(
        self,
        model: str,
        window: Window,
        *,
        role: Literal["champion", "challenger"] = "champion",
    ) -> Coverage:
        """Count a window's predictions and labels."""
        select, values = self._window(["label"], model, window, role)
        with self._answering() as connection:
            rows, labelled = connection.execute(
                f"SELECT count(*), count(label) FROM ({select})", values
            ).fetchone()
        return Coverage(rows=rows, labelled=labelled)

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key. See `PredictionStore.record`."""
        text = json.dumps(document)
        with self._writing() as connection:
            taken = connection.execute(
                f"INSERT INTO {self._journal} (kind, key, project, document) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (kind, key) DO NOTHING",
                (kind, key, project, text),
            )
            return taken.rowcount == 1

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _window(
        self, fields: Sequence[str], model: str, window: Window, role: str
    ) -> tuple[str, list[Any]]:
        """Return the query for a window and its values; the last N come latest first."""
        select = f"SELECT {', '.join(fields)} FROM {self._predictions} WHERE model = ? AND role = ?"
        if window.start and window.end:
            bounds = [codec.microseconds(window.start), codec.microseconds(window.end)]
            return f"{select} AND at >= ? AND at < ? ORDER BY at, id", [model, role, *bounds]
        return f"{select} ORDER BY at DESC, id DESC LIMIT ?", [model, role, window.last]

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
        return LogUnavailable(
            f"prediction log {self._path}: {error}; expected a SQLite file that can be written, on a "
            "disk of this machine"
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
