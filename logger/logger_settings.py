"""Settings of a prediction logger, checked before anything is started with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ..core.errors import ConfigurationError
from ..storage.predictions import Role
from ..storage.uris import check_collection, check_options, check_sqlite_options, check_uri

SpoolWhen = Literal["always", "full"]
ROLES = get_args(Role)
_MIN_SPOOL_BYTES = 2**20


@dataclass(frozen=True, kw_only=True, repr=False)
class LoggerSettings:
    """The arguments of `PredictionLogger`, which describes them.

    Raises:
        ConfigurationError: On construction, if a setting cannot work.
    """

    uri: str
    model: str
    version: str
    collection: str
    role: Role
    spool: str | Path | None
    spool_when: SpoolWhen
    spool_bytes: int
    batch_rows: int
    flush_seconds: float
    buffer_rows: int
    timeout_seconds: float
    room_seconds: float
    options: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check every setting."""
        for name in ("model", "version"):
            text = getattr(self, name)
            if type(text) is not str or not text:
                raise ConfigurationError(f"{name}={text!r}: expected text that is not empty")
        for name in ("batch_rows", "buffer_rows"):
            number = getattr(self, name)
            if type(number) is not int:
                raise ConfigurationError(f"{name}={number!r}: expected a whole number")
        check_collection(self.collection)
        (check_sqlite_options if self.store == "sqlite" else check_options)(self.options)
        names = ("batch_rows", "buffer_rows", "flush_seconds", "timeout_seconds", "room_seconds")
        positive = {name: getattr(self, name) for name in names}
        if min(positive.values()) <= 0:
            shown = ", ".join(f"{name}={value}" for name, value in positive.items())
            raise ConfigurationError(f"{shown} must be positive")
        if self.spool_when not in get_args(SpoolWhen) or self.spool_bytes < _MIN_SPOOL_BYTES:
            raise ConfigurationError(
                f"spool_when={self.spool_when!r} and spool_bytes={self.spool_bytes}: expected 'always' "
                f"or 'full', and at least {_MIN_SPOOL_BYTES} bytes"
            )
        if self.role not in ROLES:
            raise ConfigurationError(f"role={self.role!r}: expected one of {sorted(ROLES)}")

    @property
    def store(self) -> str:
        """Which store the URI is for: `sqlite` or `mongodb`."""
        return check_uri(self.uri)
