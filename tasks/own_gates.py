"""Asks a user's own gates whether a candidate may be promoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import Candidate, ModelValidation, Split
from ..core.tags import CHAMPION
from ..registry.versions import find_version
from ..runs.gate_words import log_gates
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import Columns, GateSettings, TaskType


@step("own gates on {candidate.estimator}")
def run_gates(
    split: Split,
    candidate: Candidate,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: GateSettings,
    registry: ModelRegistry,
) -> ModelValidation:
    """Ask the gates of `gates.custom` about the evaluated model.

    Args:
        split: Rows the model was fitted on, and rows it never saw.
        candidate: The model.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        settings: What a candidate must pass.
        registry: Where runs and models are kept.

    Returns:
        What the gates returned. One that raises or returns something else is `not_run`, with the reason,
        and stops a promotion.

    Raises:
        ConfigurationError: If a gate cannot be imported or called.
        ModelUnavailable: If the candidate does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.tasks import run_gates

        project.gates.custom = ["my_gates:fair_to_students"]
        checks = run_gates(parts, candidate, **project.arguments(run_gates))
        print(checks.verdict, [gate.reason for gate in checks.gates])
        ```
    """
    from ..data.snapshots import load_frame
    from ..gates.custom import GateContext, ask_gates, load_gates

    gates = load_gates(settings.custom)
    champion = find_version(registry, CHAMPION)
    context = GateContext(
        predictor=registry.load_model(candidate.evaluated_uri, task_type),
        train=load_frame(split.train),
        holdout=load_frame(split.holdout),
        columns=columns,
        task_type=task_type,
        metric=metric,
        candidate=candidate,
        champion=champion,
        champion_loader=champion and (lambda: registry.load_model(champion.uri, task_type)),
    )
    result = ModelValidation(gates=ask_gates(gates, context))
    log_gates("own gates", result.gates)
    return result
