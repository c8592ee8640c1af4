"""Closes MLflow runs of trainings that were killed and never repeated: they would run for ever.

A run carries the attempt that it belongs to. Whoever finds the attempt's lock free knows that no
process works on it; the lock is held while its runs are closed, so that a training which begins
meanwhile waits. An attempt whose lock lies elsewhere, in another workspace or on another machine, is
left alone, and so is a run that says nothing of its attempt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tags
from ..runs.run_logger import run_logger
from .tracking import registry_errors

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

    from ..blocks.stores import Stores
    from ..core.checkpoints import Checkpoints

_PARENT_RUN = "mlflow.parentRunId"
_MOST = 1_000


def close_abandoned(
    stores: Stores, checkpoints: Checkpoints, training_key: str | None = None
) -> list[str]:
    """Mark the runs of trainings that nobody works on any more as KILLED, with a tag that says why.

    Args:
        stores: Where the model's things are kept.
        checkpoints: Of the attempt that this process holds.
        training_key: Training key of this attempt: its run goes on.

    Returns:
        Ids of the closed runs.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        runs = _running(stores, client)
        closed: list[str] = []
        for run in runs:
            attempt, key = (run.data.tags.get(tag) for tag in (tags.ATTEMPT, tags.TRAINING_KEY))
            if attempt is None or key == training_key:
                continue
            with checkpoints.abandoned(attempt) as free:
                if free:
                    trials = [trial for trial in runs if _parent(trial) == run.info.run_id]
                    for each in (*trials, run):
                        _close(client, each, "its training was killed and not started again")
                        closed.append(each.info.run_id)
        # A trial that was killed while it was logged outlives a training that went on without it.
        for trial in runs:
            parent = _parent(trial)
            if parent and trial.info.run_id not in closed and _has_ended(client, parent):
                _close(client, trial, "its training ended without it")
                closed.append(trial.info.run_id)
    if closed:
        run_logger().info("%d MLflow runs of killed trainings are closed", len(closed))
    return closed


def _running(stores: Stores, client: MlflowClient) -> list[Run]:
    experiment = client.get_experiment_by_name(stores.registry.experiment_name)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return []
    wanted = f"attributes.status = 'RUNNING' and tags.`{tags.PROJECT}` = '{stores.name}'"
    return list(client.search_runs([experiment.experiment_id], wanted, max_results=_MOST))


def _parent(run: Run) -> str | None:
    return run.data.tags.get(_PARENT_RUN)


def _has_ended(client: MlflowClient, run_id: str) -> bool:
    from mlflow.exceptions import MlflowException

    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return True
    return run.info.status != "RUNNING" or run.info.lifecycle_stage == "deleted"


def _close(client: MlflowClient, run: Run, why: str) -> None:
    client.set_tag(run.info.run_id, tags.KILLED_BECAUSE, why)
    client.set_terminated(run.info.run_id, "KILLED")
