"""Checks a candidate by itself: Deepchecks conditions, absolute floors, enough rows and classes to tell."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError, MLOpsError
from ..core.results import Candidate, Gate, ModelValidation, ModelVersion, Split
from ..core.settings import GateSettings
from ..registry.compared_models import importance_of
from ..registry.examined_model import examine
from ..registry.run_logging import log_file
from ..runs.gate_words import log_gates
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..models.predictor import Predictor

_REPORT = "deepchecks.html"


@step(of_candidate("check"))
def check_model(
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: GateSettings | None = None,
    seed: int = 0,
    stores: Stores,
) -> ModelValidation:
    """Check the evaluated model on the holdout.

    Args:
        split: Rows the model was fitted on, and rows it never saw: a split, or two of pandas frames, Arrow
            tables or snapshots.
        candidate: The model. Of a candidate, its evaluated model is checked; a version or a URI, such as
            `models:/calls/3`, `models:/calls@challenger` or `runs:/<run id>/model`, may be of any
            scikit-learn model, whoever logged it: it is given its columns as they are.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: What a candidate must pass. None: the defaults.
        seed: Seed of every draw.
        stores: Where the model's things are kept; only the registry is needed.

    Returns:
        One gate a condition or floor, and one that fails if a version's data cutoff says that it was fitted
        on holdout rows. Where the Deepchecks report is: in the workspace, if there is one, and as artifact
        `reports/deepchecks.html` of a candidate's run.

    Raises:
        ConfigurationError: If a check, condition, parameter or metric does not exist, or rows or model are
            of another kind.
        DataRejected: If the model cannot score the holdout.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read or the report cannot be written.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_model

        registry = ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")
        found = check_model.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            stores=Stores("calls", registry, workspace="workspace"),
        )
        print(found.verdict, found.report_uri)
        ```
    """
    from ..gates.holdout_classes import holdout_classes
    from ..gates.skipping import skipped_gate

    settings = settings or GateSettings()
    _refuse_unknown_floors(task_type=task_type, settings=settings)
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    model, predictor, train, holdout = found.model, found.predictor, found.train, found.holdout
    gates = [
        _enough_rows(len(holdout), minimum_holdout_rows=settings.minimum_holdout_rows),
        *found.unseen(columns),
        *holdout_classes(holdout[columns.target], task_type, settings.minimum_class_rows),
        *_floors(predictor, holdout, columns=columns, task_type=task_type, settings=settings),
    ]
    report_uri = None
    wanted = settings.deepchecks
    skipped = skipped_gate("deepchecks", settings)
    gates += skipped
    if not skipped and (wanted is None or wanted or settings.report_suites):
        checks, report = _deepchecks(
            train,
            holdout,
            predictor,
            importance_of(stores.registry, model, predictor, holdout, columns.target, seed=seed),
            columns=columns,
            settings=settings,
            seed=seed,
        )
        gates += checks
        if report is not None:
            report_uri = _kept(report, split, candidate, stores)
    result = ModelValidation(gates=gates, report_uri=report_uri)
    log_gates("model check", gates)
    return result


def _kept(
    report: bytes,
    split: Split | tuple[Rows, Rows],
    candidate: Candidate | ModelVersion | str,
    stores: Stores,
) -> str | None:
    if isinstance(candidate, Candidate):
        log_file(stores.registry, candidate.run_id, report, f"reports/{_REPORT}")
    workspace = stores.find_workspace()
    if workspace is None:
        return None
    name = hashlib.sha256(report).hexdigest()[:16]
    if isinstance(split, Split) and isinstance(candidate, Candidate):
        name = f"{split.holdout.digest[:16]}/{candidate.run_id}"
    return workspace.write_bytes(f"reports/{name}/{_REPORT}", report)


def _enough_rows(rows: int, *, minimum_holdout_rows: int) -> Gate:
    needed = minimum_holdout_rows
    enough = rows >= needed
    return Gate(
        name="holdout rows",
        verdict="passed" if enough else "failed",
        reason=f"{rows} rows are held out, {needed} are needed"
        + ("" if enough else ": bring more rows, or raise data.holdout_share"),
        value=rows,
        threshold=needed,
    )


def _refuse_unknown_floors(*, task_type: TaskType, settings: GateSettings) -> None:
    from ..metrics.losses import HIGHER_IS_BETTER, losses_for

    of_scores = {"r2"} if task_type == "regression" else HIGHER_IS_BETTER - {"r2"}
    known = {*losses_for(task_type), *of_scores}
    if task_type != "regression":
        known |= {"cost"}
    unknown = sorted(set(settings.floors) - known)
    if unknown:
        raise ConfigurationError(
            f"gates.floors names {unknown}, no metric for {task_type}: choose among {sorted(known)}"
        )


def _floors(
    predictor: Predictor,
    holdout: pd.DataFrame,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: GateSettings,
) -> list[Gate]:
    from ..data.row_weights import weights_of
    from ..gates.floors import floor_gates
    from ..models.evaluation import aligned_labels, metrics_of

    if not settings.floors:
        return []
    truth, classes = aligned_labels(predictor, holdout, columns.target)
    weights = weights_of(holdout, columns)
    found = metrics_of(predictor, truth, predictor.predict(holdout), classes, weights)
    return floor_gates(found, settings.floors)


def _deepchecks(
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    predictor: Predictor,
    importance: Mapping[str, float],
    *,
    columns: Columns,
    settings: GateSettings,
    seed: int,
) -> tuple[list[Gate], bytes | None]:
    from ..gates.deepchecks_runner import run_checks

    try:
        run = run_checks(
            settings.deepchecks,
            train=train,
            holdout=holdout,
            columns=columns,
            predictor=predictor,
            importance=importance,
            rows=settings.deepchecks_rows,
            seed=seed,
            most_columns=settings.deepchecks_columns,
            suites=settings.report_suites,
        )
    except MLOpsError:
        raise
    except Exception as error:
        # Whatever a library of checks stumbles over, the checks did not run, and that is a verdict.
        reason = f"Deepchecks did not run: {type(error).__name__}: {error}"
        return [Gate(name="deepchecks", verdict="not_run", reason=reason)], None
    return run.gates, run.report
