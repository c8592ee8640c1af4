"""Finds the project and dataset that a flow was asked for, and keeps the libraries quiet and offline."""

from __future__ import annotations

from typing import TypeVar

import httpx
from prefect.runtime import flow_run
from pydantic import ValidationError

from ..blocks.dataset import Dataset
from ..blocks.project import MLProject
from ..core.errors import ConfigurationError, OrchestratorUnavailable
from ..core.library_switches import (
    DEEPCHECKS_TELEMETRY_OFF,
    DO_NOT_TRACK,
    GREAT_EXPECTATIONS_TELEMETRY_OFF,
    MLFLOW_RUN_LINKS_OFF,
    MLFLOW_TELEMETRY_OFF,
    set_defaults,
)

B = TypeVar("B", MLProject, Dataset)

_QUIET = (
    DO_NOT_TRACK,
    MLFLOW_TELEMETRY_OFF,
    DEEPCHECKS_TELEMETRY_OFF,
    GREAT_EXPECTATIONS_TELEMETRY_OFF,
    MLFLOW_RUN_LINKS_OFF,
)


def load_project(project: MLProject | str) -> MLProject:
    """Return the project, loading its block when only the name is given.

    Args:
        project: A project, or the name its block was saved under.

    Returns:
        The project.

    Raises:
        ConfigurationError: If no block has that name.
        OrchestratorUnavailable: If the Prefect API cannot be reached.
    """
    set_defaults(*_QUIET)
    if isinstance(project, MLProject):
        return project
    found = _load(MLProject, project)
    if found.name != project:
        # Deployments, events and the automation all find the project by this one name.
        raise ConfigurationError(
            f"the block {project!r} holds the project {found.name!r}: save it as {found.name!r}"
        )
    return found


def load_dataset(dataset: Dataset | str | None, project: MLProject) -> Dataset:
    """Return the dataset, loading its block when only the name is given.

    Args:
        dataset: A dataset, the name its block was saved under, or None.
        project: Whose dataset to use when there is none.

    Returns:
        The dataset.

    Raises:
        ConfigurationError: If no block has that name.
        OrchestratorUnavailable: If the Prefect API cannot be reached.
    """
    if dataset is None:
        return project.dataset
    return dataset if isinstance(dataset, Dataset) else _load(Dataset, dataset)


def _load(kind: type[B], name: str) -> B:
    try:
        found = kind.load(name)
    except ValueError as error:
        raise ConfigurationError(
            f"no {kind.__name__} block is saved as {name!r}: save one in Python with .save({name!r}), "
            f"or in the UI under Blocks. ({error})"
        ) from error
    except (httpx.HTTPError, RuntimeError) as error:
        if isinstance(error.__cause__, ValidationError):
            raise ConfigurationError(
                f"the {kind.__name__} block {name!r} is not valid: {error.__cause__}"
            ) from error
        raise OrchestratorUnavailable(
            f"the Prefect API cannot be reached to load {kind.__name__} {name!r}: {error}. "
            "Check PREFECT_API_URL"
        ) from error
    assert isinstance(found, kind)
    return found


def run_name(verb: str) -> str:
    """Return a readable name for the current flow run: verb, project and what it is about."""
    parameters = flow_run.parameters
    project = parameters.get("project")
    name = project if isinstance(project, str) else getattr(project, "name", "project")
    parts = [verb, str(name)]
    cause = parameters.get("cause")
    if cause is not None:
        found = cause["id"] if isinstance(cause, dict) else getattr(cause, "id", "")
        parts.append(f"because-{str(found)[:12]}")
    started = flow_run.scheduled_start_time
    if started is not None:
        parts.append(started.strftime("%Y%m%d-%H%M%S"))
    return "-".join(parts)
