"""Logs the predictions of the model server, and the failures of a challenger."""

from __future__ import annotations

import logging

from ..core.errors import DataRejected, LogUnavailable
from ..logger.logger import PredictionLogger
from ..storage.predictions import Role
from .inference import DecodedRequest, InferenceResult
from .input_frame import InputFrame
from .server_metrics import ServerMetrics
from .server_settings import ServerSettings

_log = logging.getLogger(__name__)


class InferenceLog:
    """The prediction log as a server uses it: what it cannot log is counted and reported.

    Args:
        settings: Where predictions are logged, and whether they must be.
        metrics: Where rows that could not be logged are counted.
    """

    def __init__(self, settings: ServerSettings, metrics: ServerMetrics) -> None:
        self._metrics = metrics
        self._required = settings.require_log
        self._logger = _open(settings)

    def log_result(
        self, answer: InferenceResult, decoded: DecodedRequest, rows: InputFrame
    ) -> bool:
        """Log an answer.

        Args:
            answer: What was answered.
            decoded: The request.
            rows: Its rows as the version took them.

        Returns:
            Whether it is logged.

        Raises:
            DataRejected: If the log cannot hold a value of the request.
            LogUnavailable: If the log had no room in time, and the settings require one.
        """
        if self._logger is None:
            return False
        names, columns = answer.scores.keys(), answer.scores.values()
        scores = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        try:
            self._logger.log_batch(
                rows.features,
                answer.labels,
                scores or None,
                decoded.ids,
                decoded.at,
                version=answer.version,
                role=answer.role,
                latency_seconds=answer.latency_seconds,
                request=decoded.request,
            )
        except LogUnavailable as error:
            self._metrics.unlogged(answer.role, len(decoded.ids))
            _log.error("%d predictions are not logged: %s", len(decoded.ids), error)
            if self._required:
                raise
            return False
        except (TypeError, ValueError) as error:
            raise DataRejected(f"the request cannot be logged: {error}") from error
        return True

    def log_failure(self, version: str, role: Role, decoded: DecodedRequest) -> None:
        """Log that a challenger could not answer: a canary would judge it by the others alone.

        The champion answers then, whatever the settings require: its prediction is what must be logged.

        Args:
            version: The challenger's.
            role: As what it was asked.
            decoded: The request.
        """
        if self._logger is None:
            return
        try:
            self._logger.log_failures(
                decoded.ids, decoded.at, version=version, role=role, request=decoded.request
            )
        except LogUnavailable as error:
            self._metrics.unlogged(role, len(decoded.ids))
            _log.error("%d failures are not logged: %s", len(decoded.ids), error)

    def close(self) -> None:
        """Write what waits, and stop.

        Raises:
            LogUnavailable: If the log is away and there is no spool; close again once it is back.
        """
        if self._logger is not None:
            self._logger.close()


def _open(settings: ServerSettings) -> PredictionLogger | None:
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
