"""The `PredictionLog` block: the database with predictions and journal."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from ..core.secret_input import hidden, unquoted, without_slug
from ..core.secret_text import as_secret
from .links import DOCUMENTATION_URL, LOGO_URL

if TYPE_CHECKING:
    from ..logger.logger import PredictionLogger
    from ..storage.interface import PredictionStore


class PredictionLog(Block):
    """The database with predictions and journal.

    Attributes:
        uri: `mongodb://…/database` in production, `sqlite:///path` on one machine.
        collection: Prefix of the collections or tables.
        options: How to connect to MongoDB, such as TLS.

    Raises:
        pydantic.ValidationError: On construction, for a bad URI or an option that pymongo does not know.

    Example:
        Load a configured prediction log and count a window:
        ```python
        from prefect_mlops.blocks import PredictionLog

        log = PredictionLog.load("BLOCK_NAME")
        with log.get_client() as store:
            store.ping()
        ```
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    _block_type_name = "Prediction Log"
    _block_type_slug = "prediction-log"
    _logo_url = LOGO_URL  # pyright: ignore[reportAssignmentType]
    _documentation_url = DOCUMENTATION_URL  # pyright: ignore[reportAssignmentType]

    _strict = model_validator(mode="before")(without_slug)

    uri: SecretStr = Field(
        description="Database of the log: mongodb:// with a database name, or sqlite:/// with a path.",
        examples=["sqlite:////var/lib/mlops/predictions.db", "mongodb://user:password@host/mlops"],
    )
    collection: str = Field(
        default="mlops",
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Prefix of the collections or tables, lowercase letters, digits and underscores.",
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, description="Longest wait for the database to answer, seconds."
    )
    retention_days: float | None = Field(
        default=None,
        gt=0,
        description="Days that a prediction is kept after it was made. Monitoring runs delete older ones, "
        "and MongoDB does so by itself. Empty: every prediction is kept.",
        examples=[400],
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Options of pymongo.MongoClient, without secrets: TLS, authentication, write concern. "
        "Passwords go into the URI.",
        examples=[{"tls": True, "tlsCAFile": "/etc/ssl/mongodb-ca.pem", "w": "majority"}],
    )

    @field_validator("uri")
    @classmethod
    def _known_scheme(cls, value: SecretStr) -> SecretStr:
        from ..storage.uris import check_uri

        check_uri(value.get_secret_value())
        return value

    @field_validator("options")
    @classmethod
    def _known_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        from ..storage.uris import check_not_secret, check_options

        check_not_secret(value)
        check_options(value)
        return value

    # After the others in this class, so that they come first when a value is set.
    _hidden = field_validator("uri", mode="before")(as_secret)

    @field_validator("options", mode="before")
    @classmethod
    def _hide_options(cls, value: Any) -> Any:
        return hidden("options", value)

    def model_post_init(self, context: Any, /) -> None:
        """Refuse options on a database that has none."""
        super().model_post_init(context)
        with unquoted():
            if self.options and self.uri.get_secret_value().startswith("sqlite"):
                raise ValueError(f"SQLite takes no client options, got {sorted(self.options)}")

    def get_client(self, **options: Any) -> PredictionStore:
        """Open the store.

        Args:
            options: Passed through to `pymongo.MongoClient`, over the block's own; none for SQLite.

        Returns:
            The store, a context manager.

        Raises:
            LogUnavailable: If the database cannot be opened.
        """
        from ..storage.open import open_store

        return open_store(
            self.uri.get_secret_value(),
            collection=self.collection,
            timeout_seconds=self.timeout_seconds,
            # Who clears the field wants every prediction kept, whatever it said before.
            retention_days=math.inf if self.retention_days is None else self.retention_days,
            **{**self.options, **options},
        )

    def get_logger(self, model: str, version: str, **settings: Any) -> PredictionLogger:
        """Make a logger that writes to this log in the background.

        Args:
            model: Registered model's name.
            version: Version that predicts.
            settings: See `PredictionLogger`: spool, redaction, role and others.

        Returns:
            The logger, a context manager.

        Raises:
            ConfigurationError: If a setting cannot work.
        """
        from ..logger.logger import PredictionLogger

        return PredictionLogger(
            self.uri.get_secret_value(),
            model,
            version,
            **{
                "collection": self.collection,
                "timeout_seconds": self.timeout_seconds,
                **self.options,
                **settings,
            },
        )
