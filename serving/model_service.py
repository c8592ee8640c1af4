"""Answers requests with the champion or the challenger and logs what it answered. Knows no protocol."""

from __future__ import annotations

import atexit
import contextlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ..core.errors import DataRejected, LogUnavailable, MLOpsError, ModelUnavailable
from ..core.models import Predictor
from ..storage.interface import Role
from .logger import PredictionLogger
from .requests import Columns, Tensor, read_columns
from .routing import takes_challenger
from .rows import Rows, rows_of
from .served_models import Served, ServedModel, ServedModels
from .server_metrics import ServerMetrics
from .server_settings import ServerSettings

_log = logging.getLogger(__name__)
# It comes back in a header of the response.
_REQUEST_ID = re.compile(r"[!-~]{1,200}")
_LONGEST_ID = 200


@dataclass(frozen=True)
class Answer:
    """What a request is answered with.

    Attributes:
        version: Version that predicted, as it is logged.
        role: `champion` or `challenger`.
        ids: Id of every row, as it is logged: labels are attached by it.
        labels: Predicted label, or number, of every row.
        scores: Class (as text) to the probability of every row; empty for regression.
        logged: Whether the rows are logged.
    """

    version: str
    role: Role
    ids: list[str]
    labels: list[Any]
    scores: dict[str, list[float]]
    logged: bool

    def outputs(self) -> dict[str, list[Any]]:
        """Return what a caller sees: output to a value a row."""
        scores = {f"score.{name}": values for name, values in self.scores.items()}
        return {"prediction": self.labels, **scores, "id": self.ids}


def output_names(predictor: Predictor) -> list[str]:
    """Return the outputs of a model's answers."""
    classes = [] if predictor.classes is None else predictor.classes.tolist()
    return ["prediction", *(f"score.{name}" for name in classes), "id"]


