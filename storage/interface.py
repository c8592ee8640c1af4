"""The interface of a prediction store, the same for every database.

A store holds two things. **Predictions**: one row each, found by model name, window and id. The
**journal**: append-only records (decisions, deliveries, approvals, promotions, repairs, ends of retrainings), each
with a key that can be taken once: only the first of two runs gets it, which is how they never promote or
ask at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict

from ..core.results import Window
from .documents import AnyDocument
from .predictions import Prediction, Role

if TYPE_CHECKING:
    import pyarrow as pa


JournalKind = Literal[
    "decision",
    "request",
    "delivery",
    "retraining",
    "promotion",
    "activation",
    "repair",
    "canary",
    "label",
    "notice",
    "approval",
]


class Coverage(BaseModel):
    """How many predictions a window has, and how many of them are labelled."""

    model_config = ConfigDict(frozen=True)

    rows: int
    labelled: int


class LabelReport(BaseModel):
    """What became of labels that arrived.

    Attributes:
        attached: Predictions that got a label, or the same label again.
        changed: Predictions whose earlier label was another one and was overwritten.
        unknown: Ids without a prediction; nothing was stored for them.
    """

    model_config = ConfigDict(frozen=True)

    attached: int
    changed: int
    unknown: list[str]


class PredictionStore(Protocol):
    """What a prediction log can do.

    Every method raises `LogUnavailable` when the database cannot be reached or answers with an
    error; the message names the database without credentials. A failed write leaves earlier rows
    as they were and can be repeated: ids make it idempotent.
    """

    def append(self, predictions: Sequence[Prediction]) -> int:
        """Log predictions.

        Args:
            predictions: What to log.

        Returns:
            How many were new; the others were there already and stay as they were.

        Raises:
            TypeError: If a value cannot be logged; nothing was.
        """
        ...

    def append_documents(self, documents: Sequence[AnyDocument]) -> int:
        """Log predictions that were encoded before. See `append`."""
        ...

    def read(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Role = "champion",
        sample: int | None = None,
    ) -> pa.Table:
        """Read a window, in order of time, then id. See `batches`."""
        ...

    def batches(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Role = "champion",
        sample: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read a window in order of time, then id, a part of it in memory at a time.

        Args:
            model: Registered model's name.
            window: Which predictions.
            columns: Features to read, in this order; one that was never logged is nulls. None: every
                feature that was ever logged for the model, by name.
            role: Whose predictions.
            sample: About how many rows to read of a larger window. The same rows every time, and of
                every role: which depends on the ids alone. None: all.

        Yields:
            About 8 MiB of stored rows at a time, all of one schema, at least one batch: `id`, `version`,
            `at` (timestamp[us, UTC]), `latency_seconds`, `request`, `prediction`, `label` (null while
            unknown), `score.<class>` float64 columns, and one `features.<name>` column a feature.
            `storage.columns` tells which type a column has.
        """
        ...

    def get(self, model: str, id: str, *, role: Role = "champion") -> Prediction | None:
        """Return one prediction exactly as it was logged, or None when there is none.

        Unlike in a table, a feature that was None is told from one that was not there.
        """
        ...

    def find(
        self, model: str, ids: Sequence[str], *, role: Role = "champion"
    ) -> dict[str, Prediction]:
        """Return those of some predictions that there are, exactly as they were logged.

        Args:
            model: Registered model's name.
            ids: Their ids; all of them are in memory at once.
            role: Whose predictions.

        Returns:
            Id to prediction.
        """
        ...

    def attach_labels(
        self,
        model: str,
        labels: Mapping[str, Any],
        *,
        overwrite: bool = False,
        earlier_ids: Mapping[str, Sequence[str]] | None = None,
    ) -> LabelReport:
        """Attach ground truth that arrives late and in any order, for every role.

        Args:
            model: Registered model's name.
            labels: Prediction id to label.
            overwrite: Whether a label that is known already may become another one. What it was is
                then kept in the journal `label`, whose project is the model's name. The same label
                again, however it is typed (1, 1.0, `"1"`), is no other one.
            earlier_ids: Prediction id to other ids that it may have been logged under. They are looked
                for when nothing is there under the id itself.

        Returns:
            What became of them.

        Raises:
            DataRejected: If a label is missing, or neither text, number nor boolean; or if labels that
                are known already would become others, and `overwrite` is not set. None was attached.
        """
        ...

    def coverage(
        self,
        model: str,
        window: Window,
        *,
        role: Role = "champion",
    ) -> Coverage:
        """Count a window's predictions and labels."""
        ...

    def prune(self, before: datetime) -> int:
        """Delete the predictions of every model that were made before a moment.

        Returns:
            How many there were. The journal is kept.
        """
        ...

    def record(
        self, kind: JournalKind, key: str, project: str, document: Mapping[str, Any]
    ) -> bool:
        """Append to the journal, once for each key.

        Args:
            kind: Which journal.
            key: Unique within `kind`.
            project: Name of the project.
            document: JSON-serialisable content.

        Returns:
            Whether this call took the key; False when it was taken before, and then nothing changed.
        """
        ...

    def journal(
        self, kind: JournalKind, project: str, *, limit: int | None = None
    ) -> list[dict[str, Any]]:
        """Read a project's journal, newest first (in order of arrival)."""
        ...

    def ping(self) -> None:
        """Raise `LogUnavailable` unless the database answers."""
        ...

    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
