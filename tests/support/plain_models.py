"""Models in a real MLflow that code of anybody's logged and registered."""

from __future__ import annotations

from pathlib import Path

import mlflow
import numpy as np
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FEATURES = ["strong", "weak", "job"]


def log_plainly(frame, *, noise=0.0, signature=True, model=None):
    """Log and register a model as anybody's code does, and return its number and its run."""
    # MLflow finds the database in the working folder by itself.
    assert mlflow.get_tracking_uri() == f"sqlite:///{Path.cwd()}/mlflow.db"
    labels, rng = frame["y"].to_numpy(copy=True), np.random.default_rng(0)
    drawn = rng.random(len(labels)) < noise
    labels[drawn] = rng.permutation(labels)[drawn]
    encoded = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        (StandardScaler(), ["strong", "weak"]),
    )
    fitted = make_pipeline(encoded, model or LogisticRegression()).fit(frame[FEATURES], labels)
    with mlflow.start_run() as run:
        logged = mlflow.sklearn.log_model(
            fitted,
            name="model",
            registered_model_name="calls",
            signature=infer_signature(frame[FEATURES]) if signature else None,
            pip_requirements=[],
        )
    return str(logged.registered_model_version), run.info.run_id
