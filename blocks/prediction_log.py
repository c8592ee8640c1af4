"""The `PredictionLog` block: the database with predictions and journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from .links import DOCUMENTATION_URL, LOGO_URL
from .strict import without_slug

if TYPE_CHECKING:
    from ..storage.interface import PredictionStore


class PredictionLog(Block):
    """The database with predictions and journal.

    Attributes:
        uri: `mongodb://…/database` in production, `sqlite:///path` on one machine.
        collection: Prefix of the collections or tables.

    Example:
        Load a configured prediction log and count a window:
        ```python
        from prefect_mlops.blocks import PredictionLog

        log = PredictionLog.load("BLOCK_NAME")
        with log.get_client() as store:
            store.ping()
        ```
    """

    model_config = ConfigDict(extra="forbid")

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

    @field_validator("uri")
    @classmethod
    def _known_scheme(cls, value: SecretStr) -> SecretStr:
        from ..storage.open import check_uri

        check_uri(value.get_secret_value())
        return value

    def get_client(self, **options: Any) -> PredictionStore:
        """Open the store.

        Args:
            options: Passed through to `pymongo.MongoClient` (TLS, authentication); none for SQLite.

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
            **options,
        )
