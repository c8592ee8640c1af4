"""Asks on which parts of the holdout a candidate is worse than on the whole: named slices, and segments that it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import Candidate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings, default_metric
from ..core.settings.gate_kinds import SLICES
from ..registry.examined_model import examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows

KIND = SLICES


@step(of_candidate("slices of"))
def check_slices(
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
    """Judge a candidate by itself on parts of the holdout, whatever there is for a champion.

    Each value of `columns.slices` is held against the whole holdout by a bootstrap of both, corrected for how many there are
    (Benjamini and Hochberg). Segments that nobody named are searched for by a shallow tree on the losses of one half of the
    holdout and tested on the other half, both ways.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: The model: a candidate, of which the evaluated model is meant, a version or a URI, as for
            `check_model`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        settings: What a candidate must pass. None: the defaults.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        A gate `slice <column>=<value> against all rows` for each slice of `gates.minimum_slice_rows` rows, and `weak segments`.
        They are advice unless `gates.slices.decides` and `gates.slices.segments_decide`. Metrics of a candidate's run:
        `slices.worst.log_loss` of the slices that were judged, and `slices.weak_segments`, how many; its artifact
        `reports/slices.json` has every slice and every segment that was tested.

    Raises:
        ConfigurationError: If the metric does not fit the task, or rows or model are of another kind.
        DataRejected: If the model cannot score the holdout, or a slice's column is missing.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_slices

        found = check_slices.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y", slices=["job"]),
            task_type="binary",
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print([gate.reason for gate in found.gates if gate.verdict != "passed"])
        ```
    """
    from ..data.row_weights import groups_of, weights_of
    from ..gates.slices import slice_gates
    from ..gates.weak_segments import weak_segments
    from ..metrics.expected_losses import expected_losses
    from ..metrics.losses import row_losses
    from ..metrics.sampling import Sampling
    from ..models.evaluation import aligned_labels

    settings = settings or GateSettings()
    metric = metric or default_metric(task_type)
    if skipped := skipped_check(KIND, settings):
        return skipped
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    holdout, predictor = found.holdout, found.predictor
    rows = predictor.prepare(holdout)
    predicted = predictor.predict_conformed(rows)
    truth, classes = aligned_labels(predictor, holdout, columns.target)
    losses = row_losses(metric, truth, predicted, classes)
    expected = None if classes is None else expected_losses(metric, predicted)
    sampling = Sampling(weights_of(holdout, columns), groups_of(holdout, columns))
    gates, slices = slice_gates(
        metric,
        holdout,
        columns.slices,
        losses=losses,
        expected=expected,
        settings=settings,
        seed=seed,
        sampling=sampling,
    )
    last = slice(-settings.slices.maximum_rows, None)
    gate, segments = weak_segments(
        metric,
        rows[last].reset_index(drop=True),
        predictor.feature_types,
        losses=losses[last],
        expected=None if expected is None else expected[last],
        settings=settings,
        seed=seed,
        sampling=sampling.take(range(len(rows))[last]),  # pyright: ignore[reportArgumentType]
    )
    worst = [row["value"] for row in slices if row["judged"]]
    measured = {f"slices.worst.{metric}": max(worst)} if worst else {}
    measured["slices.weak_segments"] = float(sum(row["weak"] for row in segments))
    check = GateCheck(kind=KIND, gates=[*found.unseen(columns), *gates, gate], measured=measured)
    evidence = {"metric": metric, "slices": slices, "segments": segments}
    return keep_found(stores, candidate, check, evidence)
