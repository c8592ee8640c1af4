"""Reads the files of MLflow runs, those that may not be there included."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from ..core.results import Result
from .tracking import registry_errors

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry

R = TypeVar("R", bound=Result)


def read_file(registry: ModelRegistry, run_id: str, artifact: str) -> bytes | None:
    """Return a file of a run, None when it is not there.

    Args:
        registry: Where runs and models are kept.
        run_id: The run.
        artifact: Path of the file below the run's artifacts.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    client = registry.get_client()
    folder = str(PurePosixPath(artifact).parent)
    with registry_errors(registry), tempfile.TemporaryDirectory() as temporary:
        listed = client.list_artifacts(run_id, None if folder == "." else folder)
        if artifact not in {found.path for found in listed}:
            return None
        return Path(client.download_artifacts(run_id, artifact, temporary)).read_bytes()


def read_result(registry: ModelRegistry, run_id: str, artifact: str, kind: type[R]) -> R | None:
    """Return a result that a run holds as JSON, None when it is not there or is of another form.

    Args:
        registry: Where runs and models are kept.
        run_id: The run.
        artifact: Path of the file below the run's artifacts.
        kind: Class of the result.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    content = read_file(registry, run_id, artifact)
    if content is None:
        return None
    try:
        return kind.model_validate(json.loads(content))
    except (ValidationError, ValueError):
        # Written by another version of the package.
        return None
