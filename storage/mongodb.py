"""The prediction log on MongoDB, for services on several machines.

Only what every server that speaks MongoDB's wire protocol has is used: `find` with range, sort, skip
and limit, unordered inserts, updates by `_id`, counts, ordinary indexes; no transactions, no
pipelines. What users wrote never becomes an operator or a path: see `documents`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from functools import partial
from typing import Any

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, MongoClient
from pymongo.errors import BulkWriteError, DuplicateKeyError

from ..core.errors import LogUnavailable
from ..core.results import Window
from .base import SCHEMA_VERSION, BaseStore, RowBatch, check_schema_version
from .documents import AnyDocument, document_key
from .expiry import set_expiry
from .fields import Column
from .interface import Coverage, JournalKind, LabelReport
from .label_updates import LabelUpdates, chunks
from .mongodb_client import connect, database_of
from .mongodb_errors import inserted_rows, mongodb_errors, only_duplicates
from .mongodb_journal import Journal
from .mongodb_labels import find_labels, label_command
from .mongodb_window import window_filter
from .predictions import Role
from .raw_cursor import RawReplyCursor, documents_of
from .uris import check_collection, public_name

_IDS_PER_QUERY = 2_000
# FerretDB 1 keeps a connection of 100 for each update of a command, and waits for ever for the next.
_UPDATES_PER_COMMAND = 50
# What fits into a processor's cache is decoded faster; a reply more is fetched meanwhile.
_ROWS_PER_REPLY = 2_000
_WINDOW_INDEX = [(name, ASCENDING) for name in ("model", "role", "at", "id")]


class MongoStore(BaseStore):
    """A prediction log on a server that speaks MongoDB's wire protocol. Threads may share it.

    Args:
        uri: `mongodb://…/database` or `mongodb+srv://…/database`.
        collection: Prefix of the collections.
        timeout_seconds: Longest wait for the server to be found, to connect and to reply, seconds.
        retention_days: Days after which the server deletes predictions by itself, if it can. Infinite:
            it deletes none from now on. None: as it was.
        upgrade: Whether to bring an older log to the present schema.
        client: What `mongodb_client.connect` made of the URI; its maker closes it. None: one of
            its own.
        options: Passed through to `pymongo.MongoClient`.

    Raises:
        LogOutdated: If another version of the package wrote it.
        ConfigurationError: If `collection` is no prefix, or the URI or an option cannot be used.
        LogUnavailable: If the server cannot be reached or refuses.

    Example:
        >>> with MongoStore("mongodb://127.0.0.1/mlops") as store:  # doctest: +SKIP
        ...     store.ping()
    """

    def __init__(
        self,
        uri: str,
        collection: str = "mlops",
        timeout_seconds: float = 10.0,
        retention_days: float | None = None,
        *,
        upgrade: bool = False,
        client: MongoClient[dict[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        check_collection(collection)
        self._client = connect(uri, timeout_seconds, options) if client is None else client
        self._owns_client = client is None
        database = database_of(self._client)
        self._name = public_name(uri)
        self._predictions = database[f"{collection}_predictions"]
        self._fields = database[f"{collection}_columns"]
        self._schema = database[f"{collection}_schema"]
        self._journal = Journal(database[f"{collection}_journal"])
        try:
            with self._answering():
                self._open(retention_days, upgrade=upgrade)
        except LogUnavailable:
            self.close()
            raise

    @property
    def name(self) -> str:
        """Host and database."""
        return self._name

    def attach_labels(
        self,
        model: str,
        labels: Mapping[str, Any],
        *,
        overwrite: bool = False,
        earlier_ids: Mapping[str, Sequence[str]] | None = None,
    ) -> LabelReport:
        """Attach ground truth. See `PredictionStore.attach_labels`."""
        tally = LabelUpdates(labels, overwrite=overwrite, earlier_ids=earlier_ids)
        self._register_columns(model, tally.columns)
        with self._answering():
            tally.compare(partial(find_labels, self._predictions, model), _IDS_PER_QUERY)
            for key, entry in tally.history():
                self._journal.record("label", key, model, entry)
            written = sum(
                self._predictions.bulk_write(
                    [label_command(model, write) for write in some], ordered=False
                ).matched_count
                for some in chunks(tally.writes, _UPDATES_PER_COMMAND)
            )
        if written < len(tally.writes):
            raise LogUnavailable(
                f"prediction log {self._name}: {len(tally.writes) - written} predictions got a label from "
                "another writer meanwhile, or were deleted, and are as they were: attach the labels again"
            )
        return tally.report()

    def coverage(self, model: str, window: Window, *, role: Role = "champion") -> Coverage:
        """Count a window's predictions and labels."""
        with self._answering():
            found = window_filter(self._predictions, model, window, role)
            labelled = {"$or": [{"label": {"$exists": True}}, {"x_label": {"$exists": True}}]}
            return Coverage(
                rows=found.rows(self._predictions, {}),
                labelled=found.rows(self._predictions, labelled),
            )

    def prune(self, before: datetime) -> int:
        """Delete old predictions. See `PredictionStore.prune`."""
        with self._answering():
            return self._predictions.delete_many({"made": {"$lt": before}}).deleted_count

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key. See `PredictionStore.record`."""
        with self._answering():
            return self._journal.record(kind, key, project, document)

    def journal(
        self, kind: JournalKind, project: str, *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a project's journal, newest first (in order of arrival)."""
        with self._answering():
            return self._journal.entries(kind, project, limit)

    def ping(self) -> None:
        """Raise `LogUnavailable` unless the database answers."""
        with self._answering():
            self._predictions.database.command("ping")

    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""
        if self._owns_client:
            self._client.close()

    def _open(self, retention_days: float | None, *, upgrade: bool) -> None:
        found = self._version()
        if found == 1 and upgrade:
            self._upgrade()
            found = SCHEMA_VERSION
        check_schema_version(found, self._name)
        self._predictions.create_index(_WINDOW_INDEX)
        self._fields.create_index("model")
        self._journal.index()
        set_expiry(self._predictions, retention_days)

    def _version(self) -> int:
        found = self._schema.find_one({"_id": "version"})
        if found is not None:
            return found["version"]
        version = 1 if self._predictions.find_one({}, {"_id": 1}) else SCHEMA_VERSION
        with suppress(DuplicateKeyError):
            self._schema.insert_one({"_id": "version", "version": version})
        return version

    def _upgrade(self) -> None:
        from .upgrade import old_mongodb_rows, replace_in_mongodb

        for documents in old_mongodb_rows(self._predictions):
            for document in documents:
                self._register_columns(document.model, document.columns)
            replace_in_mongodb(self._predictions, documents)
        self._schema.replace_one(
            {"_id": "version"}, {"_id": "version", "version": SCHEMA_VERSION}, upsert=True
        )

    def _insert(self, documents: Sequence[AnyDocument]) -> int:
        with self._answering():
            try:
                rows = [RawBSONDocument(document.body) for document in documents]
                self._predictions.insert_many(rows, ordered=False)
                return len(rows)
            except (BSONError, BulkWriteError) as error:
                return inserted_rows(self._name, error)

    def _row_batches(
        self,
        model: str,
        window: Window,
        role: Role,
        below_bucket: int | None,
        fields: Sequence[str],
    ) -> Iterator[RowBatch]:
        with self._answering():
            rows = window_filter(self._predictions, model, window, role)
            drawn = {} if below_bucket is None else {"draw": {"$lt": below_bucket}}
            skipped = rows.skipped(self._predictions, drawn)
            cursor = RawReplyCursor(
                self._predictions,
                rows.wanted | drawn,
                {"_id": 0, **dict.fromkeys(fields, 1)},
                sort=[("at", ASCENDING), ("id", ASCENDING)],
                skip=skipped,
                batch_size=_ROWS_PER_REPLY,
            )
            reply = next(cursor, None)
            # A first reply that is also the last one is whole; of several, some may never come.
            expected = 0
            if cursor.alive:
                expected = self._predictions.count_documents(rows.wanted | drawn) - skipped
        while reply is not None:
            yield RowBatch(partial(self._stream, reply), None, expected)
            with self._answering():
                reply = next(cursor, None)

    def _stream(self, reply: Any) -> bytes:
        with self._answering():
            return documents_of(reply)

    def _stored_rows(self, model: str, ids: Sequence[str], role: Role) -> Iterator[bytes]:
        for some in chunks(ids, _IDS_PER_QUERY):
            keys = [document_key(model, id, role) for id in some]
            # FerretDB looks a single key up in its index, but no list of one.
            wanted = keys[0] if len(keys) == 1 else {"$in": keys}
            with self._answering():
                rows = list(self._predictions.find({"_id": wanted}, batch_size=_ROWS_PER_REPLY))
            yield from map(bson.encode, rows)

    def _columns(self, model: str) -> frozenset[Column]:
        with self._answering():
            found = self._fields.find({"model": model}, {"field": 1, "kind": 1})
            return frozenset((row["field"], row["kind"]) for row in found)

    def _add_columns(self, model: str, columns: Iterable[Column]) -> None:
        rows = [
            {
                "_id": json.dumps([model, *column]),
                "model": model,
                "field": column[0],
                "kind": column[1],
            }
            for column in columns
        ]
        with self._answering():
            try:
                self._fields.insert_many(rows, ordered=False)
            except BulkWriteError as error:
                if not only_duplicates(error):
                    raise

    def _answering(self) -> AbstractContextManager[None]:
        return mongodb_errors(self._name)
