"""What a service imports to log its predictions: buffered, written in the background, never dropped."""

from __future__ import annotations

import atexit
import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal, Self
from uuid import uuid4

from ..core.errors import ConfigurationError, LogUnavailable
from ..storage.interface import Prediction, PredictionStore, Scalar
from ..storage.open import check_collection, check_uri, open_store

_log = logging.getLogger(__name__)


class PredictionLogger:
    """Logs the predictions of one model version.

    `log` returns at once; a background thread writes batches. When the database is away, rows wait in
    memory and writing is tried again; `flush` and `close` raise, and once the buffer is full so does
    `log`. Rows that a process had not written when it was killed are lost: `close` first. Threads may
    share a logger; a forked process must make its own.

    Args:
        uri: Prediction log: `mongodb://…/database` or `sqlite:///path`. Connected to in the background.
        model: Registered model's name.
        version: Version that predicts.
        collection: Prefix of the tables or collections.
        role: `champion`, or `challenger` for shadow and canary traffic.
        batch_rows: Rows to a write.
        flush_seconds: Longest time a row waits for its batch, and between two tries, seconds.
        buffer_rows: Rows kept in memory at most; one batch may be larger.
        timeout_seconds: Longest wait for the database, and for room in a full buffer, seconds.
        options: Passed through to `pymongo.MongoClient`.

    Raises:
        ConfigurationError: If the URI, the collection or a number cannot work.

    Example:
        >>> logger = PredictionLogger("sqlite:///predictions.db", "calls", "3")  # doctest: +SKIP
        >>> logger.log({"age": 41}, "yes", {"yes": 0.7, "no": 0.3}, id="call-1")  # doctest: +SKIP
        'call-1'
    """

    def __init__(
        self,
        uri: str,
        model: str,
        version: str,
        *,
        collection: str = "mlops",
        role: Literal["champion", "challenger"] = "champion",
        batch_rows: int = 500,
        flush_seconds: float = 1.0,
        buffer_rows: int = 10_000,
        timeout_seconds: float = 10.0,
        **options: Any,
    ) -> None:
        check_uri(uri)
        check_collection(collection)
        if min(batch_rows, buffer_rows, flush_seconds, timeout_seconds) <= 0:
            raise ConfigurationError(
                f"batch_rows={batch_rows}, buffer_rows={buffer_rows}, flush_seconds={flush_seconds} and "
                f"timeout_seconds={timeout_seconds} must be positive"
            )
        self._uri = uri
        self._options = {"collection": collection, "timeout_seconds": timeout_seconds, **options}
        self._model, self._version = model, version
        self._role: Literal["champion", "challenger"] = role
        self._batch_rows, self._buffer_rows = batch_rows, buffer_rows
        self._flush_seconds, self._timeout_seconds = flush_seconds, timeout_seconds
        self._rows: deque[Prediction] = deque()
        self._written = 0
        self._closing = False
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._store: PredictionStore | None = None
        self._thread = threading.Thread(target=self._run, name="prediction-logger", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def pending(self) -> int:
        """Rows that are not in the database yet."""
        return len(self._rows)

    def log(
        self,
        features: Mapping[str, Scalar],
        prediction: str | float | bool,
        score: Mapping[str, float] | None = None,
        id: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """Log one prediction.

        Args:
            features: Feature name to value, as the model received them.
            prediction: Predicted class or number.
            score: Class (as text) to probability for classifiers.
            id: Identifies the prediction within its model, to attach its label by. None: a new one.
            at: When it was made, with a zone. None: now.

        Returns:
            The id.

        Raises:
            ValueError: If a value cannot be logged; nothing was kept.
            LogUnavailable: If the buffer stayed full or the logger is closed; nothing was kept.
        """
        scores = None if score is None else [score]
        return self.log_batch([features], [prediction], scores, None if id is None else [id], at)[0]

    def log_batch(
        self,
        features: Sequence[Mapping[str, Scalar]],
        predictions: Sequence[Any],
        scores: Sequence[Mapping[str, float]] | None = None,
        ids: Sequence[str] | None = None,
        at: datetime | None = None,
    ) -> list[str]:
        """Log several predictions made at one moment, all of them or none. See `log`."""
        count = len(features)
        names = [uuid4().hex for _ in features] if ids is None else list(ids)
        moment = at or datetime.now(UTC)
        rows = [
            Prediction(
                id=name,
                model=self._model,
                version=self._version,
                at=moment,
                features=row,
                prediction=prediction,
                score=score,
                role=self._role,
            )
            for name, row, prediction, score in zip(
                names, features, predictions, scores or [None] * count, strict=True
            )
        ]
        with self._changed:
            room = self._changed.wait_for(
                lambda: (
                    self._closing or not self._rows or len(self._rows) + count <= self._buffer_rows
                ),
                self._timeout_seconds,
            )
            if self._closing or not room:
                reason = "is closed" if self._closing else f"has {len(self._rows)} rows waiting"
                raise LogUnavailable(
                    f"the logger of {self._model} {reason}; {count} predictions were not logged"
                )
            self._rows.extend(rows)
            self._changed.notify_all()
        return names

    def flush(self) -> None:
        """Write every row logged before this call.

        Raises:
            LogUnavailable: If the database cannot be reached; the rows are kept.
        """
        with self._changed:
            target = self._written + len(self._rows)
        while self._written < target:
            self._write_batch()

    def close(self) -> None:
        """Write the waiting rows and stop. Closing again does nothing.

        Raises:
            LogUnavailable: If the database cannot be reached; the rows are kept, close again.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self.flush()
        if self._store is not None:
            self._store.close()
            self._store = None
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        failing = False
        while not self._closing:
            try:
                self._write_batch()
                failing = False
            except Exception as error:
                if not failing:
                    _log.warning("%d predictions wait to be logged: %s", self.pending, error)
                failing = True
            # While the database is away, a full batch is no reason to hurry.
            self._wait_for_batch(None if failing else self._batch_rows)

    def _wait_for_batch(self, enough: int | None) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._rows)
            self._changed.wait_for(
                lambda: self._closing or (enough is not None and len(self._rows) >= enough),
                self._flush_seconds,
            )

    def _write_batch(self) -> None:
        with self._writing:
            with self._changed:
                batch = list(islice(self._rows, self._batch_rows))
            if self._store is None:
                self._store = open_store(self._uri, **self._options)
            if not batch:
                return
            self._store.append(batch)
            with self._changed:
                for _ in batch:
                    self._rows.popleft()
                self._written += len(batch)
                self._changed.notify_all()
