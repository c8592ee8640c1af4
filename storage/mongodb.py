"""The prediction log on MongoDB, for services on several machines.

Only what every server that speaks MongoDB's wire protocol has is used: `find` with range, sort, skip
and limit, unordered inserts, updates by `_id`, counts, ordinary indexes; no transactions, no
pipelines. What users wrote never becomes an operator or a path: see `documents`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from typing import Any, get_args

import bson
from bson.errors import BSONError
from bson.raw_bson import RawBSONDocument
from pymongo import ASCENDING, DESCENDING, MongoClient, UpdateOne
from pymongo.errors import (
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)

from ..core.errors import LogUnavailable
from ..core.results import Window
from . import codec
from .base import SCHEMA_VERSION, BaseStore, PartlyWritten, Reply, RowRefused, check_version
from .documents import AnyDocument, encode_label, key_of
from .expiry import expire
from .fields import Column
from .interface import Coverage, JournalKind, LabelReport
from .label_updates import Labelled, LabelTally, LabelWrite, chunks
from .mongodb_client import connect, database_of
from .mongodb_journal import Journal
from .predictions import Role
from .raw_cursor import Replies, stream
from .uris import check_collection, name_of

_DUPLICATE = 11000
# BadValue, FailedToParse, TypeMismatch, InvalidBSON, DollarPrefixedFieldName, EmptyFieldName,
# DottedFieldName, DocumentValidationFailure, BSONObjectTooLarge, KeyTooLong:
# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_WRONG_DOCUMENT = {2, 9, 14, 22, 52, 56, 57, 121, 10334, 17280}
_IDS_PER_QUERY = 2_000
# FerretDB 1 keeps a connection of 100 for each update of a command, and waits for ever for the next.
_UPDATES_PER_COMMAND = 50
# What fits into a processor's cache is decoded faster; a reply more is fetched meanwhile.
_ROWS_PER_REPLY = 2_000
_WINDOW_INDEX = [(name, ASCENDING) for name in ("model", "role", "at", "id")]
_ROLES: tuple[Role, ...] = get_args(Role)


class MongoStore(BaseStore):
    """A prediction log on a server that speaks MongoDB's wire protocol. Threads may share it.

    Args:
        uri: `mongodb://…/database` or `mongodb+srv://…/database`.
        collection: Prefix of the collections.
        timeout_seconds: Longest wait for the server to be found, to connect and to reply, seconds.
        retention_days: Days after which the server deletes predictions by itself, if it can. Infinite:
            it deletes none from now on. None: as it was.
        upgrade: Whether to bring an older log to the present schema.
        client: What `mongodb_client.connect` made of the URI; whoever made it closes it. None: one of
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
        self._name = name_of(uri)
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
        tally = LabelTally(labels, overwrite=overwrite, earlier_ids=earlier_ids)
        self._list(model, tally.columns)
        with self._answering():
            tally.compare(partial(self._labelled, model), _IDS_PER_QUERY)
            for key, entry in tally.history():
                self._journal.record("label", key, model, entry)
            written = sum(
                self._predictions.bulk_write(
                    [_labelling(model, write) for write in some], ordered=False
                ).matched_count
                for some in chunks(tally.writes, _UPDATES_PER_COMMAND)
            )
        if written < len(tally.writes):
            raise LogUnavailable(
                f"prediction log {self._name}: {len(tally.writes) - written} predictions got a label from "
                "somebody else meanwhile, or were deleted, and are as they were: attach the labels again"
            )
        return tally.report()

    def coverage(self, model: str, window: Window, *, role: Role = "champion") -> Coverage:
        """Count a window's predictions and labels."""
        with self._answering():
            limits = self._limits(model, window, role)
            labelled = {"$or": [{"label": {"$exists": True}}, {"x_label": {"$exists": True}}]}
            rows, before = self._count(*limits, {})
            known, earlier = self._count(*limits, labelled)
            return Coverage(rows=rows - before, labelled=known - earlier)

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
        check_version(found, self._name)
        self._predictions.create_index(_WINDOW_INDEX)
        self._fields.create_index("model")
        self._journal.index()
        expire(self._predictions, retention_days)

    def _version(self) -> int:
        found = self._schema.find_one({"_id": "version"})
        if found is not None:
            return found["version"]
        version = 1 if self._predictions.find_one({}, {"_id": 1}) else SCHEMA_VERSION
        with suppress(DuplicateKeyError):
            self._schema.insert_one({"_id": "version", "version": version})
        return version

    def _upgrade(self) -> None:
        from .upgrade import replace_in_mongodb, replies_of_mongodb

        for documents in replies_of_mongodb(self._predictions):
            for document in documents:
                self._list(document.model, document.columns)
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
            except BSONError as error:
                raise RowRefused(self._message(error)) from None
            except BulkWriteError as error:
                taken = error.details["nInserted"]
                codes = {failure["code"] for failure in _failures(error)} - {_DUPLICATE}
                if codes:
                    kind = RowRefused if codes <= _WRONG_DOCUMENT else PartlyWritten
                    raise kind(self._message(error), taken) from None
                return taken

    def _replies(
        self, model: str, window: Window, role: Role, below: int | None, fields: Sequence[str]
    ) -> Iterator[Reply]:
        with self._answering():
            wanted, before = self._limits(model, window, role)
            drawn = {} if below is None else {"draw": {"$lt": below}}
            skipped = 0 if before is None else self._predictions.count_documents(before | drawn)
            cursor = Replies(
                self._predictions,
                wanted | drawn,
                {"_id": 0, **dict.fromkeys(fields, 1)},
                sort=[("at", ASCENDING), ("id", ASCENDING)],
                skip=skipped,
                batch_size=_ROWS_PER_REPLY,
            )
            reply = next(cursor, None)
            # A first reply that is also the last one is whole; of several, some may never come.
            expected = 0
            if cursor.alive:
                expected = self._predictions.count_documents(wanted | drawn) - skipped
        while reply is not None:
            yield Reply(partial(self._stream, reply), None, expected)
            with self._answering():
                reply = next(cursor, None)

    def _stream(self, reply: Any) -> bytes:
        with self._answering():
            return stream(reply)

    def _labelled(self, model: str, ids: list[str]) -> list[Labelled]:
        keys = [key_of(model, id, role) for id in ids for role in _ROLES]
        rows = self._predictions.find(
            {"_id": {"$in": keys}},
            {"id": 1, "role": 1, "label": 1, "x_label": 1},
            batch_size=_ROWS_PER_REPLY,
        )
        return [Labelled(row["id"], row["role"], _label(row)) for row in rows]

    def _bodies(self, model: str, ids: Sequence[str], role: Role) -> Iterator[bytes]:
        for some in chunks(ids, _IDS_PER_QUERY):
            keys = [key_of(model, id, role) for id in some]
            with self._answering():
                rows = list(
                    self._predictions.find({"_id": {"$in": keys}}, batch_size=_ROWS_PER_REPLY)
                )
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
                if {failure["code"] for failure in _failures(error)} != {_DUPLICATE}:
                    raise

    def _limits(
        self, model: str, window: Window, role: Role
    ) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Return a filter, and one for those of its first rows that are not in the window."""
        wanted: dict[str, Any] = {"model": model, "role": role}
        if window.start and window.end:
            start, end = codec.microseconds(window.start), codec.microseconds(window.end)
            return wanted | {"at": {"$gte": start, "$lt": end}}, None
        first = self._predictions.find_one(
            wanted,
            {"at": 1, "id": 1},
            sort=[("at", DESCENDING), ("id", DESCENDING)],
            skip=(window.last or 1) - 1,
        )
        if first is None:
            return wanted, None
        before = {"at": first["at"], "id": {"$lt": first["id"]}}
        return wanted | {"at": {"$gte": first["at"]}}, wanted | before

    def _count(
        self, wanted: dict[str, Any], before: dict[str, Any] | None, more: dict[str, Any]
    ) -> tuple[int, int]:
        count = self._predictions.count_documents
        return count(wanted | more), 0 if before is None else count(before | more)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (PyMongoError, BSONError) as error:
            # Not chained: pymongo's full message quotes whole documents.
            raise LogUnavailable(self._message(error)) from None

    def _message(self, error: Exception) -> str:
        return (
            f"prediction log {self._name}: {_reason(error)}; expected a MongoDB server that answers and "
            "lets this user read and write"
        )


def _labelling(model: str, write: LabelWrite) -> UpdateOne:
    """Return the update of one row, if its label is still the one that was found."""
    row = write.row
    found = {} if row.label is None else encode_label(row.label)[0]
    as_found = {field: found.get(field, {"$exists": False}) for field in ("label", "x_label")}
    fields, _ = encode_label(write.label)
    [other] = {"label", "x_label"} - set(fields)
    return UpdateOne(
        {"_id": key_of(model, row.id, row.role), **as_found},
        {"$set": fields, "$unset": {other: ""}},
    )


def _label(row: Mapping[str, Any]) -> Any:
    return codec.decode(row["x_label"]) if "x_label" in row else row.get("label")


def _failures(error: BulkWriteError) -> list[dict[str, Any]]:
    return [*error.details["writeErrors"], *error.details["writeConcernErrors"]]


def _reason(error: Exception) -> str:
    if isinstance(error, BulkWriteError):
        messages = [failure["errmsg"] for failure in _failures(error)]
        reason = f"{len(messages)} writes failed, first: {messages[0] if messages else 'unknown'}"
    elif isinstance(error, OperationFailure) and error.details:
        reason = str(error.details.get("errmsg", error.code))
    else:
        reason = str(error).partition(" (configured")[0].partition(", Timeout:")[0]
    return f"{type(error).__name__}: {reason[:300]}"
