"""Compares labels that arrive with those stored, and decides which predictions to update."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from ..core.errors import DataRejected
from .codec import is_missing_label, python_scalar
from .documents import encode_label
from .fields import Column
from .interface import LabelReport

_CHANGES_PER_ENTRY = 1_000
_EXAMPLES = 3
_Item = TypeVar("_Item")


class StoredLabel(NamedTuple):
    """A prediction that is there, and its label.

    Attributes:
        id: Its id.
        role: Who predicted.
        label: Its label; None while it is unknown.
    """

    id: str
    role: str
    label: Any


class LabelUpdate(NamedTuple):
    """A label to store.

    Attributes:
        row: The prediction as it was found.
        label: The new label.
    """

    row: StoredLabel
    label: Any

    @property
    def changes(self) -> bool:
        """Whether the prediction had another label."""
        return self.row.label is not None


class LabelUpdates:
    """Labels on their way to a database, and the count of what becomes of them.

    Args:
        labels: Prediction id to label.
        overwrite: Whether known labels may become others.
        earlier_ids: Prediction id to other ids that it may have been logged under.

    Attributes:
        writes: What to store, once `compare` returned.

    Raises:
        DataRejected: If a label is missing, or neither text, number nor boolean.
    """

    def __init__(
        self,
        labels: Mapping[str, Any],
        *,
        overwrite: bool,
        earlier_ids: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self._labels = {id: python_scalar(label) for id, label in labels.items()}
        self._overwrite, self._earlier_ids = overwrite, earlier_ids or {}
        self._attached = 0
        self._changed: list[str] = []
        self._unknown: list[str] = []
        self.writes: list[LabelUpdate] = []
        for id, label in self._labels.items():
            if is_missing_label(label) or not isinstance(label, (str, int, float)):
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

    def compare(self, find: Callable[[list[str]], Iterable[StoredLabel]], size: int) -> None:
        """Compare the labels with what the database holds.

        Args:
            find: Returns the rows that have one of some ids: champion and challenger may both have
                predicted one.
            size: How many ids it takes at most.

        Raises:
            DataRejected: If known labels would become others, and may not.
        """
        missing: list[str] = []
        for ids in chunks(sorted(self._labels), size):
            rows = _by_id(find(ids))
            for id in ids:
                if id in rows:
                    self._take(id, rows[id])
                else:
                    missing.append(id)
        self._compare_earlier(missing, find, size)
        if self._changed and not self._overwrite:
            self._refuse()

    def report(self) -> LabelReport:
        """Return the count."""
        return LabelReport(
            attached=self._attached, changed=len(self._changed), unknown=sorted(self._unknown)
        )

    def history(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield key and content of the journal entries about labels that become others."""
        at = datetime.now(UTC).isoformat()
        changes = [write for write in self.writes if write.changes]
        for part in chunks(changes, _CHANGES_PER_ENTRY):
            rows = [
                {"id": row.id, "role": row.role, "before": row.label, "after": label}
                for row, label in part
            ]
            yield uuid4().hex, {"at": at, "changed": rows}

    def _compare_earlier(
        self, missing: list[str], find: Callable[[list[str]], Iterable[StoredLabel]], size: int
    ) -> None:
        others = [(other, id) for id in missing for other in self._earlier_ids.get(id, ())]
        found: dict[str, list[StoredLabel]] = {}
        for part in chunks(others, size):
            rows = _by_id(find([other for other, _ in part]))
            for other, id in part:
                found.setdefault(id, []).extend(rows.get(other, ()))
        for id in missing:
            if found.get(id):
                self._take(id, found[id])
            else:
                self._unknown.append(id)

    def _take(self, id: str, rows: list[StoredLabel]) -> None:
        label = self._labels[id]
        others = [row for row in rows if row.label is None or not _same(row.label, label)]
        if any(row.label is not None for row in others):
            self._changed.append(id)
        else:
            self._attached += 1
        self.writes += [LabelUpdate(row, label) for row in others]

    def _refuse(self) -> None:
        changes = [write for write in self.writes if write.changes][:_EXAMPLES]
        shown = ", ".join(f"{w.row.id!r} from {w.row.label!r} to {w.label!r}" for w in changes)
        raise DataRejected(
            f"{len(self._changed)} of {len(self._labels)} labels would change one that is known already, "
            f"such as {shown}; none was attached. Leave them out or, if they are right, attach them with "
            "overwrite=True",
            column="label",
        )


def _same(before: Any, after: Any) -> bool:
    if before == after:
        return True
    from ..data.class_labels import class_text, match_classes

    return match_classes([after], [class_text(before)]) != [None]


def _by_id(rows: Iterable[StoredLabel]) -> dict[str, list[StoredLabel]]:
    found: dict[str, list[StoredLabel]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row)
    return found


def chunks(items: Sequence[_Item], size: int) -> Iterator[list[_Item]]:
    """Yield items in order, at most `size` at a time."""
    for begin in range(0, len(items), size):
        yield list(items[begin : begin + size])
