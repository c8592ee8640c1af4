"""Encodes the predictions of one model as the rows that are logged, with the logger's defaults filled in."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..data.identifiers import id_text
from ..storage.documents import Document, encode_failure, encode_row
from ..storage.predictions import Role
from .logger_settings import ROLES

if TYPE_CHECKING:
    from ..storage.redaction import Redaction


class RowEncoder:
    """Encodes rows of one model.

    Args:
        model: Registered model's name.
        version: Version that predicts, unless a row names another.
        role: Who predicts, unless a row says otherwise.
        redaction: What of a feature may be kept.
    """

    def __init__(
        self, model: str, version: str, role: Role, redaction: Redaction | None = None
    ) -> None:
        self._model, self._version = model, version
        self._role: Role = role
        self._redact: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = (
            None if redaction is None else redaction.apply
        )
        # Seeded by the operating system: ids as random as a uuid4's, in a tenth of its time.
        self._random = random.Random()

    def new_id(self) -> str:
        """Return an id that no other row has."""
        return f"{self._random.getrandbits(128):032x}"

    def row(
        self,
        id: str,
        features: Mapping[str, Any],
        prediction: Any,
        score: Mapping[str, float] | None,
        *,
        at: datetime | None,
        version: str | None,
        role: Role | None,
        latency_seconds: float | None,
        request: str | None,
    ) -> Document:
        """Encode a prediction. See `PredictionLogger.log`."""
        return encode_row(
            model=self._model,
            id=id,
            role=self._checked(role),
            version=self._version if version is None else version,
            at=datetime.now(UTC) if at is None else at,
            features=features if self._redact is None else self._redact(features),
            prediction=prediction,
            score=score,
            latency_seconds=latency_seconds,
            request=request,
        )

    def failure(
        self,
        id: str,
        *,
        at: datetime | None,
        version: str | None,
        role: Role | None,
        request: str | None,
    ) -> Document:
        """Encode that a version made no prediction. See `PredictionLogger.log_failures`."""
        return encode_failure(
            model=self._model,
            id=id,
            role=self._checked(role),
            version=self._version if version is None else version,
            at=datetime.now(UTC) if at is None else at,
            request=request,
        )

    def _checked(self, role: Role | None) -> Role:
        if role is None:
            return self._role
        if role not in ROLES:
            raise ValueError(f"role {role!r} is none: expected one of {sorted(ROLES)}")
        return role


def logged_id(given: str) -> str:
    """Return an id as it is logged; what is no text is left for `encode_row` to refuse."""
    return id_text(given) if isinstance(given, str) else given
