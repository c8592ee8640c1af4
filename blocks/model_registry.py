"""The `ModelRegistry` block: the MLflow tracking server and registry, and the model's name."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, SecretStr, field_validator, model_validator

from ..core.secret_input import without_slug
from ..core.secret_text import as_secret
from .links import DOCUMENTATION_URL, LOGO_URL

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from ..core.settings import Columns, TaskType
    from ..models.predictor import Predictor

_SCHEMES = {"http", "https", "sqlite", "postgresql", "mysql", "mssql", "file", "databricks"}


class ModelRegistry(Block):
    """The MLflow tracking server and registry, and the model's name.

    Attributes:
        tracking_uri: MLflow tracking server or database.
        registry_uri: MLflow registry, when it is another one.
        model_name: Registered model's name.
        experiment: Experiment's name; the model's name when None.

    Example:
        Load a configured registry and look at the champion:
        ```python
        from prefect_mlops.blocks import ModelRegistry

        registry = ModelRegistry.load("BLOCK_NAME")
        client = registry.get_client()
        ```
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, protected_namespaces=())

    _block_type_name = "ML Model Registry"
    _block_type_slug = "ml-model-registry"
    _logo_url = LOGO_URL  # pyright: ignore[reportAssignmentType]
    _documentation_url = DOCUMENTATION_URL  # pyright: ignore[reportAssignmentType]

    _strict = model_validator(mode="before")(without_slug)

    tracking_uri: SecretStr = Field(
        description="MLflow tracking server or database.",
        examples=["http://127.0.0.1:5000", "sqlite:////var/lib/mlops/mlflow.db"],
    )
    registry_uri: SecretStr | None = Field(
        default=None, description="MLflow registry. Empty: the tracking server's own."
    )
    model_name: str = Field(
        min_length=1,
        pattern=r"^[^/:]+$",
        description="Name of the registered model, without slashes and colons.",
        examples=["telemarketing"],
    )
    experiment: str | None = Field(
        default=None, description="Name of the experiment. Empty: the model's name."
    )

    @field_validator("tracking_uri", "registry_uri")
    @classmethod
    def _known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            scheme = urlsplit(value.get_secret_value()).scheme.partition("+")[0]
            if scheme not in _SCHEMES:
                raise ValueError(
                    f"scheme {scheme!r} is not one MLflow knows: expected one of {sorted(_SCHEMES)}"
                )
        return value

    _hidden = field_validator("tracking_uri", "registry_uri", mode="before")(as_secret)

    @property
    def experiment_name(self) -> str:
        """The experiment's name."""
        return self.experiment or self.model_name

    @property
    def uris(self) -> tuple[str, str | None]:
        """Tracking server and registry as they are, with their secrets; None: the server's own."""
        registry = self.registry_uri
        return (
            self.tracking_uri.get_secret_value(),
            registry.get_secret_value() if registry else None,
        )

    def get_client(self) -> MlflowClient:
        """Return an MLflow client. A tracking server is not contacted yet, a database is.

        Returns:
            The client.

        Raises:
            RegistryUnavailable: If the database cannot be opened.
        """
        from ..models.mlflow_errors import mlflow_errors

        tracking_uri, registry_uri = self.uris
        with mlflow_errors(tracking_uri, registry_uri):
            from mlflow import MlflowClient

            return MlflowClient(tracking_uri, registry_uri=registry_uri)

    def load_model(self, model_uri: str, task_type: TaskType) -> Predictor:
        """Load a logged or registered model.

        Args:
            model_uri: `models:/name/version`, `models:/name@alias`, `models:/id` or `runs:/…`.
            task_type: Task type.

        Returns:
            The model, ready to predict.

        Raises:
            ModelUnavailable: If there is no such model or it does not load.
            RegistryUnavailable: If MLflow cannot be reached.
        """
        from ..models.mlflow_errors import mlflow_errors
        from ..models.model_package import load_predictor

        tracking_uri, registry_uri = self.uris
        with mlflow_errors(tracking_uri, registry_uri):
            return load_predictor(
                model_uri, task_type, tracking_uri=tracking_uri, registry_uri=registry_uri
            )

    def load_on_rows(
        self, model_uri: str, rows: pd.DataFrame, *, columns: Columns, task_type: TaskType
    ) -> Predictor:
        """Load a model of any origin: one that was never adopted is tried on rows first.

        Args:
            model_uri: As for `load_model`.
            rows: Rows with the target, that it is going to score.
            columns: What each column is for.
            task_type: What is predicted.

        Returns:
            The model, ready to predict.

        Raises:
            DataRejected: If an input column is missing.
            ModelUnavailable: If there is no such model, it does not load, or it cannot be asked for
                probabilities or values.
            RegistryUnavailable: If MLflow cannot be reached.
        """
        from ..models.adoption_check import load_on_rows
        from ..models.mlflow_errors import mlflow_errors

        tracking_uri, registry_uri = self.uris
        with mlflow_errors(tracking_uri, registry_uri):
            return load_on_rows(
                model_uri,
                rows,
                columns=columns,
                task_type=task_type,
                tracking_uri=tracking_uri,
                registry_uri=registry_uri,
            )
