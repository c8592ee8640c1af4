"""Fits the chosen recipe, scores it on the holdout, and logs model, scores and reference."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.results import Candidate, Snapshot, Split, Study
from ..registry.model_logging import log_model
from ..registry.tracking import log_batch, log_file, registry_errors
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..training.recipe_evaluation import Evaluation, Recipe

# MLflow's digests hold 36 characters.
_DIGEST_CHARACTERS = 36
_REFERENCE = "reference"


@task(
    name="fit",
    task_run_name="fit {study.estimator}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def fit(project: MLProject, split: Split, study: Study, run_id: str) -> Candidate:
    """Fit the best recipe on the training rows and take its evidence on the holdout.

    In time order the recipe is also fitted and scored on `training.promise_periods` earlier periods:
    the promise is made on all of them. Logged to the run: the model, hyperparameters,
    `holdout.<metric>`, `promised.<metric>` with its spread and `cross_validation.<metric>`, both
    snapshots as datasets, and the reference for monitoring.

    Args:
        project: The project.
        split: Rows to fit on and to score on.
        study: The best recipe.
        run_id: MLflow run of the training.

    Returns:
        The candidate.

    Raises:
        ConfigurationError: If the model cannot be persisted safely.
        DataRejected: If rows cannot be fitted or scored on.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    from ..data.snapshots import load_frame
    from ..data.training_rows import training_rows
    from ..training.recipe_evaluation import evaluate_recipe

    columns = project.dataset.columns
    data = training_rows(load_frame(split.train), columns, project.task)
    found = evaluate_recipe(
        _recipe(project, study),
        data,
        load_frame(split.holdout),
        columns,
        method=split.method,
        periods=project.training.promise_periods,
    )
    promise = found.reference.promise
    model_uri = log_model(
        project,
        run_id,
        found.predictor.model,
        name="model",
        kinds=data.kinds,
        example=data.rows,
        parameters={"estimator": study.estimator, **study.parameters},
    )
    with tempfile.TemporaryDirectory() as folder:
        found.reference.save(Path(folder))
        profile_uri = log_file(project, run_id, Path(folder), _REFERENCE)
    _log_evidence(project, split, study, run_id=run_id, found=found, model_uri=model_uri)
    run_logger().info(
        "%s on %d holdout rows: %s %.4f; over %d periods %.4f, varying by %.4f",
        study.estimator,
        split.holdout.rows,
        project.metric,
        found.metrics[project.metric],
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


@task(
    name="refit",
    task_run_name="refit {candidate.estimator}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def refit(project: MLProject, split: Split, snapshot: Snapshot, candidate: Candidate) -> Candidate:
    """Fit the candidate's recipe on training rows and holdout, and log it as a second model.

    The evidence stays that of the evaluated model: this one is fitted on the rows it would be judged
    on.

    Args:
        project: The project.
        split: Rows fitted on and scored on before.
        snapshot: All of them.
        candidate: What passed the gates.

    Returns:
        The candidate with another served model.

    Raises:
        ConfigurationError: If the model cannot be persisted safely.
        DataRejected: If rows cannot be fitted on.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If rows cannot be read.
    """
    import pandas as pd

    from ..data.snapshots import load_frame
    from ..data.training_rows import training_rows

    columns = project.dataset.columns
    train, holdout = load_frame(split.train), load_frame(split.holdout)
    # The kinds of the evaluated model: another reading of a column would be another model.
    kinds = training_rows(train, columns, project.task).kinds
    everything = pd.concat([train, holdout], ignore_index=True)
    data = training_rows(everything, columns, project.task, kinds)
    model_uri = log_model(
        project,
        candidate.run_id,
        _recipe(project, candidate).fitted(data).model,
        name="model-all-rows",
        kinds=kinds,
        example=data.rows,
        parameters={"estimator": candidate.estimator, **candidate.parameters},
    )
    _log_inputs(project, candidate.run_id, {"refit": snapshot})
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


def _recipe(project: MLProject, found: Study | Candidate) -> Recipe:
    from ..training.recipe_evaluation import Recipe

    return Recipe(
        estimator=found.estimator,
        parameters=found.parameters,
        task=project.task,
        metric=project.metric,
        seed=project.training.seed,
    )


def _log_evidence(
    project: MLProject,
    split: Split,
    study: Study,
    *,
    run_id: str,
    found: Evaluation,
    model_uri: str,
) -> None:
    _log_inputs(project, run_id, {"training": split.train, "holdout": split.holdout})
    promise = found.reference.promise
    client = project.registry.get_client()
    with registry_errors(project):
        # MLflow never changes a run's parameters; those of each model are kept with it.
        known = client.get_run(run_id).data.params
        log_batch(
            client,
            run_id,
            parameters={} if known else {"estimator": study.estimator, **study.parameters},
            metrics={
                f"cross_validation.{study.metric}": study.score,
                **{f"holdout.{name}": value for name, value in found.metrics.items()},
                f"promised.{study.metric}": promise.value,
                f"promised.{study.metric}.spread": promise.spread,
            },
            model_id=model_uri.removeprefix("models:/"),
        )


def _log_inputs(project: MLProject, run_id: str, snapshots: dict[str, Snapshot]) -> None:
    """Log which rows were used, by the digest of all of them: MLflow's own covers the first 10,000."""
    import json

    from mlflow.entities import Dataset, DatasetInput, InputTag

    inputs = [
        DatasetInput(
            Dataset(
                name=project.name,
                digest=snapshot.digest[:_DIGEST_CHARACTERS],
                source_type="parquet",
                source=json.dumps({"uri": snapshot.uri, "from": snapshot.source}),
                schema=json.dumps({"columns": snapshot.columns})[:65_535],
                profile=json.dumps({"rows": snapshot.rows}),
            ),
            [InputTag("mlflow.data.context", context), InputTag("digest", snapshot.digest)],
        )
        for context, snapshot in snapshots.items()
    ]
    with registry_errors(project):
        project.registry.get_client().log_inputs(run_id, inputs)
