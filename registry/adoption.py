"""Finds or registers the version that is adopted, and stores what our own trainings store with theirs."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ModelUnavailable
from ..core.results import ModelVersion
from .batches import log_batch
from .compared_models import version_of_uri
from .run_logging import log_file
from .run_metadata import record_run
from .tracking import close_run, code_version, experiment_id, flow_run_link, registry_errors
from .versions import get_version

if TYPE_CHECKING:
    import pandas as pd

    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..models.adopted_model import Adoption
    from ..monitoring.reference import Reference

_ADOPTION, _REFERENCE = "adoption", "reference"
_UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True)
class FoundModel:
    """A model that may be adopted.

    Attributes:
        place: Where its files are.
        version: The version of the registry's model that it is; None if it is none yet.
        run_id: Run that logged it; empty if that is not known.
    """

    place: str
    version: ModelVersion | None
    run_id: str


def find_model(registry: ModelRegistry, model: ModelVersion | str) -> FoundModel:
    """Find a model, and the version of the registry's model that it is.

    Args:
        registry: Where runs and models are kept.
        model: A version; its number; or a URI: `models:/name/version`, `models:/name@alias`, `models:/<id>`,
            `runs:/<run>/<name>`, or a folder of model files.

    Returns:
        The model. Nothing was changed.

    Raises:
        ModelUnavailable: If there is no such model.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    from ..models.predictor import place_of

    name = registry.model_name
    if isinstance(model, ModelVersion):
        uri = model.uri
    else:
        uri = f"models:/{name}/{model}" if model.isdecimal() else model
    client = registry.get_client()
    found = version_of_uri(registry, uri)
    with registry_errors(registry):
        try:
            place = place_of(client, found.uri if found else uri)
        except MlflowException as error:
            if error.error_code not in _UNKNOWN:
                raise
            raise ModelUnavailable(
                f"{uri} is no model that MLflow knows: {error}. Expected a version's number, "
                "models:/name/version, models:/name@alias, models:/<id> or runs:/<run>/<name>"
            ) from error
        if found is not None and found.name == name:
            return FoundModel(place, found, found.run_id)
        run_id = found.run_id if found else ""
        for known in client.search_model_versions(f"name='{name}'"):
            if place_of(client, str(known.source)) == place:
                return FoundModel(place, get_version(registry, str(known.version)), run_id)
    return FoundModel(place, None, run_id)


def registered_version(registry: ModelRegistry, found: FoundModel) -> ModelVersion:
    """Return the version of a model that was found, registering it if it is none yet.

    Args:
        registry: Where runs and models are kept.
        found: The model.

    Returns:
        The version.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    if found.version is not None:
        return found.version
    client = registry.get_client()
    name = registry.model_name
    with registry_errors(registry):
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        created = client.create_model_version(name, source=found.place, run_id=found.run_id or None)
    return get_version(registry, str(created.version))


def store_adoption(
    version: ModelVersion,
    *,
    adoption: Adoption | None,
    example: pd.DataFrame,
    reference: Reference,
    metrics: dict[str, float],
    evidence: dict[str, str | None],
    stores: Stores,
) -> ModelVersion:
    """Log reference and scores to a run of their own, and tag the version with where they are.

    The tags come last: a version has all of it, or none.

    Args:
        version: The version.
        adoption: How the model is asked; None for one that this package logged.
        example: A few conformed rows.
        reference: What windows will be compared with.
        metrics: Metric name to value on the rows.
        evidence: More tags; those that are None are left out.
        stores: Where the model's things are kept.

    Returns:
        The version with its tags.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    registry = stores.registry
    client = registry.get_client()
    link = flow_run_link()
    promise, threshold = reference.promise, None if adoption is None else adoption.threshold
    with registry_errors(registry):
        run = client.create_run(
            experiment_id(stores, client), run_name=f"adopt version {version.version}"
        )
    run_id = run.info.run_id
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            (folder / _REFERENCE).mkdir()
            reference.save(folder / _REFERENCE)
            profile_uri = log_file(registry, run_id, folder / _REFERENCE, _REFERENCE)
            adoption_uri = None
            if adoption is not None:
                (folder / _ADOPTION).mkdir()
                adoption.save(folder / _ADOPTION, example)
                adoption_uri = log_file(registry, run_id, folder / _ADOPTION, _ADOPTION)
        found: dict[str, str | None] = {
            tags.PROJECT: stores.name,
            tags.EVIDENCE_RUN_ID: run_id,
            tags.ADOPTION_URI: adoption_uri,
            tags.PROFILE_URI: profile_uri,
            tags.EVALUATED_URI: version.uri,
            tags.METRIC: promise.metric,
            tags.HOLDOUT_SCORE: repr(metrics[promise.metric]),
            tags.CODE_VERSION: code_version(),
            tags.FLOW_RUN_ID: link.id,
            tags.FLOW_RUN_NAME: link.name,
            tags.FLOW_RUN_URL: link.url,
            **evidence,
        }
        record_run(registry, run_id, {"model": version.uri})
        texts = {name: value for name, value in found.items() if value is not None}
        with registry_errors(registry):
            log_batch(
                client,
                run_id,
                metrics={
                    **{f"holdout.{name}": value for name, value in metrics.items()},
                    f"promised.{promise.metric}": promise.value,
                    f"promised.{promise.metric}.spread": promise.spread,
                    **({} if threshold is None else {"decision.threshold": threshold}),
                },
                texts=texts,
            )
            for name, value in texts.items():
                client.set_model_version_tag(version.name, version.version, name, value)
    except BaseException:
        close_run(registry, run_id, "FAILED")
        raise
    close_run(registry, run_id, "FINISHED")
    return get_version(registry, version.version)
