"""Reads and updates the labels of predictions on MongoDB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pymongo import UpdateOne
from pymongo.collection import Collection

from . import codec
from .documents import document_key, encode_label
from .label_updates import LabelUpdate, StoredLabel
from .predictions import Role

_ROLES: tuple[Role, ...] = get_args(Role)
_ROWS_PER_REPLY = 2_000


def find_labels(
    predictions: Collection[dict[str, Any]], model: str, ids: list[str]
) -> list[StoredLabel]:
    """Return the predictions that have one of some ids, in any role, with their labels."""
    keys = [document_key(model, id, role) for id in ids for role in _ROLES]
    rows = predictions.find(
        {"_id": {"$in": keys}},
        {"id": 1, "role": 1, "label": 1, "x_label": 1},
        batch_size=_ROWS_PER_REPLY,
    )
    return [StoredLabel(row["id"], row["role"], _label(row)) for row in rows]


def label_command(model: str, write: LabelUpdate) -> UpdateOne:
    """Return the update of one row, if its label is still the one that was found."""
    row = write.row
    found = {} if row.label is None else encode_label(row.label)[0]
    as_found = {field: found.get(field, {"$exists": False}) for field in ("label", "x_label")}
    fields, _ = encode_label(write.label)
    [other] = {"label", "x_label"} - set(fields)
    return UpdateOne(
        {"_id": document_key(model, row.id, row.role), **as_found},
        {"$set": fields, "$unset": {other: ""}},
    )


def _label(row: Mapping[str, Any]) -> Any:
    return codec.decode(row["x_label"]) if "x_label" in row else row.get("label")
