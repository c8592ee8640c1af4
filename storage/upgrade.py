"""Migrates a prediction log that an earlier version of the package wrote to the present schema.

| version | a row |
| --- | --- |
| 1 | features and scores as JSON text; one a model and id |
| 2 | a flat BSON document (`documents`); one a model, id and role |

Stop what writes to the log first.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReplaceOne
from pymongo.collection import Collection

from . import codec
from .documents import Document, document_key, encode_row

_ROWS = 500
_WRITES_PER_COMMAND = 50
_FIELDS_1 = ("model", "id", "role", "version", "at", "features", "prediction", "score", "label")


def take_old_sqlite_rows(connection: sqlite3.Connection, collection: str) -> Iterator[Document]:
    """Set the rows of version 1 aside in a transaction that was begun, and yield them encoded.

    They are deleted once the last one was taken.
    """
    aside = f"{collection}_predictions_1"
    connection.execute(f"ALTER TABLE {collection}_predictions RENAME TO {aside}")
    connection.execute(f"DROP INDEX {collection}_predictions_window")
    for row in connection.execute(f"SELECT {', '.join(_FIELDS_1)} FROM {aside}"):
        yield _encoded(dict(zip(_FIELDS_1, row, strict=True)))
    connection.execute(f"DROP TABLE {aside}")


def old_mongodb_rows(predictions: Collection[dict[str, Any]]) -> Iterator[list[Document]]:
    """Yield the rows of version 1 encoded, a part at a time: those that are still there."""
    while rows := list(predictions.find({"features": {"$exists": True}}, limit=_ROWS)):
        yield [_encoded(row) for row in rows]


def replace_in_mongodb(predictions: Collection[dict[str, Any]], documents: list[Document]) -> None:
    """Put rows in the place of those of version 1. Interrupted, it goes on when called again."""
    writes: list[ReplaceOne[Any] | DeleteOne] = []
    for document in documents:
        key = document_key(document.model, document.id, document.role)
        writes.append(ReplaceOne({"_id": key}, RawBSONDocument(document.body), upsert=True))
        if document.role != "champion":
            writes.append(DeleteOne({"_id": document_key(document.model, document.id)}))
    for begin in range(0, len(writes), _WRITES_PER_COMMAND):
        # In order: a row is there under its new key before it goes under the old one.
        predictions.bulk_write(writes[begin : begin + _WRITES_PER_COMMAND], ordered=True)


def _encoded(row: Mapping[str, Any]) -> Document:
    texts = {name: row[name] for name in ("features", "prediction", "score", "label")}
    values: dict[str, Any] = {
        name: None if text is None else _decode(text) for name, text in texts.items()
    }
    names: dict[str, Any] = {name: row[name] for name in ("model", "id", "role", "version")}
    return encode_row(**names, at=codec.from_microseconds(row["at"]), **values)


def _decode(text: str) -> Any:
    """Read the text of version 1: a scalar, or names to scalars, datetimes as `{"datetime": …}`."""
    value = json.loads(text)
    if type(value) is not dict:
        return value
    return {
        name: codec.decode(json.dumps(item)) if type(item) is dict else item
        for name, item in value.items()
    }
