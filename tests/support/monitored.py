"""A project under watch: a registered reference in a real MLflow, predictions in a real store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from mlflow import MlflowClient
from prefect_mlops.blocks import MLProject
from prefect_mlops.core.results import ModelVersion
from prefect_mlops.core.tags import PROFILE_URI
from prefect_mlops.data.schema import conform
from prefect_mlops.metrics.losses import row_losses
from prefect_mlops.monitoring.reference import build_reference
from prefect_mlops.storage.predictions import Prediction

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
FEATURE_TYPES = {"strong": "number", "weak": "number", "job": "category"}
CLASSES = ["no", "yes"]


def calls_like(rows: int, seed: int = 0, shift: float = 0.0) -> pd.DataFrame:
    """Rows with a strong number, a weak one and a category, labelled by `chances`."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "strong": rng.normal(shift, 1, rows),
            "weak": rng.normal(0, 1, rows),
            "job": rng.choice(["admin", "student", "retired"], rows),
        }
    )
    return frame.assign(y=np.where(rng.random(rows) < chances(frame)[:, 1], "yes", "no"))


def chances(frame: pd.DataFrame) -> np.ndarray:
    """What a good model of `make_calls` would answer, shape (n, 2)."""
    odds = 1.8 * frame["strong"] + 0.3 * frame["weak"] + (frame["job"] == "student") - 0.5
    yes = 1 / (1 + np.exp(-odds.to_numpy(dtype=float)))
    return np.column_stack([1 - yes, yes])


def log_reference(tracking_uri: str, folder: Path) -> ModelVersion:
    """Log a reference and return the version it belongs to."""
    frame = calls_like(2_000, seed=1)
    features, _ = conform(frame, FEATURE_TYPES)
    predicted = chances(frame)
    reference = build_reference(
        features,
        predicted,
        frame["y"],
        task_type="binary",
        classes=CLASSES,
        feature_types=FEATURE_TYPES,
        importance={"strong": 0.9, "weak": 0.05, "job": 0.05},
        losses=row_losses("log_loss", frame["y"], predicted, CLASSES),
        metric="log_loss",
    )
    reference.save(folder / "reference")
    client = MlflowClient(tracking_uri)
    experiment = client.create_experiment("calls", str(folder / "artifacts"))
    run_id = client.create_run(experiment).info.run_id
    client.log_artifacts(run_id, str(folder / "reference"), "reference")
    return ModelVersion(
        name="calls",
        version="3",
        run_id=run_id,
        uri="models:/calls/3",
        aliases=["champion"],
        tags={PROFILE_URI: f"runs:/{run_id}/reference"},
    )


def log_predictions(
    project: MLProject,
    frame: pd.DataFrame,
    *,
    start: datetime = EPOCH,
    version: str = "3",
    labelled: int | None = None,
    predicted: np.ndarray | None = None,
) -> None:
    """Log what the model (or `predicted`) says about `frame`, the first `labelled` rows labelled."""
    known = len(frame) if labelled is None else labelled
    rows = frame[list(FEATURE_TYPES)].astype(object).where(frame[list(FEATURE_TYPES)].notna(), None)
    predicted = chances(frame) if predicted is None else predicted
    with project.predictions.get_client() as store:
        store.append(
            [
                Prediction(
                    id=f"{version}-{start.isoformat()}-{i}",
                    model="calls",
                    version=version,
                    at=start + timedelta(minutes=i),
                    features=record,
                    prediction=CLASSES[int(predicted[i, 1] > 0.5)],
                    score=dict(zip(CLASSES, predicted[i].tolist(), strict=True)),
                    label=frame["y"].iloc[i] if i < known else None,
                )
                for i, record in enumerate(rows.to_dict("records"))
            ]
        )
