"""The journal on MongoDB: what happened to a project, once for each key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, DuplicateKeyError

from .interface import JournalKind

_INDEX = [("kind", ASCENDING), ("project", ASCENDING), ("sequence", DESCENDING)]
_ENTRIES_PER_REPLY = 2_000


class Journal:
    """Entries in order of arrival. Raises what pymongo raises.

    Args:
        collection: Where they are.
    """

    def __init__(self, collection: Collection[dict[str, Any]]) -> None:
        self._collection = collection

    def index(self) -> None:
        """Make the index that `entries` reads by."""
        self._collection.create_index(_INDEX)

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append an entry. See `PredictionStore.record`."""
        entry: dict[str, Any] = {
            "_id": json.dumps([kind, key]),
            "kind": kind,
            "project": project,
            "document": json.dumps(document),
            "claim": uuid4().hex,
            "sequence": self._next(kind, project),
        }
        try:
            self._collection.insert_one(entry)
        except DuplicateKeyError:
            return False
        except AutoReconnect:
            # The connection broke: whether the server took the key is for the server to say.
            return self._holds(entry)
        return True

    def entries(
        self, kind: JournalKind, project: str, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Return a project's entries, newest first, at most so many."""
        if limit == 0:
            return []
        entries = list(
            self._collection.find({"kind": kind, "project": project}, {"document": 1})
            .sort([("sequence", DESCENDING), ("_id", DESCENDING)])
            .limit(limit or 0)
            .batch_size(_ENTRIES_PER_REPLY)
        )
        return [json.loads(entry["document"]) for entry in entries]

    def _next(self, kind: str, project: str) -> int:
        """Return a number above that of every entry that arrived before."""
        latest = self._collection.find_one(
            {"kind": kind, "project": project}, {"sequence": 1}, sort=[("sequence", DESCENDING)]
        )
        return 1 + (latest["sequence"] if latest else 0)

    def _holds(self, entry: Mapping[str, Any]) -> bool:
        found = self._collection.find_one({"_id": entry["_id"]}, {"claim": 1})
        if found is None:
            raise AutoReconnect("the connection broke before the entry arrived")
        return found["claim"] == entry["claim"]
