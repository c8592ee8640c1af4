"""Fits the chosen recipe, scores it on the holdout, and logs model, scores and reference."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.results import Candidate, Snapshot, Split, Study, digest_of
from ..core.settings import TrainingSettings, default_metric
from ..registry.fit_logging import log_fit
from ..registry.model_logging import log_model
from ..registry.run_logging import log_file, log_inputs
from ..registry.tracking import run_for
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import Columns, TaskType
    from ..data.snapshots import Rows
    from ..models.predictor import Predictor
    from ..training.recipe_evaluation import Recipe

_REFERENCE = "reference"


@step("fit {study.estimator}")
def fit(
    split: Split | tuple[Rows, Rows],
    study: Study,
    run_id: str | None = None,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    settings: TrainingSettings | None = None,
    stores: Stores,
) -> Candidate:
    """Fit the best recipe on the training rows and take its evidence on the holdout.

    In time order the recipe is also fitted and scored on `training.promise_periods` earlier periods:
    the promise is made on all of them. Logged to the run: the model, hyperparameters,
    `holdout.<metric>`, `promised.<metric>` with its spread and `cross_validation.<metric>`, both
    snapshots as datasets, and the reference for monitoring.

    With `training.decisions`, probabilities are calibrated and the threshold is found on out-of-fold
    predictions of the training rows; both are part of the logged model.

    Args:
        split: Rows to fit on and to score on: a split, or two of pandas frames, Arrow tables or snapshots, in
            time order when they have one.
        study: The best recipe.
        run_id: MLflow run of the training. None: one is opened, and ended, for these rows and this recipe.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: that of the study.
        settings: Estimators, study and fitting. None: the defaults, with the study's seed.
        stores: Where the model's things are kept; registry and workspace are needed.

    Returns:
        The candidate.

    Raises:
        ConfigurationError: If the model cannot be persisted safely, a store is missing, or costs do not
            fit the classes.
        DataRejected: If rows cannot be fitted or scored on, are too few to calibrate on, or the rows held
            out are earlier.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read, or written.
    """
    from ..data.snapshots import as_split

    settings = settings or TrainingSettings(seed=study.seed)
    split = split if isinstance(split, Split) else as_split(split, stores.open_workspace(), columns)
    recipe = study.model_dump(mode="json", include={"estimator", "parameters", "metric", "seed"})
    key = digest_of({**recipe, "train": split.train.digest, "holdout": split.holdout.digest})
    with run_for(stores, run_id, key, split.train) as run:
        return _fit(
            split,
            study,
            run,
            columns=columns,
            task_type=task_type,
            metric=metric or study.metric,
            settings=settings,
            stores=stores,
        )


def _fit(
    split: Split,
    study: Study,
    run_id: str,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: TrainingSettings,
    stores: Stores,
) -> Candidate:
    from ..data.row_weights import refuse_straddling
    from ..data.snapshots import load_frame
    from ..data.training_rows import training_rows
    from ..training.calibration import decision_rules
    from ..training.feature_steps import with_features
    from ..training.recipe_evaluation import evaluate_recipe

    train, holdout = load_frame(split.train), load_frame(split.holdout)
    refuse_straddling(train, holdout, columns)
    data = training_rows(train, columns, task_type, class_weights=settings.class_weights)
    data = with_features(data, settings)
    found = evaluate_recipe(
        _recipe(study, task_type=task_type, metric=metric, seed=settings.seed),
        data,
        holdout,
        columns,
        method=split.method,
        periods=settings.promise_periods,
        rules=decision_rules(settings, task_type, split.method),
    )
    promise = found.reference.promise
    model_uri = log_model(
        run_id,
        found.predictor.model,
        name="model",
        feature_types=data.feature_types,
        example=data.rows,
        parameters=_shown(study, found.predictor),
        registry=stores.registry,
        task_type=task_type,
        trusted=_trusted(study, settings),
        decision=found.predictor.decision,
    )
    with tempfile.TemporaryDirectory() as folder:
        found.reference.save(Path(folder))
        profile_uri = log_file(stores.registry, run_id, Path(folder), _REFERENCE)
    log_fit(stores, split, study, run_id=run_id, found=found, model_uri=model_uri)
    run_logger().info(
        "%s on %d holdout rows: %s %.4f; over %d periods %.4f, varying by %.4f",
        study.estimator,
        split.holdout.rows,
        metric,
        found.metrics[metric],
        len(promise.periods),
        promise.value,
        promise.spread,
    )
    return Candidate(
        run_id=run_id,
        model_uri=model_uri,
        evaluated_uri=model_uri,
        estimator=study.estimator,
        parameters=study.parameters,
        metrics=found.metrics,
        fitted_rows=len(data.rows),
        fitted_digest=split.train.digest,
        cutoff=split.train.last,
        cutoff_row=split.first_holdout_row,
        importance=found.importance,
        profile_uri=profile_uri,
    )


@step("refit {candidate.estimator}")
def refit(
    split: Split | tuple[Rows, Rows],
    snapshot: Rows,
    candidate: Candidate,
    *,
    columns: Columns,
    task_type: TaskType,
    metric: str | None = None,
    seed: int = 0,
    settings: TrainingSettings | None = None,
    stores: Stores,
) -> Candidate:
    """Fit the candidate's recipe on training rows and holdout, and log it as a second model.

    The evidence stays that of the evaluated model: this one is fitted on the rows it would be judged
    on.

    Args:
        split: Rows fitted on and scored on before: a split or a pair, as `fit` takes it.
        snapshot: All of them: a snapshot, a pandas frame or an Arrow table.
        candidate: What passed the gates.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better. None: `log_loss` for classes, `rmse` for numbers.
        seed: Seed of every draw.
        settings: Those that `fit` was given: feature steps and what is trusted, class weights, and calibration
            and threshold, which are found anew on out-of-fold predictions of all rows. None: the defaults.
        stores: Where the model's things are kept.

    Returns:
        The candidate with another served model.

    Raises:
        ConfigurationError: If the model cannot be persisted safely, or costs do not fit the classes.
        DataRejected: If rows cannot be fitted on, or are too few to calibrate on.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    from dataclasses import replace

    import pandas as pd

    from ..data.snapshots import as_snapshot, as_split, load_frame
    from ..data.training_rows import training_rows
    from ..training.calibration import decision_rules
    from ..training.feature_steps import with_features

    if not (isinstance(split, Split) and isinstance(snapshot, Snapshot)):
        workspace = stores.open_workspace()
        split = as_split(split, workspace, columns)
        snapshot = as_snapshot(snapshot, workspace, timestamp=columns.timestamp)
    metric = metric or default_metric(task_type)
    train, holdout = load_frame(split.train), load_frame(split.holdout)
    settings = settings or TrainingSettings()
    # The feature types of the evaluated model: another reading of a column would be another model.
    known = with_features(training_rows(train, columns, task_type), settings)
    feature_types = known.feature_types
    everything = pd.concat([train, holdout], ignore_index=True)
    if columns.group is not None:
        # With the rows that the split left out.
        everything = load_frame(snapshot)
    data = training_rows(everything, columns, task_type, feature_types, settings.class_weights)
    data = replace(data, steps=known.steps)
    recipe = _recipe(candidate, task_type=task_type, metric=metric, seed=seed)
    rules = decision_rules(settings, task_type, split.method)
    predictor = recipe.fitted(data, rules)
    model_uri = log_model(
        candidate.run_id,
        predictor.model,
        name="model-all-rows",
        feature_types=feature_types,
        example=data.rows,
        parameters=_shown(candidate, predictor),
        registry=stores.registry,
        task_type=task_type,
        trusted=_trusted(candidate, settings),
        decision=predictor.decision,
    )
    log_inputs(stores, candidate.run_id, {"refit": snapshot})
    run_logger().info("%s is fitted on all %d rows", candidate.estimator, len(data.rows))
    return candidate.model_copy(
        update={
            "model_uri": model_uri,
            "fitted_rows": len(data.rows),
            "fitted_digest": snapshot.digest,
            "cutoff": snapshot.last,
            "cutoff_row": snapshot.rows if split.method == "time" else None,
        }
    )


def _recipe(found: Study | Candidate, *, task_type: TaskType, metric: str, seed: int) -> Recipe:
    from ..training.recipe_evaluation import Recipe

    return Recipe(
        estimator=found.estimator,
        parameters=found.parameters,
        task_type=task_type,
        metric=metric,
        seed=seed,
    )


def _trusted(found: Study | Candidate, settings: TrainingSettings) -> list[str]:
    from ..models.trusted_types import types_of_estimator

    return [*settings.trusted_types, *types_of_estimator(found.estimator)]


def _shown(found: Study | Candidate, predictor: Predictor) -> dict[str, Any]:
    """Return what is shown as the parameters of a logged model."""
    decided = {} if predictor.decision is None else predictor.decision.parameters
    return {"estimator": found.estimator, **found.parameters, **decided}
