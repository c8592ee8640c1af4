"""Logs what a fitted recipe was made of and what it is worth to its MLflow run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .batches import log_batch
from .run_logging import log_inputs
from .tracking import registry_errors

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Split, Study
    from ..training.recipe_evaluation import Evaluation


def log_fit(
    stores: Stores,
    split: Split,
    study: Study,
    *,
    run_id: str,
    found: Evaluation,
    model_uri: str,
) -> None:
    """Log what a fit used and what its model is worth to its run.

    Args:
        stores: Where the model's things are kept.
        split: Rows fitted on and scored on.
        study: The recipe, and its score in cross-validation.
        run_id: MLflow run.
        found: The model's evidence.
        model_uri: The logged model, `models:/<id>`.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    log_inputs(stores, run_id, {"training": split.train, "holdout": split.holdout})
    promise, decision = found.reference.promise, found.predictor.decision
    threshold = None if decision is None else decision.threshold
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
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
                **({} if threshold is None else {"decision.threshold": threshold}),
            },
            model_id=model_uri.removeprefix("models:/"),
        )
