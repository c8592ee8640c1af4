"""Retention on MongoDB: a TTL index with which the server deletes old predictions."""

from __future__ import annotations

from math import isinf
from typing import Any

from pymongo import ASCENDING
from pymongo.collection import Collection
from pymongo.errors import OperationFailure

_INDEX_CONFLICT = 85


def set_expiry(predictions: Collection[dict[str, Any]], days: float | None) -> None:
    """Let the server delete old predictions, unless it cannot: then `prune` does.

    Args:
        predictions: Where they are.
        days: Age. Infinite: it deletes none from now on. None: what it does already.
    """
    if days is None:
        return
    if isinf(days):
        for name, index in predictions.index_information().items():
            if index["key"] == [("made", ASCENDING)] and "expireAfterSeconds" in index:
                predictions.drop_index(name)
        return
    seconds = max(1, round(days * 86_400))
    try:
        predictions.create_index("made", expireAfterSeconds=seconds)
    except OperationFailure as error:
        if error.code == _INDEX_CONFLICT:
            keys = {"keyPattern": {"made": 1}, "expireAfterSeconds": seconds}
            predictions.database.command("collMod", predictions.name, index=keys)
        elif "expireAfterSeconds" in str(error):
            predictions.create_index("made")
        else:
            raise
