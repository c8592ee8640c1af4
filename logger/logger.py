"""The prediction logger: a service logs its predictions without waiting for the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..storage.predictions import Role
from .counters import Counters
from .log_pipeline import LogPipeline
from .logger_settings import LoggerSettings, SpoolWhen
from .row_encoder import RowEncoder, logged_id
from .shutdown import exit_on_sigterm

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..storage.redaction import Redaction


class PredictionLogger:
    """Logs the predictions of one model from a service.

    `log` encodes a row, keeps it and returns; a background thread writes batches. What becomes of
    rows while the database is away, and of those that a killed process had not written:

    - no spool: they wait in memory and are lost with the process. Once memory has no room, `log` waits
      up to `room_seconds`, then raises.
    - a spool, `spool_when="always"`: every row is on disk before `log` returns. What a process leaves
      is written by the next one, or by another that uses the folder.
    - a spool, `spool_when="full"`: they wait in memory and go to disk when it has no room, and when
      the logger is closed before they are written. A killed process loses those in memory.

    Threads may share a logger; a forked process must make its own.

    Args:
        uri: Prediction log: `mongodb://…/database` or `sqlite:///path`. Connected to in the background.
        model: Registered model's name.
        version: Version that predicts, unless a call names another.
        collection: Prefix of the tables or collections.
        role: Who predicts, unless a call says otherwise: `champion`, `challenger` (canary traffic that
            it answered) or `shadow` (the challenger beside the champion, its answer not used).
        spool: Folder on a disk of this machine; processes may share it. None: no spool.
        spool_when: `always` or `full`.
        spool_bytes: Bytes on disk at most, for this logger.
        redaction: What of a feature may be kept; applied before anything else.
        batch_rows: Rows to a write.
        flush_seconds: Longest time a row waits for its batch, and before the second try, seconds.
        buffer_rows: Rows kept in memory at most; one call's rows may be more.
        timeout_seconds: Longest wait for the database, seconds.
        room_seconds: Longest wait of `log` for room, seconds. None: `timeout_seconds`.
        handle_sigterm: Make SIGTERM a normal exit, so that rows are written, if no handler is set yet.
        options: Passed through to `pymongo.MongoClient`; none for SQLite.

    Raises:
        ConfigurationError: If a setting cannot work, or the spool cannot be written.

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
        role: Role = "champion",
        spool: str | Path | None = None,
        spool_when: SpoolWhen = "always",
        spool_bytes: int = 2**30,
        redaction: Redaction | None = None,
        batch_rows: int = 500,
        flush_seconds: float = 1.0,
        buffer_rows: int = 10_000,
        timeout_seconds: float = 10.0,
        room_seconds: float | None = None,
        handle_sigterm: bool = True,
        **options: Any,
    ) -> None:
        settings = LoggerSettings(
            uri=uri,
            model=model,
            version=version,
            collection=collection,
            role=role,
            spool=spool,
            spool_when=spool_when,
            spool_bytes=spool_bytes,
            batch_rows=batch_rows,
            flush_seconds=flush_seconds,
            buffer_rows=buffer_rows,
            timeout_seconds=timeout_seconds,
            room_seconds=timeout_seconds if room_seconds is None else room_seconds,
            options=options,
        )
        # Neither at the interpreter's end nor after a fork can another thread import what is missing.
        import_module(f"..storage.{settings.store}", __package__)
        self._model = model
        self._encoder = RowEncoder(model, version, role, redaction)
        self._pipeline = LogPipeline(settings)
        if handle_sigterm:
            exit_on_sigterm()

    @property
    def model(self) -> str:
        """Registered model's name."""
        return self._model

    @property
    def pending(self) -> int:
        """Rows that were accepted and are not in the database yet."""
        return self._pipeline.pending

    def counters(self) -> Counters:
        """Return what the logger has done so far."""
        return self._pipeline.counters()

    def register_metrics(self, registry: CollectorRegistry | None = None) -> None:
        """Show the counters to Prometheus. See `metrics.register`."""
        from .metrics import register

        register(self, registry)

    def log(
        self,
        features: Mapping[str, Any],
        prediction: Any,
        score: Mapping[str, float] | None = None,
        id: str | None = None,
        at: datetime | None = None,
        *,
        version: str | None = None,
        role: Role | None = None,
        latency_seconds: float | None = None,
        request: str | None = None,
    ) -> str:
        """Log one prediction.

        Args:
            features: Feature name to value, as the model received them; `storage.codec` tells which
                values there may be.
            prediction: Predicted class or number.
            score: Class (as text) to probability for classifiers.
            id: Identifies the prediction within model and role, to attach its label by; logging it
                again changes nothing. It is logged as `data.identifiers.id_text` writes it: `"1000.0"`
                and `" 1000"` are the id `"1000"`. None: a new one.
            at: When it was made, with a zone. None: now.
            version: Version that predicted. None: the logger's.
            role: Who predicted. None: the logger's.
            latency_seconds: How long the model took, seconds.
            request: Id of the request that it answered.

        Returns:
            The id, as it is logged.

        Raises:
            TypeError: If a value cannot be logged; nothing was kept.
            ValueError: If something is missing or makes no sense; nothing was kept.
            LogUnavailable: If there was no room in time, the logger is closed, or another process made
                it; nothing was kept.
        """
        self._pipeline.check_process()
        name = self._encoder.new_id() if id is None else logged_id(id)
        try:
            document = self._encoder.row(
                name,
                features,
                prediction,
                score,
                at=at,
                version=version,
                role=role,
                latency_seconds=latency_seconds,
                request=request,
            )
        except Exception:
            self._pipeline.count_dropped(1)
            raise
        self._pipeline.put((document,))
        return name

    def log_batch(
        self,
        features: Sequence[Mapping[str, Any]],
        predictions: Sequence[Any],
        scores: Sequence[Mapping[str, float]] | None = None,
        ids: Sequence[str] | None = None,
        at: datetime | None = None,
        *,
        version: str | None = None,
        role: Role | None = None,
        latency_seconds: float | None = None,
        request: str | None = None,
    ) -> list[str]:
        """Log several predictions that were made at one moment, all of them or none. See `log`."""
        self._pipeline.check_process()
        new_id = self._encoder.new_id
        names = [new_id() for _ in features] if ids is None else list(map(logged_id, ids))
        moment = datetime.now(UTC) if at is None else at
        given = repeat(None, len(features)) if scores is None else scores
        try:
            documents = [
                self._encoder.row(
                    name,
                    row,
                    prediction,
                    score,
                    at=moment,
                    version=version,
                    role=role,
                    latency_seconds=latency_seconds,
                    request=request,
                )
                for name, row, prediction, score in zip(
                    names, features, predictions, given, strict=True
                )
            ]
        except Exception:
            self._pipeline.count_dropped(len(features))
            raise
        if documents:
            self._pipeline.put(documents)
        return names

    def log_failures(
        self,
        ids: Sequence[str],
        at: datetime | None = None,
        *,
        version: str | None = None,
        role: Role | None = None,
        request: str | None = None,
    ) -> None:
        """Log that a version was asked for predictions and made none; a canary holds that against it.

        Args:
            ids: Ids of the rows that it was asked about.
            at: When, with a zone. None: now.
            version: Version that was asked. None: the logger's.
            role: As what. None: the logger's.
            request: Id of the request.

        Raises:
            ValueError: If an id is missing; nothing was kept.
            LogUnavailable: If there was no room in time, the logger is closed, or another process made
                it; nothing was kept.
        """
        self._pipeline.check_process()
        moment = datetime.now(UTC) if at is None else at
        try:
            documents = [
                self._encoder.failure(name, at=moment, version=version, role=role, request=request)
                for name in map(logged_id, ids)
            ]
        except Exception:
            self._pipeline.count_dropped(len(ids))
            raise
        if documents:
            self._pipeline.put(documents)

    def flush(self) -> None:
        """Wait until every row logged before this call is in the database.

        Raises:
            LogUnavailable: If the database cannot be reached; the rows are kept.
        """
        self._pipeline.flush()

    def close(self) -> None:
        """Write the waiting rows and stop. Closing again does nothing.

        With a spool, no write begins after `timeout_seconds`, and what is left stays on disk for the next
        process.

        Raises:
            LogUnavailable: If rows could neither be written nor left on disk; they are kept, close again.
        """
        self._pipeline.close()

    def abandon(self) -> None:
        """Stop without writing what waits in memory, for a caller that will log it again."""
        self._pipeline.abandon()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