class ModelService:
    """Serves the champion of one registered model.

    Safe to use from several threads. Everything of one request happens with the versions that were
    served when it began.

    Args:
        settings: Which model, where its predictions are logged, and what the challenger does.
        on_champion: Called once, from whichever thread, when the first champion is there.
    """

    def __init__(
        self, settings: ServerSettings, on_champion: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._metrics = ServerMetrics(settings.model_name)
        self._on_champion = on_champion
        self.models = ServedModels(settings, self._metrics, self._first_champion)
        self._logger = _open_logger(settings)
        self._shadow = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._shadow_room = threading.BoundedSemaphore(settings.shadow_requests)
        atexit.register(self.close)

    def _first_champion(self) -> None:
        served, redaction = self.models.current, self._settings.redaction
        if served is not None and redaction is not None:
            known = {*served.champion.predictor.kinds, self._settings.id_column}
            unknown = [name for name in redaction.columns if name not in known]
            if unknown:
                _log.warning(
                    "%s: redaction names %s, which the model has not: a misspelled column is logged as "
                    "it is",
                    self._settings.model_name,
                    unknown,
                )
        self._on_champion()

    def close(self) -> None:
        """Let the shadow finish, write what is logged, and stop. Closing again does nothing.

        Raises:
            LogUnavailable: If the log is away and there is no spool; close again once it is back.
        """
        self.models.close()
        self._shadow.shutdown(wait=True)
        if self._logger is not None:
            self._logger.close()
        atexit.unregister(self.close)

    def answer(self, request: str, tensors: Iterable[Tensor], wanted: Sequence[str] = ()) -> Answer:
        """Answer one request.

        Args:
            request: Its id; a repeated one gets the same role.
            tensors: Its inputs, one a column.
            wanted: Outputs that the caller asks for; empty: all.

        Returns:
            The answer.

        Raises:
            DataRejected: If the request cannot be answered as it is; nothing was logged.
            ModelUnavailable: If there is no champion yet.
            LogUnavailable: If it could not be logged and the settings require that.
        """
        served = self.models.current
        if served is None:
            raise ModelUnavailable(
                f"{self._settings.model_name} has no champion yet: run the training flow first"
            )
        try:
            _check_outputs(wanted, served.champion.predictor)
            return self._answer(served, request, tensors)
        except DataRejected:
            self._metrics.refused()
            raise

    def _answer(self, served: Served, request: str, tensors: Iterable[Tensor]) -> Answer:
        if not _REQUEST_ID.fullmatch(request):
            raise DataRejected(
                "the request's id must have 1 to 200 printable ASCII characters without spaces"
            )
        columns = read_columns(tensors)
        champion, challenger = served.champion, served.challenger
        ids = self._row_ids(request, columns, champion)
        # What only the challenger knows may be sent already, or its canary could never be tried.
        other = None if self._settings.ignore_unknown_columns else _known(challenger)
        rows = rows_of(columns, champion.predictor.kinds, other=other)
        call = _Call(request, ids, columns, datetime.now(UTC))
        if challenger and not self._settings.shadow:
            if takes_challenger(request, self._settings.canary_share):
                answer = self._tried(challenger, "challenger", call)
                if answer is not None:
                    return answer
            challenger = None
        answer = self._predict_and_log(champion, "champion", call, rows)
        if challenger:
            self._submit_shadow(challenger, call)
        return answer

    def _row_ids(self, request: str, columns: Columns, champion: ServedModel) -> list[str]:
        name = self._settings.id_column
        if name is None or name not in columns:
            rows = len(next(iter(columns.values())))
            return [request] if rows == 1 else [f"{request}-{row}" for row in range(rows)]
        values = columns[name] if name in champion.predictor.kinds else columns.pop(name)
        ids = [str(value) for value in values]
        for row, (value, text) in enumerate(zip(values, ids, strict=True)):
            if type(value) not in (str, int) or not 0 < len(text) <= _LONGEST_ID:
                raise DataRejected(
                    f"column {name!r}, row {row} is no id: expected text of 1 to {_LONGEST_ID} characters "
                    "(BYTES), or an integer",
                    column=name,
                )
        if len(set(ids)) < len(ids):
            raise DataRejected(f"column {name!r} has an id twice", column=name)
        redaction = self._settings.redaction
        if redaction is not None and redaction.columns.get(name) == "hash":
            return [str(redaction.hashed(text)) for text in ids]
        return ids

    def _tried(self, challenger: ServedModel, role: Role, call: _Call) -> Answer | None:
        """Let the challenger predict; None if it could not, and then that is logged."""
        try:
            rows = rows_of(call.columns, challenger.predictor.kinds, other=None)
            return self._predict_and_log(challenger, role, call, rows)
        except LogUnavailable:
            raise
        except Exception as error:
            self._metrics.challenger_failed(role)
            _log.warning(
                "version %s of %s could not predict as %s: %s",
                challenger.version,
                self._settings.model_name,
                role,
                # What a model raises may quote the row.
                str(error) if isinstance(error, MLOpsError) else type(error).__name__,
            )
            self._log_failures(challenger, role, call)
            return None

    def _log_failures(self, challenger: ServedModel, role: Role, call: _Call) -> None:
        """Log that the challenger failed: a canary that never saw it would judge it by the others alone."""
        if self._logger is None:
            return
        try:
            self._logger.log_failures(
                call.ids, call.at, version=challenger.version, role=role, request=call.request
            )
        except LogUnavailable as error:
            # The champion answers, whatever `require_log` says: its prediction is what must be logged.
            self._metrics.unlogged(role, len(call.ids))
            _log.error("%d failures are not logged: %s", len(call.ids), error)

    def _predict_and_log(self, model: ServedModel, role: Role, call: _Call, rows: Rows) -> Answer:
        predictor = model.predictor
        begun = time.perf_counter()
        # `rows_of` made what `conform` would make.
        if predictor.classes is None:
            values = np.asarray(predictor.model.predict(rows.frame), dtype=float)
        else:
            values = np.asarray(predictor.model.predict_proba(rows.frame), dtype=float)
        labels = predictor.labels(values).tolist()
        latency = time.perf_counter() - begun
        classes = [] if predictor.classes is None else [str(c) for c in predictor.classes.tolist()]
        self._metrics.predicted(role, len(labels))
        return Answer(
            version=model.version,
            role=role,
            ids=call.ids,
            labels=labels,
            scores=dict(zip(classes, values.T.tolist(), strict=True)) if classes else {},
            logged=self._log_rows(
                model,
                role,
                call,
                rows=rows,
                labels=labels,
                scores=[dict(zip(classes, row, strict=True)) for row in values.tolist()]
                if classes
                else None,
                latency=latency,
            ),
        )

    def _log_rows(
        self,
        model: ServedModel,
        role: Role,
        call: _Call,
        *,
        rows: Rows,
        labels: Sequence[Any],
        scores: Sequence[dict[str, float]] | None,
        latency: float,
    ) -> bool:
        if self._logger is None:
            return False
        try:
            self._logger.log_batch(
                rows.features,
                labels,
                scores,
                call.ids,
                call.at,
                version=model.version,
                role=role,
                latency_seconds=latency,
                request=call.request,
            )
        except LogUnavailable as error:
            self._metrics.unlogged(role, len(labels))
            _log.error("%d predictions are not logged: %s", len(labels), error)
            if self._settings.require_log:
                raise
            return False
        except (TypeError, ValueError) as error:
            raise DataRejected(f"the request cannot be logged: {error}") from error
        return True

    def _submit_shadow(self, challenger: ServedModel, call: _Call) -> None:
        if not self._shadow_room.acquire(blocking=False):
            self._metrics.shadow_skipped()
            return

        def predict() -> None:
            try:
                with contextlib.suppress(LogUnavailable):  # Counted and said already.
                    self._tried(challenger, "shadow", call)
            finally:
                self._shadow_room.release()

        self._shadow.submit(predict)


@dataclass(frozen=True)
class _Call:
    """A request that was read: its id, the ids of its rows, their columns, and when it came."""

    request: str
    ids: list[str]
    columns: Columns
    at: datetime


def _check_outputs(wanted: Sequence[str], predictor: Predictor) -> None:
    there = output_names(predictor)
    for name in wanted:
        if name not in there:
            raise DataRejected(f"output {name!r} is unknown; the model answers with {there}")


def _known(challenger: ServedModel | None) -> tuple[str, ...]:
    return tuple(challenger.predictor.kinds) if challenger else ()


def _open_logger(settings: ServerSettings) -> PredictionLogger | None:
    if settings.predictions is None:
        _log.warning(
            "%s: predictions are not logged, the settings name no log", settings.model_name
        )
        return None
    logger = PredictionLogger(
        settings.predictions.get_secret_value(),
        settings.model_name,
        # Every row names the version that predicted it.
        "unknown",
        collection=settings.collection,
        role="champion",
        spool=settings.spool,
        spool_when=settings.spool_when,
        spool_bytes=settings.spool_bytes,
        buffer_rows=settings.buffer_rows,
        flush_seconds=settings.log_flush_seconds,
        timeout_seconds=settings.log_timeout_seconds,
        room_seconds=settings.log_room_seconds,
        redaction=settings.redaction,
        # The server ends by itself, and closes the service.
        handle_sigterm=False,
        **settings.client_options,
    )
    logger.register_metrics()
    return logger
