"""From a configured project to the arguments of one step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .project import MLProject

_BY_NAME: dict[str, Callable[[MLProject], Any]] = {
    "project_name": lambda project: project.name,
    "stores": lambda project: project.stores,
    "registry": lambda project: project.registry,
    "predictions": lambda project: project.predictions,
    "workspace": lambda project: project.open_workspace(),
    "dataset": lambda project: project.dataset,
    "source": lambda project: project.dataset.source,
    "columns": lambda project: project.dataset.columns,
    "task_type": lambda project: project.task,
    "metric": lambda project: project.metric,
    "seed": lambda project: project.training.seed,
    "resamples": lambda project: project.gates.resamples,
    "confidence": lambda project: project.gates.confidence,
    "minimum_holdout_rows": lambda project: project.gates.minimum_holdout_rows,
    "latency_p99_ms": lambda project: project.gates.latency_p99_ms,
    "window_rows": lambda project: project.monitoring.window_rows,
    "refits": lambda project: project.refits,
    "redaction": lambda project: project.redaction,
    "redacted": lambda project: project.redacted,
    "setup": lambda project: project.setup,
    "configuration": lambda project: project.configuration_digest(),
}
_BY_TYPE: dict[str, Callable[[MLProject], Any]] = {
    "DataSettings": lambda project: project.data,
    "TrainingSettings": lambda project: project.training,
    "GateSettings": lambda project: project.gates,
    "ScoringSettings": lambda project: project.scoring,
    "CanarySettings": lambda project: project.canary,
    "DriftThresholds": lambda project: project.monitoring.drift,
    "PerformanceThresholds": lambda project: project.monitoring.performance,
    "GovernorPolicy": lambda project: project.monitoring.governor,
}


def arguments_of(project: MLProject, step: Callable[..., Any]) -> dict[str, Any]:
    """Return what a step reads of a project, see `MLProject.arguments`.

    Args:
        project: The project.
        step: A task or function.

    Returns:
        Keyword to value.
    """
    found: dict[str, Any] = {}
    # A task's signature is that of its function.
    for name, parameter in inspect.signature(getattr(step, "fn", step)).parameters.items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        # Annotations are text: the modules of the steps import types for type checkers only.
        kind = str(parameter.annotation).split(" | ")[0].split(".")[-1]
        answer = _BY_TYPE.get(kind) or _BY_NAME.get(name)
        if answer is not None:
            found[name] = answer(project)
    return found
