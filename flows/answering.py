"""One answer to a cause: a training that was asked for twice is one training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.logging import get_run_logger

from ..blocks.project import MLProject
from ..core import tags
from ..core.checkpoints import Checkpoints
from ..core.errors import MLOpsError, ModelUnavailable
from ..core.locks import FOR_EVER, hold
from ..core.results import Cause, Repair, TrainingOutcome, digest_of
from ..registry.versions import get_version
from ..runs.endings import judged_end, record_end
from .attempts import opened_run


@contextmanager
def one_at_a_time(project: MLProject, cause: Cause | None) -> Iterator[None]:
    """Hold a cause, so that two processes that see the workspace never train because of it at once.

    The second one waits: what the first one answers is its answer too. Where the workspace is remote,
    runs on several machines are kept apart by the deployment, which runs one training at a time.

    Args:
        project: The project.
        cause: Why the training was asked for. None: nothing is held.
    """
    if cause is None:
        yield
        return
    # Not with the project's configuration: a run that was begun before an edit has the cause as well.
    key = digest_of({"project": project.name, "cause": cause.id})
    path = project.open_workspace().local_folder("locks") / f"{key[:32]}.lock"
    with hold(path, patience=0) as held:
        if held:
            yield
            return
    get_run_logger().info(
        "another run trains because of %s: waiting for what comes of it", cause.id
    )
    with hold(path, patience=FOR_EVER):
        yield


def known_answer(project: MLProject, cause: Cause | None) -> TrainingOutcome | None:
    """Return how a cause was answered, or None when nothing was judged because of it yet.

    Args:
        project: The project.
        cause: Why the training was asked for.

    Returns:
        What the journal and the registry know of it: without the gates, which are in MLflow.

    Raises:
        LogUnavailable: If the journal cannot be read.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    end = judged_end(project.stores, cause) if cause else None
    if end is None or cause is None:
        return None
    version = None
    if end.get("version") is not None:
        try:
            version = get_version(project.registry, end["version"])
        except ModelUnavailable as error:
            get_run_logger().warning(
                "%s was answered by a version that is gone: %s", cause.id, error
            )
    with project.predictions.get_client() as store:
        repairs = store.journal("repair", project.name)
    repair = next((found for found in repairs if found["cause_id"] == cause.id), None)
    key = end.get("training_key") or (version.tags.get(tags.TRAINING_KEY) if version else None)
    return TrainingOutcome(
        outcome=end["outcome"],
        reasons=end["reasons"],
        version=version,
        training_key=key or "",
        run_id=end.get("run_id") or (version.run_id if version else None),
        cause_id=cause.id,
        repair=Repair.model_validate(repair) if repair else None,
    )


def record_failure(
    project: MLProject, cause: Cause | None, checkpoints: Checkpoints, error: Exception
) -> None:
    """Write down that nothing was judged, and why: without an MLflow run, nothing else would tell.

    Args:
        project: The project.
        cause: Why the training was asked for, or None.
        checkpoints: The attempt's finished steps.
        error: What went wrong. It is what is to be raised, also where it cannot be written down.
    """
    ending = {"outcome": "failed", "error": type(error).__name__, "reasons": [str(error)]}
    try:
        run_id = opened_run(checkpoints)
        record_end(project.stores, cause, {**ending, **({"run_id": run_id} if run_id else {})})
    except MLOpsError as unrecorded:
        get_run_logger().warning("the journal does not know that it failed: %s", unrecorded)


def answered(outcome: TrainingOutcome) -> str:
    """Return the sentence of a run that found its cause answered."""
    by = f"by version {outcome.version.version}" if outcome.version else "without a new version"
    return (
        f"cause {outcome.cause_id} was answered {by} ({outcome.outcome}): nothing was trained again"
    )
