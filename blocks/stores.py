"""Where one model's things are kept: what several steps share, and no more."""

from __future__ import annotations

from typing import NoReturn

from ..core.errors import ConfigurationError
from ..core.workspace import Workspace
from .model_registry import ModelRegistry
from .prediction_log import PredictionLog


class Stores:
    """Where one model's things are kept, and the name that they are kept under.

    Only the name is needed: a step that needs a store which is not there says which one to set.

    Args:
        name: Short name of lowercase letters, digits and dashes; part of keys, tags and events.
        registry: Where runs and models are kept.
        predictions: Where predictions and the journal are kept.
        workspace: Folder for snapshots, suites and reports: a path or any fsspec URL.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores

        stores = Stores(
            name="calls",
            registry=ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls"),
            predictions=PredictionLog(uri="sqlite:///predictions.db"),
            workspace="workspace",
        )
        ```
    """

    def __init__(
        self,
        name: str,
        registry: ModelRegistry | None = None,
        predictions: PredictionLog | None = None,
        workspace: str | None = None,
    ) -> None:
        self._name = name
        self._registry = registry
        self._predictions = predictions
        self._workspace = workspace

    @property
    def name(self) -> str:
        """The name that the model's things are kept under."""
        return self._name

    @property
    def registry(self) -> ModelRegistry:
        """Where runs and models are kept. Raises `ConfigurationError` when it is not set."""
        if self._registry is None:
            self._lacking(
                "registry",
                "runs, models and their aliases",
                "ModelRegistry(tracking_uri=…, model_name=…)",
            )
        return self._registry

    @property
    def predictions(self) -> PredictionLog:
        """Where predictions and the journal are kept. Raises `ConfigurationError` when it is not set."""
        if self._predictions is None:
            self._lacking(
                "predictions",
                "predictions, promotions and the journal",
                "PredictionLog(uri=…)",
            )
        return self._predictions

    @property
    def workspace(self) -> str:
        """Folder for snapshots, suites and reports. Raises `ConfigurationError` when it is not set."""
        if self._workspace is None:
            self._lacking("workspace", "snapshots, studies and reports", "'a path or URL'")
        return self._workspace

    def open_workspace(self) -> Workspace:
        """Return the workspace's file access. Raises `ConfigurationError` when it is not set."""
        return Workspace(self.workspace)

    def find_workspace(self) -> Workspace | None:
        """Return the workspace's file access, None when it is not set."""
        return None if self._workspace is None else Workspace(self._workspace)

    def find_registry(self) -> ModelRegistry | None:
        """Return the registry, None when it is not set."""
        return self._registry

    def _lacking(self, field: str, holds: str, example: str) -> NoReturn:
        raise ConfigurationError(
            f"this step needs stores.{field}, where {holds} are kept, and it is not set: give "
            f"Stores({self._name!r}, {field}={example})"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stores) and vars(self) == vars(other)

    # Blocks have no hash.
    __hash__ = None  # pyright: ignore[reportAssignmentType]

    def __repr__(self) -> str:
        kept = [f"{n.removeprefix('_')}={v!r}" for n, v in vars(self).items() if v is not None]
        return f"Stores({', '.join(kept)})"
