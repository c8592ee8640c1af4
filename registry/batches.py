"""Metrics, parameters and tags of a run in as few requests as MLflow takes them in."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient


def log_batch(
    client: MlflowClient,
    run_id: str,
    *,
    parameters: dict[str, Any] | None = None,
    metrics: dict[str, float] | None = None,
    texts: dict[str, str] | None = None,
    model_id: str | None = None,
) -> None:
    """Log parameters, metrics and tags of a run with one request.

    Args:
        client: MLflow client.
        run_id: The run.
        parameters: Name to value; values longer than 6,000 characters are cut.
        metrics: Name to value.
        texts: Tags.
        model_id: Logged model that the metrics belong to, too.
    """
    from mlflow.entities import Metric, Param, RunTag

    now = int(time.time() * 1_000)
    client.log_batch(
        run_id,
        metrics=[
            Metric(name, value, now, 0, model_id=model_id)
            for name, value in (metrics or {}).items()
        ],
        params=[Param(name, str(value)[:6_000]) for name, value in (parameters or {}).items()],
        tags=[RunTag(name, value) for name, value in (texts or {}).items()],
    )
