"""Compares a candidate with the champion, both scored on rows that neither was fitted on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core import tags
from ..core.errors import ConfigurationError, DataRejected, ModelUnavailable
from ..core.results import Candidate, Cause, Comparison, Gate, ModelVersion, Split
from ..core.settings import GateSettings, PerformanceThresholds, default_metric
from ..gates.comparable_rows import (
    NotComparable,
    compared_rows,
    recency_gates,
    sampling_of,
    seen_when_served,
    undecidable,
)
from ..registry.absence import absence
from ..registry.compared_models import NamedModel, named_model, of_version
from ..registry.judged_rows import Judged, champion_losses, given_rows, own_score
from ..registry.references import reference_of
from ..registry.versions import find_version
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..metrics.losses import Floats

SUPERIORITY = "superiority"


def _run_name(parameters: dict[str, Any]) -> str:
    candidate = parameters["candidate"]
    said = getattr(candidate, "estimator", None) or getattr(candidate, "uri", candidate)
    return f"compare {said} with the champion"


@step(_run_name)
def compare(
    rows: Split | Rows,
    candidate: Candidate | ModelVersion | str,
    cause: Cause | None = None,
    *,
    champion: ModelVersion | str | None = None,
    replace_champion: bool = False,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: GateSettings | None = None,
    thresholds: PerformanceThresholds | None = None,
    seed: int = 0,
    refits: bool = False,
    registry: ModelRegistry,
) -> Comparison:
    """Decide whether a candidate is good enough to follow the champion, with uncertainty.

    Both are scored anew, on the rows later than anything the champion was fitted on: its stored score is
    one of other rows. A paired bootstrap gives the interval of the improvement.

    By rule the candidate must be better than the champion. Where a cause asked for the training, the
    newest rows confirm it and the served model will have learnt them, it must not be worse than
    `gates.allowance` allows: neither of the two that are compared has seen what changed.

    That neither model was fitted on rows that are no split is the caller's word. Where a version has a data
    cutoff, as those have that the training flow registered, and `columns` has a timestamp, the rows up to
    it are left out all the same.

    Args:
        rows: A split, whose holdout is compared on; or rows of which all are: a pandas frame, an Arrow
            table or a snapshot.
        candidate: The model. Of a candidate, its evaluated model is compared; a version or a URI, such as
            `models:/calls/3`, `models:/calls@challenger` or `runs:/<run id>/model`, may be of any
            scikit-learn model, whoever logged it: it is given its columns as they are.
        cause: Why the training was asked for, or None.
        champion: A version or URI to compare with, of any scikit-learn model too. None: the version
            behind the registry's champion alias, or no one where there is none.
        replace_champion: Whether to treat the champion as absent, see `registry.absence`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: What a candidate must pass. None: the defaults.
        thresholds: When the metric counts as worse than promised. None: the defaults.
        seed: Seed of every draw.
        refits: Whether the served model is fitted on all rows.
        registry: Where runs and models are kept.

    Returns:
        Gate `superiority` or `non-inferiority`; `recency`, when both have a data cutoff; and one a slice
        that was judged. `champion_version` is what `promote` expects.

    Raises:
        ConfigurationError: If a model or rows are of another kind, or a champion that is named is to be
            replaced.
        DataRejected: If the candidate cannot score the rows, or the target or a slice's column is
            missing.
        ModelUnavailable: If the candidate does not load, or a version or alias that is named is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import compare

        found = compare.fn(
            newest_rows,
            "models:/calls/3",
            champion="models:/calls/2",
            columns=Columns(target="y"),
            task_type="binary",
            registry=ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls"),
        )
        print(found.verdict, found.improvement, found.interval)
        ```
    """
    settings = settings or GateSettings()
    metric = metric or default_metric(task_type)
    if champion is not None and replace_champion:
        raise ConfigurationError(
            "champion names whom to compare with, and replace_champion asks for no comparison: give one"
        )
    judged = Judged(
        rows=given_rows(rows, columns, task_type),
        candidate=named_model(registry, candidate),
        named=champion is not None,
        columns=columns,
        task_type=task_type,
        metric=metric,
        settings=settings,
        registry=registry,
    )
    before, absent = _champion(registry, champion, replace=replace_champion)
    if before is None or absent is not None:
        gate = Gate(name=SUPERIORITY, verdict="passed", reason=absent or "")
        result = _uncompared(judged, before, [gate], rows=judged.count)
    else:
        try:
            result = _compare(
                judged,
                before,
                cause,
                thresholds=thresholds or PerformanceThresholds(),
                seed=seed,
                refits=refits,
            )
        except NotComparable as reason:
            gate = Gate(name=SUPERIORITY, verdict="not_run", reason=str(reason))
            result = _uncompared(judged, before, [gate], rows=0)
    run_logger().info("comparison %s: %s", result.verdict, result.gates[0].reason)
    return result


def _champion(
    registry: ModelRegistry, named: ModelVersion | str | None, *, replace: bool
) -> tuple[NamedModel | None, str | None]:
    """Return the champion, and why it counts as absent."""
    if named is not None:
        return named_model(registry, named, "champion"), None
    found = find_version(registry, tags.CHAMPION)
    if found is None:
        return None, "first model: there is no champion"
    return of_version(registry, found), absence(registry, found, replace=replace)


def _compare(
    judged: Judged,
    champion: NamedModel,
    cause: Cause | None,
    *,
    thresholds: PerformanceThresholds,
    seed: int,
    refits: bool,
) -> Comparison:
    from ..gates.comparison import compare_slices, non_inferiority, superiority
    from ..metrics.losses import metric_value

    settings, columns, metric = judged.settings, judged.columns, judged.metric
    try:
        cutoff, fitted = champion.fitted_up_to(), judged.candidate.fitted_up_to()
        served = judged.candidate.served_up_to()
    except DataRejected as error:
        raise undecidable(error, named=judged.named) from error
    seen = seen_when_served(judged.rows, served, columns, refits=refits)
    recency = recency_gates(seen, cutoff)
    if any(gate.blocks for gate in recency):
        reason = f"not compared: {recency[0].reason}"
        # One reason, one gate: it is the cutoff that refuses.
        gate = Gate(name=SUPERIORITY, verdict="not_run", reason=reason, blocking=False)
        return _uncompared(judged, champion, [gate, *recency], rows=0)
    known = {f"champion {champion.label}": cutoff}
    if fitted.moment is not None or fitted.row is not None:
        known[f"candidate {judged.candidate.label}"] = fitted
    rows = compared_rows(
        judged.rows, known, columns=columns, minimum_holdout_rows=settings.minimum_holdout_rows
    )
    before, unknown = champion_losses(judged, champion, rows)
    after = judged.candidate_losses(rows)
    evidence = {
        "before": before,
        "after": after,
        "settings": settings,
        "seed": seed,
        "sampling": sampling_of(rows, columns),
    }
    confirmed = _confirmed(
        judged.registry, champion, cause, before, thresholds=thresholds, refits=refits
    )
    if confirmed:
        gate, found = non_inferiority(metric, **evidence, confirmed=confirmed)
    else:
        gate, found = superiority(metric, **evidence)
    if unknown:
        # Not refused: then no retraining could ever bring a new class into service.
        named = ", ".join(map(repr, unknown[:5]))
        known_classes = f"{gate.reason}; the champion does not know the class {named}"
        gate = gate.model_copy(update={"reason": known_classes})
    slice_gates, slices = compare_slices(metric, rows, columns.slices, **evidence)
    return Comparison(
        gates=[gate, *recency, *slice_gates],
        metric=metric,
        champion_version=champion.expected,
        candidate_score=metric_value(metric, after, evidence["sampling"].weights),
        champion_score=metric_value(metric, before, evidence["sampling"].weights),
        improvement=found.value,
        interval=(found.low, found.high),
        detectable_effect=_beyond(gate),
        confidence=settings.confidence,
        rows=len(rows),
        slices=slices,
    )


def _confirmed(
    registry: ModelRegistry,
    champion: NamedModel,
    cause: Cause | None,
    before: Floats,
    *,
    thresholds: PerformanceThresholds,
    refits: bool,
) -> str:
    """Return what confirms that the champion must be replaced, or nothing."""
    from ..gates.comparison import confirmation

    if cause is None or not refits:
        return ""
    promise = None
    if champion.version is not None:
        try:
            promise = reference_of(registry, champion.version).promise
        except ModelUnavailable:
            promise = None
    return confirmation(cause, promise, before, thresholds)


def _beyond(gate: Gate) -> float | None:
    """Return how far beyond its threshold a gate tells the truth."""
    if gate.detectable is None or gate.threshold is None:
        return None
    return gate.detectable - gate.threshold


def _uncompared(
    judged: Judged, champion: NamedModel | None, gates: list[Gate], *, rows: int
) -> Comparison:
    return Comparison(
        gates=gates,
        metric=judged.metric,
        champion_version=champion.expected if champion else None,
        candidate_score=own_score(judged),
        confidence=judged.settings.confidence,
        rows=rows,
    )
