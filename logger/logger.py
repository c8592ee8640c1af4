"""What a service imports to log its predictions: off the request's path, never dropped in silence."""

from __future__ import annotations

import atexit
import os
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from itertools import repeat
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Self, get_args

from ..core.errors import ConfigurationError, LogUnavailable
from ..data.identifiers import id_text
from ..storage.documents import encode_failure, encode_row
from ..storage.open import Opening
from ..storage.predictions import Role
from ..storage.uris import check_collection, check_options, check_sqlite_options, check_uri, name_of
from .buffer import Buffer, SpoolWhen
from .counters import Counters
from .shutdown import exit_on_sigterm
from .spool import Spool
from .writer import Writer

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from ..storage.redaction import Redaction

_ROLES = get_args(Role)
_LEAST_SPOOL_BYTES = 2**20


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
        handle_sigterm: Make SIGTERM a normal exit, so that rows are written, if nobody handles it yet.
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
        # Neither at the interpreter's end nor after a fork can another thread import what is missing.
        kind = check_uri(uri)
        import_module(f"..storage.{kind}", __package__)
        _check_types(model=model, version=version, batch_rows=batch_rows, buffer_rows=buffer_rows)
        check_collection(collection)
        (check_sqlite_options if kind == "sqlite" else check_options)(options)
        room = timeout_seconds if room_seconds is None else room_seconds
        if min(batch_rows, buffer_rows, flush_seconds, timeout_seconds, room) <= 0:
            raise ConfigurationError(
                f"batch_rows={batch_rows}, buffer_rows={buffer_rows}, flush_seconds={flush_seconds}, "
                f"timeout_seconds={timeout_seconds} and room_seconds={room} must be positive"
            )
        if spool_when not in get_args(SpoolWhen) or spool_bytes < _LEAST_SPOOL_BYTES:
            raise ConfigurationError(
                f"spool_when={spool_when!r} and spool_bytes={spool_bytes}: expected 'always' or 'full', "
                f"and at least {_LEAST_SPOOL_BYTES} bytes"
            )
        if role not in _ROLES:
            raise ConfigurationError(f"role={role!r}: expected one of {sorted(_ROLES)}")
        self._model, self._version = model, version
        self._role: Role = role
        self._redact = None if redaction is None else redaction.apply
        self._timeout_seconds = timeout_seconds
        self._process = os.getpid()
        self._closed = False
        # Seeded by the operating system: ids as random as a uuid4's, in a tenth of its time.
        self._random = random.Random()
        self._closing = RLock()
        self._opening = Opening(uri, collection, timeout_seconds, options)
        try:
            self._spool = (
                None if spool is None else Spool(spool, f"{_place(uri)} {collection}", spool_bytes)
            )
        except ConfigurationError:
            self._opening.close()
            raise
        self._buffer = Buffer(self._spool, spool_when, buffer_rows, room, batch_rows)
        self._writer = Writer(
            self._opening.open,
            self._buffer,
            self._spool,
            batch_rows,
            flush_seconds,
        )
        atexit.register(self.close)
        if handle_sigterm:
            exit_on_sigterm()

    @property
    def model(self) -> str:
        """Registered model's name."""
        return self._model

    @property
    def pending(self) -> int:
        """Rows that were accepted and are not in the database yet."""
        return self._buffer.pending

    def counters(self) -> Counters:
        """Return what the logger has done so far."""
        return self._buffer.counters(
            replayed=self._writer.replayed,
            new=self._writer.new,
            others_given_up=self._writer.others_given_up,
            last_error=self._writer.last_error,
        )

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
        self._check_process()
        name = self._new_id() if id is None else _one_text(id)
        try:
            document = encode_row(
                model=self._model,
                id=name,
                role=self._role if role is None else _known(role),
                version=self._version if version is None else version,
                at=datetime.now(UTC) if at is None else at,
                features=features if self._redact is None else self._redact(features),
                prediction=prediction,
                score=score,
                latency_seconds=latency_seconds,
                request=request,
            )
        except Exception:
            self._buffer.refuse(1)
            raise
        self._buffer.put((document,))
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
        self._check_process()
        names = [self._new_id() for _ in features] if ids is None else list(map(_one_text, ids))
        moment = datetime.now(UTC) if at is None else at
        given = repeat(None, len(features)) if scores is None else scores
        try:
            documents = [
                encode_row(
                    model=self._model,
                    id=name,
                    role=self._role if role is None else _known(role),
                    version=self._version if version is None else version,
                    at=moment,
                    features=row if self._redact is None else self._redact(row),
                    prediction=prediction,
                    score=score,
                    latency_seconds=latency_seconds,
                    request=request,
                )
                for name, row, prediction, score in zip(
                    names, features, predictions, given, strict=True
                )
            ]
        except Exception:
            self._buffer.refuse(len(features))
            raise
        if documents:
            self._buffer.put(documents)
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
        self._check_process()
        moment = datetime.now(UTC) if at is None else at
        try:
            documents = [
                encode_failure(
                    model=self._model,
                    id=name,
                    role=self._role if role is None else _known(role),
                    version=self._version if version is None else version,
                    at=moment,
                    request=request,
                )
                for name in map(_one_text, ids)
            ]
        except Exception:
            self._buffer.refuse(len(ids))
            raise
        if documents:
            self._buffer.put(documents)

    def flush(self) -> None:
        """Wait until every row logged before this call is in the database.

        Raises:
            LogUnavailable: If the database cannot be reached; the rows are kept.
        """
        self._check_process()
        if not self._closed:
            self._writer.flush()

    def close(self) -> None:
        """Write the waiting rows and stop. Closing again does nothing.

        With a spool, no write begins after `timeout_seconds`, and what is left stays on disk for the next
        process.

        Raises:
            LogUnavailable: If rows could neither be written nor left on disk; they are kept, close again.
        """
        # A forked process leaves rows, thread and files to the one that made the logger.
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._closed:
                return
            self._buffer.refuse_more()
            self._writer.stop(None if self._spool is None else self._timeout_seconds)
            self._buffer.leave(self._writer.last_error)
            self._release()

    def abandon(self) -> None:
        """Stop without writing what waits in memory: whoever logged it will log it again."""
        if os.getpid() != self._process:
            return
        with self._closing:
            if self._closed:
                return
            self._buffer.refuse_more()
            self._writer.stop(0.0)
            self._buffer.close_files()
            self._release()

    def _release(self) -> None:
        self._writer.release()
        self._opening.close()
        if self._spool is not None:
            self._spool.release()
        self._closed = True
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_id(self) -> str:
        return f"{self._random.getrandbits(128):032x}"

    def _check_process(self) -> None:
        if os.getpid() != self._process:
            raise LogUnavailable(
                f"the logger of {self._model} was made in process {self._process}, and this is "
                f"{os.getpid()}, forked from it: make a logger after the fork"
            )


def _one_text(id: str) -> str:
    # What is no text is refused by whoever encodes the row.
    return id_text(id) if isinstance(id, str) else id


def _known(role: Role) -> Role:
    if role not in _ROLES:
        raise ValueError(f"role {role!r} is none: expected one of {sorted(_ROLES)}")
    return role


def _place(uri: str) -> str:
    """Return what a database is, whoever asks and from wherever."""
    if uri.startswith("sqlite"):
        return str(Path(uri.removeprefix("sqlite:///")).resolve())
    return f"{uri.partition('://')[0]}://{name_of(uri)}"


def _check_types(*, model: str, version: str, batch_rows: int, buffer_rows: int) -> None:
    for name, given in (("model", model), ("version", version)):
        if type(given) is not str or not given:
            raise ConfigurationError(f"{name}={given!r}: expected text that is not empty")
    for name, number in (("batch_rows", batch_rows), ("buffer_rows", buffer_rows)):
        if type(number) is not int:
            raise ConfigurationError(f"{name}={number!r}: expected a whole number")
