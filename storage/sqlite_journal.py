"""The journal on SQLite: what happened to a project, once for each key."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from .interface import JournalKind


class Journal:
    """Entries in order of arrival. Raises what sqlite3 raises.

    Args:
        table: Where they are.
    """

    def __init__(self, table: str) -> None:
        self._table = table

    def record(
        self,
        connection: sqlite3.Connection,
        kind: JournalKind,
        key: str,
        project: str,
        document: Mapping[str, Any],
    ) -> bool:
        """Append an entry, in a transaction that was begun. See `PredictionStore.record`."""
        insertion = (
            f"INSERT INTO {self._table} (kind, key, project, document) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (kind, key) DO NOTHING"
        )
        row = (kind, key, project, json.dumps(document))
        return connection.execute(insertion, row).rowcount == 1

    def entries(
        self,
        connection: sqlite3.Connection,
        kind: JournalKind,
        project: str,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Return a project's entries, newest first, at most so many."""
        rows = connection.execute(
            f"SELECT document FROM {self._table} WHERE kind = ? AND project = ? "
            "ORDER BY sequence DESC LIMIT ?",
            (kind, project, -1 if limit is None else limit),
        ).fetchall()
        return [json.loads(text) for (text,) in rows]
