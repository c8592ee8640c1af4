"""Asks whether a candidate's probabilities keep what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import Candidate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings
from ..registry.examined_model import examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows

KIND = "calibration"


@step(of_candidate("calibration of"))
def check_calibration(
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: GateSettings | None = None,
    seed: int = 0,
    stores: Stores,
) -> GateCheck:
    """Hold a candidate's probabilities on the holdout against what came true.

    The expected calibration error, over bins of equally many rows, is held against
    `gates.calibration.maximum_error` plus what chance gives a perfectly calibrated model: consistency
    resampling, see `metrics.calibration`. Of two classes the second one's probability counts; of several,
    that of the most probable one.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: The model: a candidate, of which the evaluated model is meant, a version or a URI, as for
            `check_model`.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: What a candidate must pass. None: the defaults.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        Gate `calibration`, advice unless `gates.calibration.decides`; `not_run` and advice for a regression.
        `calibration.error`, what chance gives, its p-value and Spiegelhalter's z are metrics of a
        candidate's run, the reliability diagram's points its artifact `reports/calibration.json`.

    Raises:
        ConfigurationError: If rows or model are of another kind.
        DataRejected: If the model cannot score the holdout, or gives no probabilities.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_calibration

        found = check_calibration.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            stores=Stores("calls", ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")),
        )
        print(found.verdict, found.measured["calibration.error"])
        ```
    """
    from ..data.row_weights import weights_of
    from ..gates.calibration import (
        calibration_gate,
        curve_of,
        measured_calibration,
        not_applicable,
    )
    from ..metrics.calibration import said_and_came
    from ..models.evaluation import aligned_labels

    settings = settings or GateSettings()
    if skipped := skipped_check(KIND, settings):
        return skipped
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    truth, classes = aligned_labels(found.predictor, found.holdout, columns.target)
    if classes is None:
        return GateCheck(kind=KIND, gates=[not_applicable()])
    said, came = said_and_came(truth, found.predictor.predict(found.holdout), classes)
    weights = weights_of(found.holdout, columns)
    gate, reliable = calibration_gate(said, came, settings, seed, weights)
    check = GateCheck(
        kind=KIND,
        gates=[*found.unseen(columns), gate],
        measured=measured_calibration(reliable),
    )
    return keep_found(stores, candidate, check, {"curve": curve_of(reliable), **check.measured})
