"""Compares a candidate with the champion, both scored on rows that neither was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import DataRejected, ModelUnavailable, RegistryUnavailable
from ..core.results import Candidate, Cause, Comparison, Gate, ModelVersion, Split
from ..gates.comparable_rows import NotComparable, compared_rows, recency_gates, undecidable
from ..registry.absence import absence
from ..registry.references import reference_of
from ..registry.versions import find_version
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import Columns, GateSettings, PerformanceThresholds, TaskType
    from ..metrics.losses import Floats

SUPERIORITY = "superiority"


@step("compare {candidate.estimator} with the champion")
def compare(
    split: Split,
    candidate: Candidate,
    cause: Cause | None = None,
    *,
    replace_champion: bool = False,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: GateSettings,
    thresholds: PerformanceThresholds,
    seed: int,
    refits: bool,
    registry: ModelRegistry,
) -> Comparison:
    """Decide whether a candidate is good enough to follow the champion, with uncertainty.

    Both are scored anew, on the holdout rows later than anything the champion was fitted on: its
    stored score is one of other rows. A paired bootstrap gives the interval of the improvement.

    By rule the candidate must be better than the champion. Where a cause asked for the training, the
    newest rows confirm it and the served model will have learnt them, it must not be worse than
    `gates.allowance` allows: neither of the two that are compared has seen what changed.

    Args:
        split: Whose holdout to compare on.
        candidate: The model; its evaluated model is compared.
        cause: Why the training was asked for, or None.
        replace_champion: Whether to treat the champion as absent, see `registry.absence`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        settings: What a candidate must pass.
        thresholds: When the metric counts as worse than promised.
        seed: Seed of every draw.
        refits: Whether the served model is fitted on all rows.
        registry: Where runs and models are kept.

    Returns:
        Gate `superiority` or `non-inferiority`; `recency`, when both have a data cutoff; and one a slice
        that was judged.

    Raises:
        DataRejected: If the candidate cannot score the holdout, or a slice's column is missing.
        ModelUnavailable: If the candidate does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    champion = find_version(registry, tags.CHAMPION)
    absent = (
        "first model: there is no champion"
        if champion is None
        else absence(registry, champion, replace=replace_champion)
    )
    if champion is None or absent is not None:
        gate = Gate(name=SUPERIORITY, verdict="passed", reason=absent or "")
        result = _uncompared(
            candidate,
            champion,
            [gate],
            rows=split.holdout.rows,
            metric=metric,
            confidence=settings.confidence,
        )
    else:
        try:
            result = _compare(
                split,
                candidate,
                champion,
                cause,
                registry=registry,
                columns=columns,
                task_type=task_type,
                metric=metric,
                settings=settings,
                thresholds=thresholds,
                seed=seed,
                refits=refits,
            )
        except NotComparable as reason:
            gate = Gate(name=SUPERIORITY, verdict="not_run", reason=str(reason))
            result = _uncompared(
                candidate, champion, [gate], rows=0, metric=metric, confidence=settings.confidence
            )
    run_logger().info("comparison %s: %s", result.verdict, result.gates[0].reason)
    return result


def _compare(
    split: Split,
    candidate: Candidate,
    champion: ModelVersion,
    cause: Cause | None,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: GateSettings,
    thresholds: PerformanceThresholds,
    seed: int,
    refits: bool,
    registry: ModelRegistry,
) -> Comparison:
    from ..data.training_cutoff import cutoff_of
    from ..gates.comparison import compare_slices, non_inferiority, superiority
    from ..metrics.losses import metric_value
    from ..models.evaluation import losses_of

    try:
        cutoff = cutoff_of(champion)
    except DataRejected as error:
        raise undecidable(error) from error
    recency = recency_gates(split, candidate, cutoff, refits=refits)
    if any(gate.blocks for gate in recency):
        reason = f"not compared: {recency[0].reason}"
        gate = Gate(name=SUPERIORITY, verdict="not_run", reason=reason)
        return _uncompared(
            candidate,
            champion,
            [gate, *recency],
            rows=0,
            metric=metric,
            confidence=settings.confidence,
        )
    rows = compared_rows(
        split, champion, cutoff, columns=columns, minimum_holdout_rows=settings.minimum_holdout_rows
    )
    before, unknown = _champion_losses(
        champion, rows, registry=registry, columns=columns, task_type=task_type, metric=metric
    )
    ours = registry.load_model(candidate.evaluated_uri, task_type)
    after = losses_of(metric, ours, rows, columns.target)
    evidence = {
        "before": before,
        "after": after,
        "settings": settings,
        "seed": seed,
    }
    confirmed = _confirmed(
        champion, cause, before, registry=registry, thresholds=thresholds, refits=refits
    )
    if confirmed:
        gate, found = non_inferiority(metric, **evidence, confirmed=confirmed)
    else:
        gate, found = superiority(metric, **evidence)
    if unknown:
        # Not refused: then no retraining could ever bring a new class into service.
        named = ", ".join(map(repr, unknown[:5]))
        known = f"{gate.reason}; the champion does not know the class {named}"
        gate = gate.model_copy(update={"reason": known})
    slice_gates, slices = compare_slices(metric, rows, columns.slices, **evidence)
    return Comparison(
        gates=[gate, *recency, *slice_gates],
        metric=metric,
        champion_version=champion.version,
        candidate_score=metric_value(metric, after),
        champion_score=metric_value(metric, before),
        improvement=found.value,
        interval=(found.low, found.high),
        confidence=settings.confidence,
        rows=len(rows),
        slices=slices,
    )


def _confirmed(
    champion: ModelVersion,
    cause: Cause | None,
    before: Floats,
    *,
    thresholds: PerformanceThresholds,
    refits: bool,
    registry: ModelRegistry,
) -> str:
    """Return what confirms that the champion must be replaced, or nothing."""
    from ..gates.comparison import confirmation

    if cause is None or not refits:
        return ""
    try:
        promise = reference_of(registry, champion).promise
    except ModelUnavailable:
        promise = None
    return confirmation(cause, promise, before, thresholds)


def _champion_losses(
    champion: ModelVersion,
    rows: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    registry: ModelRegistry,
) -> tuple[Floats, list[str]]:
    """Return the champion's loss on every row, and the classes that it does not know."""
    from ..models.evaluation import losses_of, unknown_classes

    target = columns.target
    try:
        model = registry.load_model(champion.uri, task_type)
        return losses_of(metric, model, rows, target), unknown_classes(model, rows, target)
    except RegistryUnavailable:
        raise
    except Exception as error:
        # Whatever it raises, a champion that cannot score these rows cannot be compared with.
        raise undecidable(
            f"champion version {champion.version} cannot score these rows: {type(error).__name__}: "
            f"{error}"
        ) from error


def _uncompared(
    candidate: Candidate,
    champion: ModelVersion | None,
    gates: list[Gate],
    *,
    rows: int,
    metric: str,
    confidence: float,
) -> Comparison:
    return Comparison(
        gates=gates,
        metric=metric,
        champion_version=champion.version if champion else None,
        candidate_score=candidate.metrics[metric],
        confidence=confidence,
        rows=rows,
    )
