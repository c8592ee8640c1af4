"""The SQL condition that selects a window's predictions in SQLite."""

from __future__ import annotations

import sqlite3
from typing import Any

from ..core.results import Window
from . import codec
from .predictions import Role


def window_condition(
    connection: sqlite3.Connection, table: str, model: str, window: Window, role: Role
) -> tuple[str, list[Any]]:
    """Return what the rows of a window have in common. Raises what sqlite3 raises.

    Args:
        connection: Where the first of the latest rows is looked up.
        table: Where predictions are.
        model: Registered model's name.
        window: Which predictions.
        role: Whose predictions.

    Returns:
        A condition in SQL, and the values of its parameters.
    """
    condition = "model = ? AND role = ?"
    if window.start and window.end:
        bounds = [codec.to_microseconds(window.start), codec.to_microseconds(window.end)]
        return f"{condition} AND at >= ? AND at < ?", [model, role, *bounds]
    first = connection.execute(
        f"SELECT at, id FROM {table} WHERE {condition} ORDER BY at DESC, id DESC LIMIT 1 OFFSET ?",
        [model, role, (window.last or 1) - 1],
    ).fetchone()
    if first is None:
        return condition, [model, role]
    return f"{condition} AND (at, id) >= (?, ?)", [model, role, *first]
