"""Where one model's things are kept: what several steps share, and no more."""

from __future__ import annotations

from dataclasses import dataclass

from ..core.workspace import Workspace
from .model_registry import ModelRegistry
from .prediction_log import PredictionLog


@dataclass(frozen=True)
class Stores:
    """Where one model's things are kept, and the name that they are kept under.

    Attributes:
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

    name: str
    registry: ModelRegistry
    predictions: PredictionLog
    workspace: str

    def open_workspace(self) -> Workspace:
        """Return the workspace's file access."""
        return Workspace(self.workspace)
