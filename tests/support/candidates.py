"""Small models in a real MLflow, as candidates and champions, without tuning and evidence."""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from mlflow import MlflowClient
from prefect_mlops.blocks import MLProject
from prefect_mlops.core import tags
from prefect_mlops.core.results import Candidate, ModelVersion, Split
from prefect_mlops.core.settings import DecisionSettings
from prefect_mlops.data.schema import conform, infer_feature_types
from prefect_mlops.data.snapshots import load_frame, save_snapshot
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.models.decision import Decision
from prefect_mlops.registry.model_logging import log_model
from prefect_mlops.registry.tracking import open_run
from prefect_mlops.training.calibration import DecisionRules
from prefect_mlops.training.preprocessing import default_preprocessor
from prefect_mlops.training.recipe_evaluation import Recipe
from prefect_mlops.training.search_spaces import default_parameters
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline


@functools.cache
def _empty_database() -> tempfile.TemporaryDirectory:
    """MLflow migrates a new database for seconds: done once, then copied."""
    folder = tempfile.TemporaryDirectory()
    MlflowClient(f"sqlite:///{folder.name}/mlflow.db").search_experiments()
    return folder


def empty_database() -> Path:
    """Return the file of a new MLflow database, to copy."""
    return Path(_empty_database().name) / "mlflow.db"


def with_mlflow(project: MLProject) -> MLProject:
    """Give a project on SQLite its MLflow database, and return it."""
    path = Path(project.registry.tracking_uri.get_secret_value().removeprefix("sqlite:///"))
    if not path.exists():
        shutil.copy(empty_database(), path)
    return project


def split_at(project: MLProject, frame: pd.DataFrame, first: int) -> Split:
    """Split rows in their order; the holdout begins at row `first`."""
    columns, workspace = with_mlflow(project).dataset.columns, project.open_workspace()
    train, holdout = (
        save_snapshot(workspace, pa.Table.from_pandas(part), "test", columns.timestamp)
        for part in (frame[:first], frame[first:].reset_index(drop=True))
    )
    return Split(
        train=train,
        holdout=holdout,
        method="time" if columns.has_order else "hash",
        boundary=holdout.first,
        first_holdout_row=first if columns.has_order else None,
    )


def log_candidate(
    project: MLProject,
    split: Split,
    *,
    noise: float = 0.0,
    name: str = "model",
    iterations: int = 15,
    decisions: dict[str, Any] | None = None,
) -> Candidate:
    """Fit and log a model.

    `noise` is the share of training labels that are drawn anew: the more, the worse the model. `decisions` are
    those of the training settings, around the recipe with default parameters.
    """
    frame, target = load_frame(split.train), project.dataset.columns.target
    feature_types = infer_feature_types(frame, project.dataset.columns.feature_names(list(frame)))
    rows, _ = conform(frame, feature_types)
    rng = np.random.default_rng(0)
    labels: Any = frame[target].to_numpy(copy=True)
    drawn = rng.random(len(labels)) < noise
    labels[drawn] = rng.permutation(labels)[drawn]
    regression = project.task_type == "regression"
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    estimator = kind(max_iter=iterations, random_state=0)
    model, decision = make_pipeline(default_preprocessor(feature_types), estimator), None
    if decisions is None:
        model.fit(rows, labels)
    else:
        model, decision = _decided(project, frame, decisions)
    run_id = open_run(project.stores, f"key-{name}", None)
    uri = log_model(
        run_id,
        model,
        name=name,
        feature_types=feature_types,
        example=rows,
        parameters={},
        decision=decision,
        **project.arguments(log_model),
    )
    return Candidate(
        run_id=run_id,
        model_uri=uri,
        evaluated_uri=uri,
        estimator="hist_gradient_boosting",
        parameters={},
        metrics={project.metric: 0.5},
        fitted_rows=len(rows),
        fitted_digest=split.train.digest,
        cutoff=split.train.last,
        cutoff_row=split.first_holdout_row,
        importance=dict.fromkeys(feature_types, 1 / len(feature_types)),
        profile_uri="none",
    )


def _decided(
    project: MLProject, frame: pd.DataFrame, decisions: dict[str, Any]
) -> tuple[Any, Decision | None]:
    """Fit the recipe of the same estimator, calibrated and with its rule."""
    columns, name = project.dataset.columns, "hist_gradient_boosting"
    parameters = default_parameters(name, project.task_type)
    recipe = Recipe(name, parameters, project.task_type, project.metric, 0)
    rules = DecisionRules(DecisionSettings(**decisions), "time" if columns.has_order else "hash", 3)
    fitted = recipe.fitted(training_rows(frame, columns, project.task_type), rules)
    return fitted.model, fitted.decision


def crown(project: MLProject, candidate: Candidate) -> ModelVersion:
    """Register a candidate and make it the champion."""
    client, name = project.registry.get_client(), project.registry.model_name
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)
    found = {
        tags.CUTOFF: candidate.cutoff.isoformat() if candidate.cutoff else None,
        tags.CUTOFF_ROW: str(candidate.cutoff_row) if candidate.cutoff_row is not None else None,
    }
    version = client.create_model_version(
        name,
        candidate.model_uri,
        candidate.run_id,
        tags={key: value for key, value in found.items() if value is not None},
        model_id=candidate.model_uri.removeprefix("models:/"),
    )
    client.set_registered_model_alias(name, tags.CHAMPION, version.version)
    return ModelVersion(
        name=name,
        version=str(version.version),
        run_id=candidate.run_id,
        uri=f"models:/{name}/{version.version}",
    )
