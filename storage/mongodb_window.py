"""The MongoDB filter of a window's predictions, and how many rows match it."""

from __future__ import annotations

from typing import Any, NamedTuple

from pymongo import DESCENDING
from pymongo.collection import Collection

from ..core.results import Window
from . import codec
from .predictions import Role


class WindowFilter(NamedTuple):
    """Which rows are in a window: those that match, but for the first ones.

    Attributes:
        wanted: Filter of the rows.
        before: Filter of the first ones of them, which are not in the window. None: all are.
    """

    wanted: dict[str, Any]
    before: dict[str, Any] | None

    def skipped(self, predictions: Collection[dict[str, Any]], more: dict[str, Any]) -> int:
        """Count the first rows that match and are not in the window; `more` narrows the filter."""
        return 0 if self.before is None else predictions.count_documents(self.before | more)

    def rows(self, predictions: Collection[dict[str, Any]], more: dict[str, Any]) -> int:
        """Count the rows of the window; `more` narrows the filter."""
        rows = predictions.count_documents(self.wanted | more)
        return rows - self.skipped(predictions, more)


def window_filter(
    predictions: Collection[dict[str, Any]], model: str, window: Window, role: Role
) -> WindowFilter:
    """Return the filter of a window. Raises what pymongo raises.

    Args:
        predictions: Where they are: the first of the latest rows is looked up.
        model: Registered model's name.
        window: Which predictions.
        role: Whose predictions.

    Returns:
        The filter.
    """
    wanted: dict[str, Any] = {"model": model, "role": role}
    if window.start and window.end:
        start, end = codec.to_microseconds(window.start), codec.to_microseconds(window.end)
        return WindowFilter(wanted | {"at": {"$gte": start, "$lt": end}}, None)
    first = predictions.find_one(
        wanted,
        {"at": 1, "id": 1},
        sort=[("at", DESCENDING), ("id", DESCENDING)],
        skip=(window.last or 1) - 1,
    )
    if first is None:
        return WindowFilter(wanted, None)
    before = {"at": first["at"], "id": {"$lt": first["id"]}}
    return WindowFilter(wanted | {"at": {"$gte": first["at"]}}, wanted | before)
