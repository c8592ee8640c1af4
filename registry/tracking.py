"""MLflow runs of a training: opened once a training key, written through an explicit client.

MLflow's fluent functions keep an active run and a tracking URI for the whole process, so two trainings
in one process mix. Here every call names its run and goes through `project.registry.get_client()`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from prefect.runtime import flow_run

from ..core import tags
from ..core.errors import RegistryUnavailable
from ..core.version import VERSION
from ..models.mlflow_errors import is_database, mlflow_errors
from .batches import log_batch

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.results import Cause, Snapshot


class FlowRunLink(NamedTuple):
    """The Prefect flow run that is running, all None outside one.

    Attributes:
        id: Its id.
        name: Its name.
        url: Its page in the Prefect UI.
    """

    id: str | None
    name: str | None
    url: str | None


def flow_run_link() -> FlowRunLink:
    """Return the flow run that is running."""
    identifier = flow_run.get_id()
    if identifier is None:
        return FlowRunLink(None, None, None)
    return FlowRunLink(str(identifier), flow_run.get_name(), flow_run.get_flow_run_ui_url())


@lru_cache(maxsize=1)
def code_version() -> str:
    """Return the package's version, with the Git commit when it runs from a checkout.

    Example:
        >>> code_version().split("+")[0] == VERSION
        True
    """
    root = Path(__file__).resolve().parents[1]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return VERSION
    command = [git, "-C", str(root), "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return VERSION
    return f"{VERSION}+{found.stdout.strip()}"


@contextmanager
def registry_errors(registry: ModelRegistry) -> Iterator[None]:
    """Turn what MLflow, its database or its artifact store raise into `RegistryUnavailable`.

    Args:
        registry: Where runs and models are kept.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached or answers with an error. Unless the
            environment says otherwise, that takes at most about 20 seconds.

    Example:
        ```python
        with registry_errors(project):
            project.registry.get_client().get_run(run_id)
        ```
    """
    with mlflow_errors(*registry.uris):
        yield


def open_run(
    stores: Stores,
    key: str,
    cause: Cause | None,
    snapshot: Snapshot | None = None,
    attempt: str | None = None,
) -> str:
    """Return the MLflow run of a training key: the one that is there, or a new one.

    A training that was killed and is repeated goes on in the same run.

    Args:
        stores: Where the model's things are kept.
        key: Training key.
        cause: Why the training was asked for, or None.
        snapshot: All extracted rows.
        attempt: Names the attempt, see `core.checkpoints`.

    Returns:
        The run's id. The run is running.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached, or the experiment was deleted.
    """
    client = stores.registry.get_client()
    link = flow_run_link()
    found: dict[str, str | None] = {
        tags.PROJECT: stores.name,
        tags.TRAINING_KEY: key,
        tags.ATTEMPT: attempt,
        tags.SNAPSHOT_DIGEST: snapshot.digest if snapshot else None,
        tags.SNAPSHOT_URI: snapshot.uri if snapshot else None,
        tags.CODE_VERSION: code_version(),
        tags.FLOW_RUN_ID: link.id,
        tags.FLOW_RUN_NAME: link.name,
        tags.FLOW_RUN_URL: link.url,
        tags.CAUSE_ID: cause.id if cause else None,
    }
    texts = {name: value for name, value in found.items() if value is not None}
    with registry_errors(stores.registry):
        experiment = experiment_id(stores, client)
        known = client.search_runs(
            [experiment],
            f"tags.`{tags.TRAINING_KEY}` = '{key}'",
            max_results=1,
            order_by=["attributes.start_time ASC"],
        )
        if not known:
            name = link.name or f"{stores.name}-{key[:8]}"
            return client.create_run(experiment, tags=texts, run_name=name).info.run_id
        run_id = known[0].info.run_id
        client.update_run(run_id, status="RUNNING")
        if tags.KILLED_BECAUSE in known[0].data.tags:
            client.delete_tag(run_id, tags.KILLED_BECAUSE)
        log_batch(client, run_id, texts=texts)
    return run_id


def close_run(
    registry: ModelRegistry, run_id: str, status: Literal["FINISHED", "FAILED", "KILLED"]
) -> None:
    """End a run.

    Args:
        registry: Where runs and models are kept.
        run_id: The run.
        status: How it ended.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    with registry_errors(registry):
        registry.get_client().set_terminated(run_id, status)


@contextmanager
def run_for(stores: Stores, run_id: str | None, key: str, snapshot: Snapshot) -> Iterator[str]:
    """Give the run that is named; or open that of a training key, and end it.

    Args:
        stores: Where the model's things are kept.
        run_id: A run that the caller opened and ends, or None.
        key: Training key.
        snapshot: The rows.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached, or the experiment was deleted.
    """
    if run_id is not None:
        yield run_id
        return
    opened = open_run(stores, key, None, snapshot)
    try:
        yield opened
    except BaseException:
        close_run(stores.registry, opened, "FAILED")
        raise
    close_run(stores.registry, opened, "FINISHED")


def experiment_id(stores: Stores, client: MlflowClient) -> str:
    """Return the id of the project's experiment; create it when it is not there.

    Args:
        stores: Where the model's things are kept.
        client: MLflow client.

    Returns:
        The id.

    Raises:
        RegistryUnavailable: If the experiment was deleted.
    """
    from mlflow.exceptions import MlflowException

    name = stores.registry.experiment_name
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        try:
            return client.create_experiment(name, artifact_location=_artifact_location(stores))
        except MlflowException as error:
            # Another training may have created it in the meantime.
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        raise RegistryUnavailable(
            f"experiment {name!r} was deleted in MLflow: restore it, or set another one in the "
            "registry block"
        )
    return experiment.experiment_id


def _artifact_location(stores: Stores) -> str | None:
    """Return where artifacts go without a tracking server: MLflow would take `./mlruns`."""
    uri = stores.registry.tracking_uri.get_secret_value()
    if not is_database(uri):
        return None
    workspace = stores.find_workspace()
    if workspace is None:
        return None
    root = workspace.uri("mlflow")
    return root if "://" in root else Path(root).as_uri()
