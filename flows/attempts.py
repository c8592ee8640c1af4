"""What an interrupted attempt left in MLflow: trusted only as far as it is still there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import Candidate, ModelVersion, Result, Snapshot, digest_of
from ..registry import tracking
from ..registry.tracking import registry_errors
from ..registry.versions import get_version
from ..runs.run_logger import run_logger
from ..tasks.comparison import compare
from ..tasks.data_validation import validate_data
from ..tasks.extraction import extract
from ..tasks.fitting import fit, refit
from ..tasks.freshness import check_freshness
from ..tasks.model_validation import check_model
from ..tasks.own_gates import run_gates
from ..tasks.packaging import check_package
from ..tasks.registration import register
from ..tasks.repair import verify_repair
from ..tasks.splitting import split
from ..tasks.tuning import tune
from .evidence_gates import EVIDENCE_GATES
from .steps import step_name

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..blocks.stores import Stores
    from ..core.checkpoints import Checkpoints
    from ..core.results import Cause


class OpenedRun(Result):
    """The MLflow run of an attempt.

    Attributes:
        run_id: Its id.
    """

    run_id: str = Field(min_length=1)


def open_run(
    stores: Stores, key: str, cause: Cause | None, snapshot: Snapshot, attempt: str
) -> OpenedRun:
    """Open the MLflow run of an attempt, see `registry.tracking.open_run`."""
    return OpenedRun(run_id=tracking.open_run(stores, key, cause, snapshot, attempt))


# In the order in which they run: whatever follows a lost one was made of it.
STEPS = [
    step_name(step)
    for step in (
        extract,
        validate_data,
        split,
        open_run,
        tune,
        fit,
        check_model,
        *EVIDENCE_GATES,
        run_gates,
        compare,
        refit,
        check_package,
        check_freshness,
        register,
        verify_repair,
    )
]


def forget_lost_steps(project: MLProject, checkpoints: Checkpoints) -> str | None:
    """Forget the steps whose results were deleted from MLflow since an attempt was interrupted.

    Rows that were deleted from the workspace are another matter: `Steps.run` makes them again.

    Args:
        project: The project.
        checkpoints: The attempt's finished steps.

    Returns:
        What was found to be gone, or None.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
        WorkspaceUnavailable: If the attempt's files cannot be read or removed.
    """
    lost = _first_lost(project, checkpoints)
    if lost is None:
        return None
    step, why = lost
    run_logger().warning(
        "%s: %s since the attempt was interrupted; it is done again from there", step, why
    )
    checkpoints.forget(STEPS[STEPS.index(step) :])
    return why


def _first_lost(project: MLProject, checkpoints: Checkpoints) -> tuple[str, str] | None:
    run = checkpoints.load("open_run", OpenedRun)
    if run is not None and not _run_is_there(project, run.run_id):
        return "open_run", f"MLflow run {run.run_id} was deleted"
    for step in ("fit", "refit"):
        candidate = checkpoints.load(step, Candidate)
        missing = candidate and _lost_model(project, candidate)
        if missing:
            return step, missing
    version = checkpoints.load("register", ModelVersion)
    if version is not None:
        try:
            found = get_version(project.registry, version.version)
        except ModelUnavailable:
            return "register", f"version {version.version} was deleted"
        key = version.tags.get(tags.TRAINING_KEY)
        if found.tags.get(tags.TRAINING_KEY) != key or found.run_id != version.run_id:
            return "register", f"version {version.version} became another one"
    return None


def registered_version(checkpoints: Checkpoints) -> ModelVersion | None:
    """Return the version that an interrupted attempt registered, or None: it may have waited for a person.

    Args:
        checkpoints: The attempt's finished steps, without lost ones.

    Raises:
        WorkspaceUnavailable: If the attempt's files cannot be read.
    """
    return checkpoints.load("register", ModelVersion)


def opened_run(checkpoints: Checkpoints) -> str | None:
    """Return the id of the MLflow run of an attempt, or None where none was opened. See `registered_version`."""
    run = checkpoints.load("open_run", OpenedRun)
    return run and run.run_id


def key_of(
    project: MLProject, snapshot: Snapshot, cause: Cause | None, own: ModelVersion | None
) -> str:
    """Return the training key: rows, configuration and cause.

    Args:
        project: The project.
        snapshot: The rows.
        cause: Why the training was asked for, or None.
        own: The version that the attempt registered already. It goes on as what it was, also where settings were
            edited while it waited for a person.
    """
    known = own and own.tags.get(tags.TRAINING_KEY)
    digest, asked = project.training_digest(), cause.id if cause else None
    return known or digest_of({"snapshot": snapshot.digest, "project": digest, "cause": asked})


def reopen_run(project: MLProject, run_id: str) -> None:
    """Let the MLflow run of an attempt run again, if an interruption had closed it.

    Args:
        project: The project.
        run_id: The run.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    client = project.registry.get_client()
    with registry_errors(project.registry):
        if client.get_run(run_id).info.status != "RUNNING":
            client.update_run(run_id, status="RUNNING")


def suspend_run(project: MLProject, run_id: str) -> None:
    """Say of the MLflow run of an attempt that it goes on later: its process ends, the attempt does not.

    Args:
        project: The project.
        run_id: The run.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    with registry_errors(project.registry):
        project.registry.get_client().update_run(run_id, status="SCHEDULED")


def _run_is_there(project: MLProject, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    client = project.registry.get_client()
    with registry_errors(project.registry):
        try:
            run = client.get_run(run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False
    return run.info.lifecycle_stage != "deleted"


def _lost_model(project: MLProject, candidate: Candidate) -> str | None:
    from ..models.files import missing_files

    tracking_uri, registry_uri = project.registry.uris
    for uri in dict.fromkeys([candidate.evaluated_uri, candidate.model_uri]):
        missing = missing_files(uri, tracking_uri=tracking_uri, registry_uri=registry_uri)
        if missing:
            return f"the model {uri} was deleted: {missing}"
    return None
