"""Asks whether what `training.decisions` did to a candidate, calibration and costs, does harm on later rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import Candidate, Gate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings, default_metric
from ..registry.examined_model import Examined, examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..gates.paired_losses import Paired
    from ..models.decision import Decision
    from ..models.predictor import Predictor

KIND = "decisions"


@step(of_candidate("decisions of"))
def check_decisions(
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: GateSettings | None = None,
    seed: int = 0,
    stores: Stores,
) -> GateCheck:
    """Compare a candidate with itself without its calibration, and its decisions with the most probable class.

    Both are learnt on out-of-fold predictions of the training rows, and can do harm where the world has moved
    since. Each comparison is paired, on the holdout, with a bootstrap interval that knows weights and groups.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: The model: a candidate, of which the evaluated model is meant, a version or a URI, as for
            `check_model`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric of probabilities to compare by; lower is better. None: `log_loss`.
        settings: What a candidate must pass. None: the defaults.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        Gate `better calibrated than not` of a calibrated model, and `cheaper than the most probable class` of
        one that decides by costs: failed where it is surely worse, advice unless `gates.decisions.decides`.
        Without either, no gate. Both sides of each comparison are metrics of a candidate's run, such as
        `decisions.uncalibrated.log_loss`, the intervals its artifact `reports/decisions.json`.

    Raises:
        ConfigurationError: If the metric does not fit the task, or rows or model are of another kind.
        DataRejected: If the model cannot score the holdout, or a weight or group is missing or none.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_decisions

        found = check_decisions.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print([(gate.name, gate.verdict) for gate in found.gates])
        ```
    """
    from ..training.calibration import is_calibrated

    settings = settings or GateSettings()
    if skipped := skipped_check(KIND, settings):
        return skipped
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    if not is_calibrated(found.predictor.model) and _costs_of(found.predictor) is None:
        return GateCheck(kind=KIND, gates=[])
    metric = metric or default_metric(task_type)
    gates, compared = _compared(found, columns, metric, settings, seed)
    measured = {name: value for pair, names in compared for name, value in _sides(pair, names)}
    check = GateCheck(kind=KIND, gates=[*found.unseen(columns), *gates], measured=measured)
    intervals = {pair.metric: pair.interval._asdict() for pair, _ in compared}
    return keep_found(stores, candidate, check, {"improvements": intervals, **measured})


def _compared(
    found: Examined, columns: Columns, metric: str, settings: GateSettings, seed: int
) -> tuple[list[Gate], list[tuple[Paired, tuple[str, str]]]]:
    """Return the gates, and what they compared with the names of both sides' metrics."""
    import numpy as np

    from ..gates.comparable_rows import NotComparable, sampling_of
    from ..gates.decisions import CALIBRATED, CHEAPER, better_calibrated, cheaper, not_compared
    from ..metrics.losses import row_losses
    from ..models.evaluation import aligned_labels
    from ..training.calibration import is_calibrated, uncalibrated

    predictor, decision = found.predictor, _costs_of(found.predictor)
    has_calibration = is_calibrated(predictor.model)
    try:
        sampling = sampling_of(found.holdout, columns)
    except NotComparable as why:
        asked = [CALIBRATED] * has_calibration + [CHEAPER] * (decision is not None)
        return [not_compared(name, why, settings) for name in asked], []
    truth, classes = aligned_labels(predictor, found.holdout, columns.target)
    rows = predictor.prepare(found.holdout)
    predicted = predictor.predict_conformed(rows)
    gates, compared = [], []
    if has_calibration:
        before = np.asarray(uncalibrated(predictor.model).predict_proba(rows), dtype=float)
        gate, pair = better_calibrated(
            metric,
            uncalibrated=row_losses(metric, truth, before, classes),
            calibrated=row_losses(metric, truth, predicted, classes),
            settings=settings,
            seed=seed,
            sampling=sampling,
        )
        gates.append(gate)
        compared.append((pair, (f"uncalibrated.{metric}", metric)))
    if decision is not None:
        known, decided, probable = decision.paired_costs(truth, predicted)
        if not known.any():
            why = "no holdout row is of a class that the model knows: hold out rows of its classes"
            return [*gates, not_compared(CHEAPER, why, settings)], compared
        gate, pair = cheaper(
            probable=probable,
            decided=decided,
            settings=settings,
            seed=seed,
            sampling=sampling.take(known),
        )
        gates.append(gate)
        compared.append((pair, ("cost_of_most_probable", "cost")))
    return gates, compared


def _costs_of(predictor: Predictor) -> Decision | None:
    """Return the rule of a model that decides by costs; an adopted model's threshold comes without any."""
    decision = predictor.decision
    return decision if decision is not None and decision.costs is not None else None


def _sides(pair: Paired, names: tuple[str, str]) -> list[tuple[str, float]]:
    before, after = names
    return [(f"{KIND}.{before}", pair.before), (f"{KIND}.{after}", pair.after)]
