"""From a configured project to the arguments of one step."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any

# Name of a keyword to where a project has its value.
_BY_NAME = {
    "project_name": "name",
    "stores": "stores",
    "registry": "registry",
    "predictions": "predictions",
    "workspace": "open_workspace",
    "dataset": "dataset",
    "source": "dataset.source",
    "columns": "dataset.columns",
    "task_type": "task_type",
    "metric": "metric",
    "seed": "training.seed",
    "promise_periods": "training.promise_periods",
    "resamples": "gates.resamples",
    "confidence": "gates.confidence",
    "minimum_holdout_rows": "gates.minimum_holdout_rows",
    "latency_p99_ms": "gates.latency_p99_ms",
    "window_rows": "monitoring.window_rows",
    "refits": "refits",
    "redaction": "redaction",
    "redacted": "redacted",
    "protected": "gates.fairness.columns",
    "setup": "setup",
    "configuration": "configuration_digest",
}
# Settings are known by their class, whatever the keyword is called.
_BY_TYPE = {
    "DataSettings": "data",
    "TrainingSettings": "training",
    "GateSettings": "gates",
    "ApprovalSettings": "gates.approval",
    "ScoringSettings": "scoring",
    "CanarySettings": "canary",
    "CardSettings": "card",
    "ReadinessSettings": "readiness",
    "DriftThresholds": "monitoring.drift",
    "PerformanceThresholds": "monitoring.performance",
    "GovernorPolicy": "monitoring.governor",
}


def arguments_of(project: object, step: Callable[..., Any]) -> dict[str, Any]:
    """Return what a step reads of a project, see `MLProject.arguments`.

    Args:
        project: An `MLProject`.
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
        place = _BY_TYPE.get(kind) or _BY_NAME.get(name)
        if place is not None:
            value = attrgetter(place)(project)
            found[name] = value() if inspect.ismethod(value) else value
    return found
