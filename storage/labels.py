"""Decides what becomes of labels that arrive, whatever database they go to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..core.errors import DataRejected
from .codec import decode, encode, is_missing, plain
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

    def chunks(self, size: int) -> Iterator[list[str]]:
        """Yield the prediction ids in order, at most `size` at a time."""
        ids = sorted(self._labels)
        for begin in range(0, len(ids), size):
            yield ids[begin : begin + size]

    def to_write(
        self, ids: Sequence[str], found: Mapping[str, str | None]
    ) -> list[tuple[str, str]]:
        """Compare labels with what the database holds, and count.

        Args:
            ids: Prediction ids of one chunk.
            found: Ids of it that have a prediction, to their earlier label as stored.

        Returns:
            Ids and labels to store: the new and the changed ones.
        """
        writes = []
        for id in ids:
            if id not in found:
                self._unknown.append(id)
                continue
            earlier, label = found[id], self._labels[id]
            if earlier is not None and decode(earlier) == label:
                self._attached += 1
                continue
            self._attached += earlier is None
            self._changed += earlier is not None
            writes.append((id, encode(label)))
        return writes

    def report(self) -> LabelReport:
        """Return the count."""
        return LabelReport(
            attached=self._attached, changed=self._changed, unknown=list(self._unknown)
        )
