"""One MLflow run for each trial of a study."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..core import tags
from .batches import log_batch
from .tracking import registry_errors

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..training.cross_validation import TrialScore

_PARENT_RUN = "mlflow.parentRunId"
_STATUS = {"failed": "FAILED", "pruned": "KILLED", "complete": "FINISHED"}


def log_trial(
    run_id: str,
    experiment: str,
    *,
    number: int,
    estimator: str,
    parameters: dict[str, Any],
    score: TrialScore,
    metric: str,
    stores: Stores,
) -> None:
    """Log a finished trial as a run below the training's run.

    Args:
        run_id: The training's run.
        experiment: Id of the experiment.
        number: Number of the trial.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        score: What it achieved.
        metric: Metric to decide by; lower is better.
        stores: Where the model's things are kept.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    state = "failed" if score.error else "pruned" if score.pruned else "complete"
    texts = {_PARENT_RUN: run_id, tags.PROJECT: stores.name, tags.TRIAL_STATE: state}
    if score.error:
        texts[tags.REASONS] = score.error[:1_000]
    metrics = {metric: score.means[-1], "folds": len(score.means)} if score.means else {}
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        run = client.create_run(
            experiment,
            start_time=int((time.time() - score.seconds) * 1_000),
            tags=texts,
            run_name=f"trial {number}",
        )
        log_batch(
            client,
            run.info.run_id,
            parameters={"estimator": estimator, **parameters},
            metrics=metrics,
        )
        client.set_terminated(run.info.run_id, _STATUS[state])
