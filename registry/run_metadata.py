"""Writes what a metadata store keeps of a run into its MLflow run: versions, executor, arguments, steps."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..core import tags
from ..core.results import Result, Snapshot, StepRecord
from .batches import log_batch
from .run_environment import environment, executor
from .run_logging import log_file
from .tracking import registry_errors
from .versions import find_version

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.results import TrainingOutcome
    from ..core.settings import Setup

CONFIGURATION = "metadata/configuration.json"
# MLflow refuses the tags of runs beyond 8,000 characters.
_LONGEST_TAG = 7_900


def record_run(
    registry: ModelRegistry,
    run_id: str,
    parameters: dict[str, Any],
    setup: Setup | None = None,
) -> None:
    """Record, when a run begins, what runs, who runs it, what it was given and who the champion is.

    Args:
        registry: Where runs and models are kept.
        run_id: The MLflow run.
        parameters: The arguments of the flow, JSON-serialisable.
        setup: The project's settings, kept as `metadata/configuration.json`.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    champion = find_version(registry, tags.CHAMPION)
    texts = {
        tags.ENVIRONMENT: json.dumps(environment()),
        tags.EXECUTOR: json.dumps(executor()),
        tags.PARAMETERS: json.dumps(parameters, default=str)[:_LONGEST_TAG],
    }
    # A run that goes on after it was killed may have promoted its own version.
    if champion is None or champion.run_id != run_id:
        texts[tags.PREVIOUS_VERSION] = champion.version if champion else ""
    with registry_errors(registry):
        log_batch(registry.get_client(), run_id, texts=texts)
    if setup is not None:
        log_file(registry, run_id, _configuration(setup), CONFIGURATION)


def record_steps(registry: ModelRegistry, run_id: str, steps: list[StepRecord]) -> None:
    """Record steps of a run; one of a name that is there replaces it.

    Args:
        registry: Where runs and models are kept.
        run_id: The MLflow run.
        steps: The steps.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    texts = {tags.STEP + step.name: _short(step) for step in steps}
    with registry_errors(registry):
        log_batch(registry.get_client(), run_id, texts=texts)


def record_outcome(registry: ModelRegistry, run_id: str, outcome: TrainingOutcome) -> None:
    """Record how a training ended, and which champion it was compared with.

    Args:
        registry: Where runs and models are kept.
        run_id: The MLflow run.
        outcome: How it ended.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    texts = {tags.OUTCOME: outcome.outcome, tags.PREVIOUS_VERSION: outcome.champion_version or ""}
    with registry_errors(registry):
        log_batch(registry.get_client(), run_id, texts=texts)


def outputs_of(result: Result) -> dict[str, str]:
    """Return what a step's result points at: snapshots, files, models, runs and versions.

    Args:
        result: What the step returned.

    Returns:
        Name of the field to URI, id or version.
    """
    if isinstance(result, Snapshot):
        return {"snapshot": result.uri}
    found: dict[str, str] = {}
    for name in type(result).model_fields:
        value = getattr(result, name)
        if isinstance(value, Snapshot):
            found[name] = value.uri
        elif isinstance(value, str) and (
            name == "uri" or name.endswith(("_uri", "_id", "version"))
        ):
            found[name] = value
    return found


def _short(step: StepRecord) -> str:
    text = step.model_dump_json(exclude={"name"})
    if len(text) > _LONGEST_TAG:
        text = step.model_copy(update={"outputs": {}}).model_dump_json(exclude={"name"})
    return text


def _configuration(setup: Setup) -> bytes:
    described = {
        "name": setup.name,
        "task_type": setup.task_type,
        "metric": setup.metric,
        "refits": setup.refits,
        "columns": setup.columns.model_dump(mode="json"),
        "data": setup.data.model_dump(mode="json"),
        "training": setup.training.model_dump(mode="json"),
        "gates": setup.gates.model_dump(mode="json"),
        "monitoring": setup.monitoring.model_dump(mode="json"),
    }
    return json.dumps(described, indent=2).encode()
