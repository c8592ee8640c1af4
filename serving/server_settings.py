"""Settings of the model server: `parameters.extra` of MLServer's model-settings.json.

URIs that hold credentials are better given as environment variables, which win over the file:

| variable | field |
| --- | --- |
| `PREFECT_MLOPS_TRACKING_URI` | `tracking_uri` |
| `PREFECT_MLOPS_REGISTRY_URI` | `registry_uri` |
| `PREFECT_MLOPS_PREDICTIONS_URI` | `predictions` |
| `PREFECT_MLOPS_REDACTION_KEY` | `redaction.key` |
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from ..core.errors import ConfigurationError
from ..core.former_names import with_task_type
from ..core.settings import Share, TaskType
from ..storage.redaction import Redaction
from ..storage.uris import (
    check_collection,
    check_not_secret,
    check_options,
    check_sqlite_options,
    check_uri,
)

_FROM_ENVIRONMENT = {
    "PREFECT_MLOPS_TRACKING_URI": "tracking_uri",
    "PREFECT_MLOPS_REGISTRY_URI": "registry_uri",
    "PREFECT_MLOPS_PREDICTIONS_URI": "predictions",
}
_REDACTION_KEY = "PREFECT_MLOPS_REDACTION_KEY"


class ServerSettings(BaseModel):
    """What one served model needs. Unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, protected_namespaces=()
    )

    tracking_uri: SecretStr = Field(
        description="MLflow tracking server or database.", examples=["http://127.0.0.1:5000"]
    )
    registry_uri: SecretStr | None = Field(
        default=None, description="MLflow registry. Empty: the tracking server's own."
    )
    model_name: str = Field(
        min_length=1, description="Name of the registered model.", examples=["telemarketing"]
    )
    task_type: TaskType | None = Field(
        default=None,
        description="Task type that every version must have. Empty: the one it was logged with.",
    )
    predictions: SecretStr | None = Field(
        default=None,
        description="Prediction log: mongodb://… with a database, or sqlite:///path. Empty: nothing is logged.",
    )
    collection: str = Field(
        default="mlops", description="Prefix of the log's collections or tables."
    )
    client_options: dict[str, Any] = Field(
        default_factory=dict,
        description="Options of pymongo.MongoClient, without secrets: TLS, authentication. None for SQLite.",
    )
    spool: str | None = Field(
        default=None,
        description="Folder on a local disk that keeps predictions until they are in the log. Empty: memory does.",
    )
    spool_when: Literal["always", "full"] = Field(
        default="always",
        description="With a spool. always: on disk before the caller is answered. full: once memory has no room.",
    )
    spool_bytes: int = Field(
        default=2**30, ge=2**20, description="Size of the spool at most, bytes."
    )
    buffer_rows: int = Field(
        default=10_000, ge=1, description="Predictions that wait in memory for the log at most."
    )
    log_flush_seconds: float = Field(
        default=1.0,
        gt=0,
        description="Longest time that a prediction waits for its batch, seconds.",
    )
    log_timeout_seconds: float = Field(
        default=10.0, gt=0, description="Longest wait for the log to answer, seconds."
    )
    log_room_seconds: float = Field(
        default=0.5,
        gt=0,
        description="Longest wait of a request for room in memory or spool, seconds; then see require_log.",
    )
    redaction: Redaction | None = Field(
        default=None,
        description="What is dropped, hashed or truncated before a prediction leaves the process.",
    )
    require_log: bool = Field(
        default=False,
        description="Refuse a request (503) whose prediction cannot be logged, instead of answering it.",
    )
    id_column: str | None = Field(
        default=None,
        description="Input with an id a row, to attach labels by. Empty, or not sent: made of the request's id.",
    )
    ignore_unknown_columns: bool = Field(
        default=False,
        description="Leave out inputs that the model does not know, instead of refusing the request.",
    )
    refresh_seconds: float = Field(
        default=10.0, gt=0, description="Time between two looks at the aliases, seconds."
    )
    canary_share: Share = Field(
        default=0.0,
        description="Share of requests that the challenger answers, 0 to 1; which depends on the request's id alone.",
    )
    shadow: bool = Field(
        default=False,
        description="The challenger predicts beside the champion; its answers are only logged.",
    )
    shadow_requests: int = Field(
        default=100,
        ge=1,
        description="Requests that wait for the shadow at most; it skips those beyond.",
    )
    threads: int = Field(default=2, ge=1, description="Requests that are predicted at once.")

    @model_validator(mode="before")
    @classmethod
    def _as_named_today(cls, data: Any) -> Any:
        return with_task_type(data)

    @field_validator("predictions")
    @classmethod
    def _known_log(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            check_uri(value.get_secret_value())
        return value

    @field_validator("collection")
    @classmethod
    def _is_prefix(cls, value: str) -> str:
        return check_collection(value)

    @field_validator("client_options")
    @classmethod
    def _known_options(cls, value: dict[str, Any]) -> dict[str, Any]:
        check_not_secret(value)
        check_options(value)
        return value

    @model_validator(mode="after")
    def _options_of_the_log(self) -> Self:
        if self.predictions and self.predictions.get_secret_value().startswith("sqlite"):
            check_sqlite_options(self.client_options)
        return self

    @model_validator(mode="after")
    def _id_is_kept(self) -> Self:
        rules = self.redaction.columns if self.redaction else {}
        if rules.get(self.id_column or "", "hash") != "hash":
            raise ValueError(
                f"redaction of {self.id_column!r}, the id, must be 'hash': labels find their prediction by it"
            )
        return self

    @model_validator(mode="after")
    def _one_use_of_the_challenger(self) -> Self:
        if self.shadow and self.canary_share > 0:
            raise ValueError(
                f"canary_share is {self.canary_share} and shadow is true: the challenger either answers "
                "some requests or predicts beside the champion, set one of them"
            )
        return self

    @property
    def wants_challenger(self) -> bool:
        """Whether the challenger has anything to do."""
        return self.shadow or self.canary_share > 0

    @classmethod
    def read(
        cls, extra: Mapping[str, Any] | None, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Read settings as MLServer hands them over.

        Args:
            extra: `parameters.extra` of model-settings.json.
            environment: Environment variables. None: this process's.

        Returns:
            The settings.

        Raises:
            ConfigurationError: If they cannot work; the message never quotes a value.

        Example:
            >>> file = {"model_name": "calls", "tracking_uri": "http://127.0.0.1:5000"}
            >>> ServerSettings.read(file, {}).refresh_seconds
            10.0
        """
        given = os.environ if environment is None else environment
        values = dict(extra or {})
        values |= {field: given[name] for name, field in _FROM_ENVIRONMENT.items() if name in given}
        redaction = values.get("redaction")
        if _REDACTION_KEY in given and isinstance(redaction, Mapping):
            values["redaction"] = {**redaction, "key": given[_REDACTION_KEY]}
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            found = "; ".join(
                f"{'.'.join(map(str, wrong['loc'])) or 'settings'}: {wrong['msg']}"
                for wrong in error.errors(
                    include_url=False, include_context=False, include_input=False
                )
            )
        raise ConfigurationError(
            f"parameters.extra in model-settings.json cannot work: {found}. `ServerSettings` in "
            "prefect_mlops.serving.server_settings lists the fields"
        )
