"""The base class of the prediction stores: encoding, the list of columns, and reading windows."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Self

from ..core.errors import LogOutdated, LogUnavailable
from ..core.results import Window
from .documents import SAMPLE_BUCKETS, AnyDocument, decode_document, encode_prediction
from .fields import Column
from .interface import Coverage
from .predictions import Prediction, Role

if TYPE_CHECKING:
    import pyarrow as pa

    from .arrow import ArrowDecoder

SCHEMA_VERSION = 2
_ATTEMPTS = 3
_BATCH_BYTES = 8 * 2**20
# Decoding keeps the interpreter to itself: without this, a request would be sent only after it.
_HEAD_START_SECONDS = 1e-4


class RowBatch(NamedTuple):
    """Some rows of a window.

    Attributes:
        bodies: Makes their documents, one after the other; called by the thread that decodes them.
        labels: Text of their labels (`codec`), where these are kept apart.
        expected: How many rows the window had when its first ones were read, if that is known.
    """

    bodies: Callable[[], bytes]
    labels: Sequence[str | None] | None
    expected: int


def check_schema_version(found: int | None, name: str) -> None:
    """Refuse a log that another version of the package wrote.

    Args:
        found: Version of its schema; None for a new log.
        name: What to call it.

    Raises:
        LogOutdated: Unless it is new or of `SCHEMA_VERSION`.
    """
    if found is None or found == SCHEMA_VERSION:
        return
    advice = (
        "upgrade it with `python -m prefect_mlops.storage upgrade`"
        if found < SCHEMA_VERSION
        else "upgrade prefect-mlops"
    )
    raise LogOutdated(
        f"prediction log {name} has schema version {found}, this package writes {SCHEMA_VERSION}: "
        f"{advice}"
    )


class PartlyWritten(LogUnavailable):
    """The database did not take all rows of a batch, and may have taken some.

    Args:
        message: What it said.
        inserted: How many rows it took that it did not have.
    """

    def __init__(self, message: str, inserted: int = 0) -> None:
        super().__init__(message)
        self.inserted = inserted


class RowRefused(PartlyWritten):
    """It said that there is something wrong with a row."""


class ChangedDuringRead(LogUnavailable):
    """Rows with values of a new kind, or fewer rows than were counted, arrived during a read."""


class BaseStore(ABC):
    """Encodes predictions, keeps the list of columns, and decodes what a database returns."""

    def __init__(self) -> None:
        self._known_columns: defaultdict[str, set[Column]] = defaultdict(set)
        self._columns_lock = threading.Lock()

    def append(self, predictions: Sequence[Prediction]) -> int:
        """Log predictions. See `PredictionStore.append`."""
        return self.append_documents([encode_prediction(prediction) for prediction in predictions])

    def append_documents(self, documents: Sequence[AnyDocument]) -> int:
        """Log encoded predictions. See `PredictionStore.append`."""
        if not documents:
            return 0
        # Most rows share one set of columns.
        for model, columns in {(document.model, document.columns) for document in documents}:
            self._register_columns(model, columns)
        return self._insert(documents)

    def read(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Role = "champion",
        sample: int | None = None,
    ) -> pa.Table:
        """Read a window. See `PredictionStore.batches`."""
        import pyarrow as pa

        for attempt in range(_ATTEMPTS):
            try:
                return pa.Table.from_batches(
                    list(self.batches(model, window, columns=columns, role=role, sample=sample))
                )
            except ChangedDuringRead:
                if attempt == _ATTEMPTS - 1:
                    raise
        raise AssertionError

    def batches(
        self,
        model: str,
        window: Window,
        *,
        columns: Sequence[str] | None = None,
        role: Role = "champion",
        sample: int | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Read a window, a part of it at a time. See `PredictionStore.batches`."""
        from .arrow import ArrowDecoder
        from .columns import column_layouts

        layouts = column_layouts(self._columns(model), columns)
        decoder = ArrowDecoder(layouts)
        below_bucket = None
        if sample is not None:
            rows = self.coverage(model, window, role=role).rows
            below_bucket = None if rows <= sample else round(SAMPLE_BUCKETS * sample / rows)
        arrived = expected = 0
        for reply in _prefetched(
            self._row_batches(model, window, role, below_bucket, decoder.fields)
        ):
            expected = reply.expected
            self._add(decoder, reply)
            if decoder.bytes >= _BATCH_BYTES:
                batch = decoder.batch()
                arrived += batch.num_rows
                yield batch
        batch = decoder.batch()
        if batch.num_rows or not arrived:
            yield batch
        arrived += batch.num_rows
        if arrived < expected:
            # The server lost its place, or deleted some meanwhile.
            raise ChangedDuringRead(
                f"prediction log {self.name}: {arrived} of {expected} predictions arrived before the "
                "server's reply ended; read again"
            )
        # Types were chosen by what was known at the start: a value of another kind may have been cut.
        if column_layouts(self._columns(model), columns) != layouts:
            raise ChangedDuringRead(
                f"prediction log {self.name}: values of a new kind arrived; read again"
            )

    def get(self, model: str, id: str, *, role: Role = "champion") -> Prediction | None:
        """Return one prediction. See `PredictionStore.get`."""
        return self.find(model, [id], role=role).get(id)

    def find(
        self, model: str, ids: Sequence[str], *, role: Role = "champion"
    ) -> dict[str, Prediction]:
        """Return those of some predictions that there are. See `PredictionStore.find`."""
        found = map(decode_document, self._stored_rows(model, ids, role))
        return {prediction.id: prediction for prediction in found}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _register_columns(self, model: str, columns: Iterable[Column]) -> None:
        """Add to the list of columns, before a row that needs it is written."""
        with self._columns_lock:
            new = set(columns) - self._known_columns[model]
            if new:
                self._add_columns(model, new)
                self._known_columns[model] |= new

    def _add(self, decoder: ArrowDecoder, reply: RowBatch) -> None:
        try:
            decoder.add(reply.bodies(), reply.labels)
        except TypeError as error:
            raise ChangedDuringRead(f"prediction log {self.name}: {error}; read again") from error

    @property
    @abstractmethod
    def name(self) -> str:
        """What messages call the log; without credentials."""

    @abstractmethod
    def coverage(self, model: str, window: Window, *, role: Role = "champion") -> Coverage:
        """Count a window's predictions and labels."""

    @abstractmethod
    def close(self) -> None:
        """Release connections. The store cannot be used afterwards."""

    @abstractmethod
    def _insert(self, documents: Sequence[AnyDocument]) -> int:
        """Write rows that are not there yet, and return how many there were."""

    @abstractmethod
    def _row_batches(
        self,
        model: str,
        window: Window,
        role: Role,
        below_bucket: int | None,
        fields: Sequence[str],
    ) -> Iterator[RowBatch]:
        """Yield a window's rows in order, those whose draw is below a number."""

    @abstractmethod
    def _stored_rows(self, model: str, ids: Sequence[str], role: Role) -> Iterator[bytes]:
        """Yield the rows that there are of some, their labels included."""

    @abstractmethod
    def _columns(self, model: str) -> frozenset[Column]:
        """Return the list of columns."""

    @abstractmethod
    def _add_columns(self, model: str, columns: Iterable[Column]) -> None:
        """Add to the list of columns; what is in it already may be among them."""


def _prefetched(replies: Iterator[RowBatch]) -> Iterator[RowBatch]:
    """Fetch each reply while the one before it is decoded."""
    with ThreadPoolExecutor(1, thread_name_prefix="prediction-log") as fetching:
        coming = fetching.submit(next, replies, None)
        while (reply := coming.result()) is not None:
            coming = fetching.submit(next, replies, None)
            time.sleep(_HEAD_START_SECONDS)
            yield reply
