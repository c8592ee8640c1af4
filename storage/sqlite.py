"""The embedded prediction log: one SQLite file, for one machine.

Readers do not block the writer nor the writer the readers (write-ahead log), so services and flows of
the same machine may share the file. It must not be on a network share.
"""

from __future__ import annotations

import sqlite3
import threading
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
from .base import SCHEMA_VERSION, BaseStore, RowBatch, RowRefused, check_schema_version
from .documents import AnyDocument, decode_document, encode_label, sample_bucket
from .fields import Column
from .interface import Coverage, JournalKind, LabelReport
from .label_updates import LabelUpdates, StoredLabel, chunks
from .predictions import Role
from .sqlite_journal import Journal
from .sqlite_schema import create_tables, schema_version, use_write_ahead_log
from .sqlite_window import window_condition
from .uris import check_collection

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
        self._journal = Journal(f"{collection}_journal")
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
                use_write_ahead_log(connection, timeout_seconds)
                found = schema_version(connection, collection)
                if found == 1 and upgrade:
                    self._upgrade(collection)
                    found = SCHEMA_VERSION
                check_schema_version(found, str(self._path))
                if found is None:
                    with self._writing():
                        create_tables(connection, collection)
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
        tally = LabelUpdates(labels, overwrite=overwrite, earlier_ids=earlier_ids)
        self._register_columns(model, tally.columns)
        with self._writing() as connection:
            tally.compare(partial(self._labelled, connection, model), _IDS_PER_QUERY)
            for key, entry in tally.history():
                self._journal.record(connection, "label", key, model, entry)
            connection.executemany(
                f"UPDATE {self._predictions} SET label = ? WHERE model = ? AND id = ? AND role = ?",
                [(codec.encode(label), model, row.id, row.role) for row, label in tally.writes],
            )
        return tally.report()

    def coverage(self, model: str, window: Window, *, role: Role = "champion") -> Coverage:
        """Count a window's predictions and labels."""
        with self._answering() as connection:
            condition, values = window_condition(connection, self._predictions, model, window, role)
            rows, labelled = connection.execute(
                f"SELECT count(*), count(label) FROM {self._predictions} WHERE {condition}", values
            ).fetchone()
        return Coverage(rows=rows, labelled=labelled)

    def prune(self, before: datetime) -> int:
        """Delete old predictions. See `PredictionStore.prune`."""
        with self._writing() as connection:
            return connection.execute(
                f"DELETE FROM {self._predictions} WHERE at < ?", [codec.to_microseconds(before)]
            ).rowcount

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key. See `PredictionStore.record`."""
        with self._writing() as connection:
            return self._journal.record(connection, kind, key, project, document)

    def journal(
        self, kind: JournalKind, project: str, *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a project's journal, newest first (in order of arrival)."""
        with self._answering() as connection:
            return self._journal.entries(connection, kind, project, limit)

    def ping(self) -> None:
        """Raise `LogUnavailable` unless the database answers."""
        with self._answering() as connection:
            connection.execute(f"SELECT 1 FROM {self._predictions} LIMIT 1").fetchone()

    def close(self) -> None:
        """Release the file. The store cannot be used afterwards."""
        with self._answering() as connection:
            connection.close()

    def _upgrade(self, collection: str) -> None:
        from .upgrade import take_old_sqlite_rows

        with self._writing() as connection:
            rows = take_old_sqlite_rows(connection, collection)
            first = next(rows, None)
            create_tables(connection, collection)
            for document in () if first is None else chain([first], rows):
                self._add_columns(document.model, document.columns)
                connection.execute(self._insertion, _row(document))

    @property
    def _insertion(self) -> str:
        return (
            f"INSERT INTO {self._predictions} (model, id, role, at, draw, body, label) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
        )

    def _labelled(
        self, connection: sqlite3.Connection, model: str, ids: list[str]
    ) -> list[StoredLabel]:
        found = connection.execute(
            f"SELECT id, role, label FROM {self._predictions} "
            f"WHERE model = ? AND id IN ({_marks(ids)})",
            [model, *ids],
        )
        return [
            StoredLabel(id, role, None if text is None else codec.decode(text))
            for id, role, text in found
        ]

    def _insert(self, documents: Sequence[AnyDocument]) -> int:
        with self._writing() as connection:
            return connection.executemany(self._insertion, map(_row, documents)).rowcount

    def _row_batches(
        self,
        model: str,
        window: Window,
        role: Role,
        below_bucket: int | None,
        fields: Sequence[str],
    ) -> Iterator[RowBatch]:
        # Rows are bodies as a whole: there is nothing to leave out of them.
        with self._answering() as connection:
            condition, values = window_condition(connection, self._predictions, model, window, role)
        if below_bucket is not None:
            condition, values = f"{condition} AND draw < ?", [*values, below_bucket]
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
            yield RowBatch(partial(b"".join, [row[2] for row in rows]), [row[3] for row in rows], 0)

    def _stored_rows(self, model: str, ids: Sequence[str], role: Role) -> Iterator[bytes]:
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
        sample_bucket(document.id),
        document.body,
        text,
    )


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
