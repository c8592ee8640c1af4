"""The model service: predicts with the champion or the challenger, and logs it, whatever the protocol."""

from __future__ import annotations

import atexit
import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

from ..core.errors import DataRejected, LogUnavailable, MLOpsError, ModelUnavailable
from ..data.identifiers import id_text
from ..models.predictor import Predictor
from ..storage.predictions import Role
from .inference import DecodedRequest, InferenceResult, output_names, predict
from .inference_log import InferenceLog
from .input_frame import InputFrame, input_frame
from .routing import routes_to_challenger
from .served_models import ServedModel, ServedModels, ServedPair
from .server_metrics import ServerMetrics
from .server_settings import ServerSettings
from .v2_codec import InputColumns, Tensor, decode_columns

_log = logging.getLogger(__name__)
# It comes back in a header of the response.
_REQUEST_ID = re.compile(r"[!-~]{1,200}")
_MAX_ID_CHARACTERS = 200


class ModelService:
    """Serves the champion of one registered model.

    Safe to use from several threads. Everything of one request happens with the versions that were
    served when it began.

    Args:
        settings: Which model, where its predictions are logged, and what the challenger does.
        on_champion: Called once, from any thread, when the first champion is there.
    """

    def __init__(
        self, settings: ServerSettings, on_champion: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._metrics = ServerMetrics(settings.model_name)
        self._on_champion = on_champion
        self.models = ServedModels(settings, self._metrics, self._first_champion)
        self._inference_log = InferenceLog(settings, self._metrics)
        self._shadow = ThreadPoolExecutor(1, thread_name_prefix="shadow")
        self._shadow_room = threading.BoundedSemaphore(settings.shadow_requests)
        atexit.register(self.close)

    def _first_champion(self) -> None:
        served, redaction = self.models.current, self._settings.redaction
        if served is not None and redaction is not None:
            known = {*served.champion.predictor.feature_types, self._settings.id_column}
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
        self._inference_log.close()
        atexit.unregister(self.close)

    def answer(
        self, request: str, tensors: Iterable[Tensor], wanted: Sequence[str] = ()
    ) -> InferenceResult:
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
                f"{self._settings.model_name} has no champion yet: run the training flow first, or "
                "adopt a model"
            )
        try:
            _check_outputs(wanted, served.champion.predictor)
            return self._answer(served, request, tensors)
        except DataRejected:
            self._metrics.refused()
            raise

    def _answer(
        self, served: ServedPair, request: str, tensors: Iterable[Tensor]
    ) -> InferenceResult:
        if not _REQUEST_ID.fullmatch(request):
            raise DataRejected(
                "the request's id must have 1 to 200 printable ASCII characters without spaces"
            )
        columns = decode_columns(tensors)
        champion, challenger = served.champion, served.challenger
        ids = self._row_ids(request, columns, champion)
        # What only the challenger knows may be sent already, or its canary could never be tried.
        other = None if self._settings.ignore_unknown_columns else _known(challenger)
        rows = input_frame(columns, champion.predictor.feature_types, other=other)
        decoded = DecodedRequest(request, ids, columns, datetime.now(UTC))
        if challenger and not self._settings.shadow:
            if routes_to_challenger(request, self._settings.canary_share):
                answer = self._challenger_result(challenger, "challenger", decoded)
                if answer is not None:
                    return answer
            challenger = None
        answer = self._predict_and_log(champion, "champion", decoded, rows)
        if challenger:
            self._submit_shadow(challenger, decoded)
        return answer

    def _row_ids(self, request: str, columns: InputColumns, champion: ServedModel) -> list[str]:
        name = self._settings.id_column
        if name is None or name not in columns:
            rows = len(next(iter(columns.values())))
            return [id_text(request)] if rows == 1 else [f"{request}-{row}" for row in range(rows)]
        values = columns[name] if name in champion.predictor.feature_types else columns.pop(name)
        ids = [id_text(value) for value in values]
        for row, (value, text) in enumerate(zip(values, ids, strict=True)):
            if type(value) not in (str, int) or not 0 < len(text) <= _MAX_ID_CHARACTERS:
                raise DataRejected(
                    f"column {name!r}, row {row} is no id: expected text of 1 to {_MAX_ID_CHARACTERS} characters "
                    "(BYTES), or an integer",
                    column=name,
                )
        if len(set(ids)) < len(ids):
            raise DataRejected(f"column {name!r} has an id twice", column=name)
        redaction = self._settings.redaction
        if redaction is not None and redaction.columns.get(name) == "hash":
            return [str(redaction.hashed(text)) for text in ids]
        return ids

    def _challenger_result(
        self, challenger: ServedModel, role: Role, decoded: DecodedRequest
    ) -> InferenceResult | None:
        """Let the challenger predict; None if it could not, and then that is logged."""
        try:
            rows = input_frame(decoded.columns, challenger.predictor.feature_types, other=None)
            return self._predict_and_log(challenger, role, decoded, rows)
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
            self._inference_log.log_failure(challenger.version, role, decoded)
            return None

    def _predict_and_log(
        self, model: ServedModel, role: Role, decoded: DecodedRequest, rows: InputFrame
    ) -> InferenceResult:
        answer = predict(model, role, decoded, rows)
        self._metrics.predicted(role, len(answer.labels))
        return replace(answer, logged=self._inference_log.log_result(answer, decoded, rows))

    def _submit_shadow(self, challenger: ServedModel, decoded: DecodedRequest) -> None:
        if not self._shadow_room.acquire(blocking=False):
            self._metrics.shadow_skipped()
            return

        def predict() -> None:
            try:
                with contextlib.suppress(LogUnavailable):  # Counted and said already.
                    self._challenger_result(challenger, "shadow", decoded)
            finally:
                self._shadow_room.release()

        self._shadow.submit(predict)


def _check_outputs(wanted: Sequence[str], predictor: Predictor) -> None:
    there = output_names(predictor)
    for name in wanted:
        if name not in there:
            raise DataRejected(f"output {name!r} is unknown; the model answers with {there}")


def _known(challenger: ServedModel | None) -> tuple[str, ...]:
    return tuple(challenger.predictor.feature_types) if challenger else ()
