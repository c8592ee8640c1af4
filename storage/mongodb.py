"""The prediction log on MongoDB, for services on several machines.

Only what every server that speaks MongoDB's wire protocol has is used: `find` with range, sort and
limit, unordered inserts, updates by `_id`, counts, ordinary indexes; no transactions, no pipelines.
What users wrote (feature names, labels, ids) only ever becomes text values, never field names or
operators: see `codec`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

from bson.errors import BSONError
from pymongo import ASCENDING, DESCENDING, MongoClient, ReadPreference, UpdateOne
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)

from ..core.errors import ConfigurationError, LogUnavailable
from ..core.results import Window
from . import codec
from .interface import Coverage, JournalKind, LabelReport, Prediction
from .labels import LabelTally
from .open import check_collection

if TYPE_CHECKING:
    import pyarrow as pa

_DUPLICATE = 11000
_IDS_PER_QUERY = 2_000
# FerretDB 1 keeps a connection of 100 for each update of a command, and waits for ever for the next.
_UPDATES_PER_COMMAND = 50
_ROWS_PER_REPLY = 5_000


class MongoStore:
    """A prediction log on a server that speaks MongoDB's wire protocol. Threads may share it.

    Args:
        uri: `mongodb://…/database` or `mongodb+srv://…/database`.
        collection: Prefix of the collections.
        timeout_seconds: Longest wait for the server to be found, to connect and to reply, seconds.
        options: Passed through to `pymongo.MongoClient`.

    Raises:
        ConfigurationError: If `collection` is no prefix, or the URI or an option cannot be used.
        LogUnavailable: If the server cannot be reached or refuses.

    Example:
        >>> with MongoStore("mongodb://127.0.0.1/mlops") as store:  # doctest: +SKIP
        ...     store.ping()
    """

    def __init__(
        self, uri: str, collection: str = "mlops", timeout_seconds: float = 10.0, **options: Any
    ) -> None:
        check_collection(collection)
        milliseconds = max(1, round(timeout_seconds * 1000))
        limits = {
            "serverSelectionTimeoutMS": milliseconds,
            "connectTimeoutMS": milliseconds,
            "socketTimeoutMS": milliseconds,
        }
        try:
            self._client: MongoClient[dict[str, Any]] = MongoClient(uri, **{**limits, **options})
            # Replies of a secondary may lack the latest writes: a window would be short.
            database = self._client.get_default_database(read_preference=ReadPreference.PRIMARY)
        except (PyMongoError, ValueError, TypeError, OSError) as error:
            # pymongo's own message may quote the URI.
            raise ConfigurationError(
                f"the MongoDB URI or an option cannot be used ({type(error).__name__}): expected "
                "mongodb://user:password@host:port/database, user and password percent-encoded; "
                f"options given: {sorted(options)}"
            ) from None
        self._name = uri.partition("://")[2].partition("?")[0].rpartition("@")[2]
        self._predictions = database[f"{collection}_predictions"]
        self._journal = database[f"{collection}_journal"]
        try:
            with self._answering():
                self._predictions.create_index(
                    [(name, ASCENDING) for name in ("model", "role", "at", "id")]
                )
                self._journal.create_index(
                    [("kind", ASCENDING), ("project", ASCENDING), ("sequence", DESCENDING)]
                )
        except LogUnavailable:
            self._client.close()
            raise

    def append(self, predictions: Sequence[Prediction]) -> int:
        """Log predictions, each of them whole. See `PredictionStore.append`."""
        documents = [
            {"_id": _key(prediction.model, prediction.id)}
            | dict(zip(codec.FIELDS, codec.encode_prediction(prediction), strict=True))
            for prediction in predictions
        ]
        if not documents:
            return 0
        with self._answering():
            try:
                return len(self._predictions.insert_many(documents, ordered=False).inserted_ids)
            except BulkWriteError as error:
                if {failure["code"] for failure in _failures(error)} != {_DUPLICATE}:
                    raise
                return error.details["nInserted"]

    def read(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Literal["champion", "challenger"] = "champion",
    ) -> pa.Table:
        """Read a window. See `PredictionStore.read`."""
        rows = self._select(codec.READ_FIELDS, model, window, role)
        return codec.table_of(rows, columns)

    def attach_labels(self, model: str, labels: Mapping[str, Any]) -> LabelReport:
        """Attach ground truth. See `PredictionStore.attach_labels`."""
        tally = LabelTally(labels)
        with self._answering():
            for ids in tally.chunks(_IDS_PER_QUERY):
                keys = {_key(model, id): id for id in ids}
                found = {
                    keys[document["_id"]]: document["label"]
                    for document in self._predictions.find(
                        {"_id": {"$in": list(keys)}}, {"label": 1}, batch_size=_ROWS_PER_REPLY
                    )
                }
                updates = [
                    UpdateOne({"_id": _key(model, id)}, {"$set": {"label": text}})
                    for id, text in tally.to_write(ids, found)
                ]
                for begin in range(0, len(updates), _UPDATES_PER_COMMAND):
                    self._predictions.bulk_write(
                        updates[begin : begin + _UPDATES_PER_COMMAND], ordered=False
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
        if window.last is not None:
            rows = self._select(["at", "label"], model, window, role)
            return Coverage(rows=len(rows), labelled=sum(label is not None for _, label in rows))
        wanted = _filter(model, window, role)
        with self._answering():
            return Coverage(
                rows=self._predictions.count_documents(wanted),
                labelled=self._predictions.count_documents(wanted | {"label": {"$ne": None}}),
            )

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key. See `PredictionStore.record`."""
        entry: dict[str, Any] = {
            "_id": _key(kind, key),
            "kind": kind,
            "project": project,
            "document": json.dumps(document),
            "claim": uuid4().hex,
        }
        with self._answering():
            entry["sequence"] = self._next(kind, project)
            try:
                self._journal.insert_one(entry)
            except DuplicateKeyError:
                return False
            except AutoReconnect:
                # The connection broke: whether the server took the key is for the server to say.
                return self._holds(entry)
        return True

    def journal(
        self, kind: JournalKind, project: str, *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a project's journal, newest first (in order of arrival)."""
        if limit == 0:
            return []
        with self._answering():
            entries = list(
                self._journal.find({"kind": kind, "project": project}, {"document": 1})
                .sort([("sequence", DESCENDING), ("_id", DESCENDING)])
                .limit(limit or 0)
                .batch_size(_ROWS_PER_REPLY)
            )
        return [json.loads(entry["document"]) for entry in entries]

    def ping(self) -> None:
        """Raise `LogUnavailable` unless the database answers."""
        with self._answering():
            self._predictions.database.command("ping")

    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _select(
        self, fields: Sequence[str], model: str, window: Window, role: str
    ) -> list[tuple[Any, ...]]:
        wanted = _filter(model, window, role)
        order = ASCENDING if window.last is None else DESCENDING
        limit: dict[str, Any] = {} if window.last is None else {"limit": window.last}
        with self._answering():
            expected = self._predictions.count_documents(wanted, **limit)
            documents = (
                self._predictions.find(wanted, {"_id": 0, **dict.fromkeys(fields, 1)})
                .sort([("at", order), ("id", order)])
                .limit(window.last or 0)
                .batch_size(_ROWS_PER_REPLY)
            )
            rows = list(map(itemgetter(*fields), documents))
        # Predictions are never deleted: fewer than there were means that the server lost its place.
        if len(rows) < expected:
            raise LogUnavailable(
                f"prediction log {self._name}: {len(rows)} of {expected} predictions arrived before "
                "the server's reply ended; read again"
            )
        return rows if order == ASCENDING else rows[::-1]

    def _next(self, kind: str, project: str) -> int:
        """Return a number above that of every entry that arrived before."""
        latest = self._journal.find_one(
            {"kind": kind, "project": project}, {"sequence": 1}, sort=[("sequence", DESCENDING)]
        )
        return 1 + (latest["sequence"] if latest else 0)

    def _holds(self, entry: Mapping[str, Any]) -> bool:
        found = self._journal.find_one({"_id": entry["_id"]}, {"claim": 1})
        if found is None:
            raise AutoReconnect("the connection broke before the entry arrived")
        return found["claim"] == entry["claim"]

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (PyMongoError, BSONError) as error:
            # Not chained: pymongo's full message quotes whole documents.
            raise LogUnavailable(
                f"prediction log {self._name}: {_reason(error)}; expected a MongoDB server that "
                "answers and lets this user read and write"
            ) from None


def _key(*parts: str) -> str:
    return json.dumps(parts)


def _filter(model: str, window: Window, role: str) -> dict[str, Any]:
    wanted: dict[str, Any] = {"model": model, "role": role}
    if window.start and window.end:
        wanted["at"] = {
            "$gte": codec.microseconds(window.start),
            "$lt": codec.microseconds(window.end),
        }
    return wanted


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
