"""A project that was trained once, for every test of the flows that starts from a champion."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
from conftest import make_calls
from prefect import State
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.results import TrainingOutcome
from prefect_mlops.flows import train
from support.candidates import with_mlflow

COLUMNS = {"target": "y", "timestamp": "called_at", "id": "call_id", "slices": ["job"]}
QUICK: dict[str, Any] = {
    "training": {"estimators": ["linear"], "trials": 1, "folds": 2},
    "gates": {"deepchecks": [], "resamples": 300},
}


class Trained(NamedTuple):
    """A project after its first training.

    Attributes:
        project: The project.
        state: Final state of the flow run.
        outcome: Its data.
    """

    project: MLProject
    state: State
    outcome: TrainingOutcome


def project_in(folder: Path, **overrides: Any) -> MLProject:
    """A project on SQLite whose rows are `rows.parquet` of the folder."""
    settings = {
        "name": "calls",
        "task_type": "binary",
        "dataset": dataset_in(folder, "rows"),
        "registry": ModelRegistry(tracking_uri=f"sqlite:///{folder}/mlflow.db", model_name="calls"),
        "predictions": PredictionLog(uri=f"sqlite:///{folder}/predictions.db"),
        "workspace": str(folder / "workspace"),
        **QUICK,
    }
    return with_mlflow(MLProject(**{**settings, **overrides}))


def dataset_in(folder: Path, name: str, frame: pd.DataFrame | None = None) -> Dataset:
    path = folder / f"{name}.parquet"
    if frame is not None:
        frame.to_parquet(path)
    return Dataset(source={"type": "parquet", "path": str(path)}, columns=COLUMNS)


def _artifacts_of(state: State) -> dict[str | None, Any]:
    wanted = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])
    )
    with get_client(sync_client=True) as client:
        return {found.key: found for found in client.read_artifacts(artifact_filter=wanted)}


@pytest.fixture(scope="session")
def trained(prefect_api, tmp_path_factory) -> Trained:
    """The first training: read it only, and take `champion` to change anything."""
    folder = tmp_path_factory.mktemp("trained")
    make_calls(1_000).to_parquet(folder / "rows.parquet")
    project = project_in(folder)
    state = train(project, return_state=True)
    return Trained(project, state, state.result())


@pytest.fixture
def champion(trained, tmp_path) -> MLProject:
    """A copy of the trained project, for this test alone."""
    shutil.copytree(Path(trained.project.workspace).parent, tmp_path, dirs_exist_ok=True)
    return project_in(tmp_path)


@pytest.fixture
def dataset(tmp_path) -> Callable[[str, pd.DataFrame], Dataset]:
    """A function that makes a dataset of rows, by name."""
    return lambda name, frame: dataset_in(tmp_path, name, frame)


@pytest.fixture
def make_flow_project(tmp_path) -> Callable[..., MLProject]:
    """A function that makes a project like the trained one, without a champion; keywords override."""
    return lambda **overrides: project_in(tmp_path, **overrides)


@pytest.fixture
def artifacts_of() -> Callable[[State], dict[str | None, Any]]:
    """A function that returns the artifacts that a flow run created, by key."""
    return _artifacts_of
