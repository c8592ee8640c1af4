"""Decides what becomes of labels that arrive, whatever database they go to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import DataRejected
from .codec import is_missing, plain
from .documents import encode_label
from .fields import Column
from .interface import LabelReport


class LabelTally:
    """Labels on their way to a database, and the count of what became of them.

    Args:
        labels: Prediction id to label.

    Raises:
        DataRejected: If a label is missing, or neither text, number nor boolean.
    """

    def __init__(self, labels: Mapping[str, Any]) -> None:
        self._labels = {id: plain(label) for id, label in labels.items()}
        self._attached = 0
        self._changed = 0
        self._unknown: list[str] = []
        for id, label in self._labels.items():
            if is_missing(label) or not isinstance(label, (str, int, float)):
                raise DataRejected(
                    f"label of prediction {id!r} is {label!r}: expected text, a number or a boolean; "
                    "leave out the predictions whose label is not known yet",
                    column="label",
                )

    @property
    def columns(self) -> frozenset[Column]:
        """Kinds of the labels."""
        return frozenset[Column]().union(
            *(encode_label(label)[1] for label in self._labels.values())
        )

    def chunks(self, size: int) -> Iterator[list[str]]:
        """Yield the prediction ids in order, at most `size` at a time."""
        ids = sorted(self._labels)
        for begin in range(0, len(ids), size):
            yield ids[begin : begin + size]

    def to_write(self, ids: Sequence[str], found: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        """Compare labels with what the database holds, and count.

        Args:
            ids: Prediction ids of one chunk.
            found: Id and earlier label, None while unknown, of every row that has one of them: champion
                and challenger may both have predicted one.

        Returns:
            Ids and labels to store: the new and the changed ones.
        """
        earlier: dict[str, list[Any]] = {}
        for id, label in found:
            earlier.setdefault(id, []).append(label)
        writes = {}
        for id in ids:
            if id not in earlier:
                self._unknown.append(id)
                continue
            label = self._labels[id]
            changed = any(before is not None and before != label for before in earlier[id])
            self._changed += changed
            self._attached += not changed
            if any(before is None or before != label for before in earlier[id]):
                writes[id] = label
        return writes

    def report(self) -> LabelReport:
        """Return the count."""
        return LabelReport(
            attached=self._attached, changed=self._changed, unknown=list(self._unknown)
        )
