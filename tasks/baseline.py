"""Asks whether a candidate is better than trivial models that are fitted on the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import MLOpsError
from ..core.results import Candidate, Gate, GateCheck, ModelVersion, Split
from ..core.settings import GateSettings, default_metric
from ..registry.examined_model import Examined, examine, keep_found, skipped_check
from ..runs.step import of_candidate, step

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..metrics.losses import Floats
    from ..metrics.sampling import Sampling
    from ..models.predictor import Predictor

KIND = "baseline"


@step(of_candidate("baseline of"))
def check_baseline(
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
    """Compare a candidate with a constant guess and with a linear model as it comes.

    Both are fitted on the training rows and scored on the holdout, whatever there is for a champion: a first
    model must be worth more than a guess, too. The guess is scikit-learn's `DummyClassifier` with the classes'
    shares, or `DummyRegressor` with the mean, or the median where `mae` decides; the linear model is the
    recipe `linear` with its default parameters.

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
        Gate `better than a guess`, which decides, and `better than a linear model`, which is advice unless
        `gates.baseline.linear_decides`. The scores of both are metrics of a candidate's run:
        `baseline.dummy.log_loss`, `baseline.linear.log_loss` and so on.

    Raises:
        ConfigurationError: If the metric does not fit the task, or rows or model are of another kind.
        DataRejected: If rows cannot be fitted or scored on.
        ModelUnavailable: If the model does not load, or a version or alias is not there.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, Stores
        from prefect_mlops.core.settings import Columns
        from prefect_mlops.tasks import check_baseline

        registry = ModelRegistry(tracking_uri="sqlite:///mlflow.db", model_name="calls")
        found = check_baseline.fn(
            (train_rows, newest_rows),
            "models:/calls/3",
            columns=Columns(target="y"),
            task_type="binary",
            stores=Stores("calls", registry),
        )
        print(found.verdict, found.measured["baseline.dummy.log_loss"])
        ```
    """
    from ..data.training_rows import training_rows
    from ..gates.baseline import better_than_a_guess, nothing_told
    from ..gates.comparable_rows import NotComparable, sampling_of
    from ..models.evaluation import losses_of
    from ..training.baselines import constant_guess

    settings = settings or GateSettings()
    metric = metric or default_metric(task_type)
    if skipped := skipped_check(KIND, settings):
        return skipped
    found = examine(stores, split, candidate, columns=columns, task_type=task_type)
    holdout, target = found.holdout, columns.target
    try:
        sampling = sampling_of(holdout, columns)
    except NotComparable as why:
        gates = [*found.unseen(columns), *nothing_told(str(why), settings)]
        return keep_found(stores, candidate, GateCheck(kind=KIND, gates=gates))
    losses = losses_of(metric, found.predictor, holdout, target)
    dummy = constant_guess(training_rows(found.train, columns, task_type), task_type, metric)
    guess = losses_of(metric, dummy, holdout, target)
    measured = _scores("baseline.dummy", dummy, holdout, columns)
    gates = [
        *found.unseen(columns),
        better_than_a_guess(
            metric,
            guess=guess,
            candidate=losses,
            settings=settings,
            seed=seed,
            sampling=sampling,
        ),
    ]
    gate, more = _linear(
        found,
        losses,
        columns=columns,
        task_type=task_type,
        metric=metric,
        settings=settings,
        seed=seed,
        sampling=sampling,
    )
    check = GateCheck(kind=KIND, gates=[*gates, gate], measured={**measured, **more})
    return keep_found(stores, candidate, check, {"metric": metric, "scores": check.measured})


def _linear(
    found: Examined,
    losses: Floats,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: GateSettings,
    seed: int,
    sampling: Sampling,
) -> tuple[Gate, dict[str, float]]:
    """Return the gate about the linear model, and that model's scores."""
    from ..data.training_rows import labels_of
    from ..gates.baseline import better_than_linear, linear_not_fitted
    from ..models.evaluation import losses_of
    from ..training.baselines import is_linear, linear_model

    wanted = settings.baseline
    if task_type != "regression":
        classes = len(set(labels_of(found.train, columns.target, task_type).tolist()))
        if classes > wanted.maximum_classes:
            why = (
                f"there are {classes} classes, more than the {wanted.maximum_classes} of "
                "gates.baseline.maximum_classes"
            )
            return linear_not_fitted(why, blocking=wanted.linear_decides), {}
    try:
        linear = linear_model(
            found.train,
            columns,
            task_type,
            metric=metric,
            rows=wanted.maximum_rows,
            seed=seed,
        )
        itself = losses_of(metric, linear, found.holdout, columns.target)
        scores = _scores("baseline.linear", linear, found.holdout, columns)
    except MLOpsError as error:
        return linear_not_fitted(str(error), blocking=wanted.linear_decides), {}
    except (ValueError, ArithmeticError) as error:
        # What scikit-learn says of rows that no line can be fitted to.
        why = f"{type(error).__name__}: {error}"
        return linear_not_fitted(why, blocking=wanted.linear_decides), {}
    rows = min(len(found.train), wanted.maximum_rows or len(found.train))
    gate = better_than_linear(
        metric,
        linear=itself,
        candidate=losses,
        settings=settings,
        seed=seed,
        itself_linear=is_linear(found.predictor.model),
        rows=rows,
        sampling=sampling,
    )
    return gate, scores


def _scores(
    prefix: str, model: Predictor, holdout: pd.DataFrame, columns: Columns
) -> dict[str, float]:
    from ..data.row_weights import weights_of
    from ..metrics.losses import scores
    from ..models.evaluation import aligned_labels

    truth, classes = aligned_labels(model, holdout, columns.target)
    weights = weights_of(holdout, columns)
    found: dict[str, Any] = scores(
        model.task_type, truth, model.predict(holdout), classes, weights=weights
    )
    return {f"{prefix}.{name}": value for name, value in found.items()}
