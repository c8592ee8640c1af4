"""Checks a candidate by itself: Deepchecks conditions, absolute floors, enough rows and classes to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError, MLOpsError
from ..core.results import Candidate, Gate, ModelValidation, Split
from ..registry.run_logging import log_file
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.settings import Columns, GateSettings, TaskType
    from ..models.predictor import Predictor

_REPORT = "deepchecks.html"


@step("check {candidate.estimator}")
def check_model(
    split: Split,
    candidate: Candidate,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: GateSettings,
    seed: int,
    stores: Stores,
) -> ModelValidation:
    """Check the evaluated model on the holdout.

    Args:
        split: Rows the model was fitted on, and rows it never saw.
        candidate: The model.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: What a candidate must pass.
        seed: Seed of every draw.
        stores: Where the model's things are kept.

    Returns:
        One gate a condition or floor, and where the Deepchecks report is: in the workspace, and as
        artifact `reports/deepchecks.html` of the candidate's run.

    Raises:
        ConfigurationError: If a check, condition, parameter or metric does not exist.
        DataRejected: If the model cannot score the holdout.
        ModelUnavailable: If the model does not load.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read or the report cannot be written.
    """
    from ..data.snapshots import load_frame
    from ..gates.holdout_classes import holdout_classes

    _refuse_unknown_floors(task_type=task_type, settings=settings)
    predictor = stores.registry.load_model(candidate.evaluated_uri, task_type)
    holdout = load_frame(split.holdout)
    gates = [
        _enough_rows(len(holdout), minimum_holdout_rows=settings.minimum_holdout_rows),
        *holdout_classes(holdout[columns.target], task_type, settings.minimum_class_rows),
        *_floors(predictor, holdout, columns=columns, task_type=task_type, settings=settings),
    ]
    report_uri = None
    wanted = settings.deepchecks
    if wanted is None or wanted or settings.report_suites:
        found, report = _deepchecks(
            split, candidate, predictor, holdout, columns=columns, settings=settings, seed=seed
        )
        gates += found
        if report is not None:
            name = f"reports/{split.holdout.digest[:16]}/{candidate.run_id}/{_REPORT}"
            report_uri = stores.open_workspace().write_bytes(name, report)
            log_file(stores.registry, candidate.run_id, report, f"reports/{_REPORT}")
    result = ModelValidation(gates=gates, report_uri=report_uri)
    blocking = [gate.name for gate in gates if gate.blocks]
    run_logger().info(
        "model check %s: %d gates, %s",
        result.verdict,
        len(gates),
        f"blocked by {', '.join(blocking)}" if blocking else "none in the way",
    )
    return result


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
    from ..gates.floors import floor_gates
    from ..metrics.losses import scores
    from ..models.evaluation import aligned_labels

    if not settings.floors:
        return []
    truth, classes = aligned_labels(predictor, holdout, columns.target)
    found = scores(task_type, truth, predictor.predict(holdout), classes)
    return floor_gates(found, settings.floors)


def _deepchecks(
    split: Split,
    candidate: Candidate,
    predictor: Predictor,
    holdout: pd.DataFrame,
    *,
    columns: Columns,
    settings: GateSettings,
    seed: int,
) -> tuple[list[Gate], bytes | None]:
    from ..data.snapshots import load_frame
    from ..gates.deepchecks_runner import run_checks

    train = load_frame(split.train)
    try:
        run = run_checks(
            settings.deepchecks,
            train=train,
            holdout=holdout,
            columns=columns,
            predictor=predictor,
            importance=candidate.importance,
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
