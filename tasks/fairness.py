"""Asks how differently a candidate treats groups of people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..core.errors import DataRejected
from ..core.results import Candidate, Gate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings, default_metric
from ..core.settings.gate_kinds import FAIRNESS
from ..registry.examined_model import Examined, examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..gates.group_measures import Answers

KIND = FAIRNESS


@step(of_candidate("fairness of"))
def check_fairness(
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
    """Compare what a candidate does to the groups of each protected column, on the holdout.

    Of two classes, by the labels that are decided on: selection rate, true and false positive rate and accuracy of each group
    (Fairlearn's `MetricFrame`); of several classes the accuracy; of numbers the mean error; of all the metric to decide by. The
    largest differences and smallest ratios between groups have intervals that hold for all pairs of groups at once, see
    `metrics.resampled_ratios`.

    Args:
        split: Rows the model was fitted on, and rows it never saw, which have the protected columns: a split, or two of
            pandas frames, Arrow tables or snapshots.
        candidate: The model: a candidate, of which the evaluated model is meant, a version or a URI, as for
            `check_model`.
        columns: What each column is for. Protected columns may be features, ignored or neither.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: What a candidate must pass; `settings.fairness` names protected columns and limits.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        A deciding gate `fairness <column>: <limit>` for each protected column and limit: it fails where the interval is beyond
        the limit, and is `not_run` where a group is too small to tell. Without limits, advice `fairness <column>`, which is
        `not_run`. No gate at all without protected columns. Metrics of a candidate's run:
        `fairness.sex.demographic_parity_difference` and so on; its artifact `reports/fairness.json` has every group.

    Raises:
        ConfigurationError: If metric or limits do not fit the task, or rows or model are of another kind.
        DataRejected: If a protected column is missing, or the model cannot score the holdout.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns, GateSettings
        from prefect_mlops.tasks import check_fairness

        found = check_fairness.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y", ignored=["sex"]),
            task_type="binary",
            settings=GateSettings(
                fairness={"columns": ["sex"], "limits": {"equalized_odds_difference": 0.1}}
            ),
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print(found.verdict, [gate.reason for gate in found.gates])
        ```
    """
    from ..data.row_weights import groups_of, weights_of
    from ..data.slice_values import group_values
    from ..gates.fairness import check_limits, evidence_of, fairness_gates, group_gaps
    from ..metrics.sampling import Sampling

    settings = settings or GateSettings()
    wanted = settings.fairness
    if not wanted.columns:
        return GateCheck(kind=KIND, gates=[])
    if skipped := skipped_check(KIND, settings):
        return skipped
    check_limits(settings, task_type)
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    holdout = found.holdout
    missing = [name for name in wanted.columns if name not in holdout]
    if missing:
        raise DataRejected(
            f"gates.fairness.columns names {missing}, not among {list(holdout)} of the rows held out: bring "
            "them, or change gates.fairness.columns",
            column=missing[0],
        )
    answers = _answers(found, metric or default_metric(task_type), columns.target)
    sampling = Sampling(weights_of(holdout, columns), groups_of(holdout, columns))
    gates: list[Gate] = found.unseen(columns)
    measured: dict[str, float] = {}
    evidence: dict[str, Any] = {}
    for column in wanted.columns:
        groups = group_values(holdout[column], wanted.bins.get(column), wanted.quantiles)
        gaps, table = group_gaps(answers, groups, settings=settings, seed=seed, sampling=sampling)
        gates += fairness_gates(column, gaps, settings)
        # What MLflow takes in the name of a metric.
        safe = re.sub(r"[^\w\-. ]", "_", column)
        measured |= {
            f"fairness.{safe}.{gap.name}": gap.interval.value
            for gap in gaps
            if gap.interval is not None
        }
        evidence[column] = evidence_of(gaps, table)
    check = GateCheck(kind=KIND, gates=gates, measured=measured)
    return keep_found(stores, candidate, check, {"metric": answers.metric, "columns": evidence})


def _answers(found: Examined, metric: str, target: str) -> Answers:
    """Return what the model answers to the holdout, as text where it answers with classes."""
    import numpy as np

    from ..data.class_labels import class_text
    from ..gates.group_measures import Answers
    from ..metrics.losses import row_losses
    from ..models.evaluation import aligned_labels

    predictor = found.predictor
    predicted = predictor.predict(found.holdout)
    truth, classes = aligned_labels(predictor, found.holdout, target)
    losses = row_losses(metric, truth, predicted, classes)
    decided = predictor.labels(predicted)
    if classes is None:
        return Answers(predictor.task_type, truth, decided, losses, metric)
    texts = np.array([class_text(label) for label in decided.tolist()], dtype=object)
    positive = classes[1] if predictor.task_type == "binary" else None
    return Answers(predictor.task_type, truth, texts, losses, metric, positive)
