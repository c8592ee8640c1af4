"""Registers a candidate, once, with the evidence that was taken of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..core import tags
from ..core.results import Candidate, ModelVersion, digest_of
from ..registry.evidence_tags import LONGEST_TAG, candidate_tags
from ..registry.tracking import registry_errors
from ..registry.versions import as_result, find_version
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores


@step("register {candidate.estimator}")
def register(
    candidate: Candidate, evidence: dict[str, str] | None = None, *, stores: Stores
) -> ModelVersion:
    """Register a candidate as a new version, exactly once.

    A version of the same model with the same training key is returned as it is: registering twice, after a
    crash or a retry, gives one version.

    Args:
        candidate: The model.
        evidence: Tags, see `evidence_tags`. None: those that the candidate answers by itself; its model is
            the training key.
        stores: Where the model's things are kept.

    Returns:
        The version.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    from ..models.predictor import place_of

    given = evidence or {}
    key = given.get(tags.TRAINING_KEY) or digest_of({"model": candidate.model_uri})
    evidence = {
        tags.PROJECT: stores.name,
        **candidate_tags(candidate),
        **given,
        tags.TRAINING_KEY: key,
    }
    client = stores.registry.get_client()
    name = stores.registry.model_name
    with registry_errors(stores.registry):
        try:
            client.create_registered_model(name, tags={tags.PROJECT: stores.name})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        known = client.search_model_versions(
            f"name='{name}' and tags.`{tags.TRAINING_KEY}`='{key}'"
        )
        # Trained again, for what became of the first one, it is another model: another version.
        same = [
            found
            for found in known
            if place_of(client, str(found.source)) == place_of(client, candidate.model_uri)
        ]
        if same:
            version = client.get_model_version(name, same[0].version)
        else:
            created = client.create_model_version(
                name,
                # MLflow looks a `models:/` source up on its process-wide server, maybe another one.
                source=place_of(client, candidate.model_uri),
                run_id=candidate.run_id,
                tags=evidence,
                model_id=candidate.model_uri.removeprefix("models:/"),
            )
            version = client.get_model_version(name, created.version)
    run_logger().info("%s version %s is registered", name, version.version)
    return as_result(version)


@step("finalise version {version.version} as {outcome}")
def finalise(
    version: ModelVersion,
    outcome: str,
    reasons: list[str],
    *,
    alias: bool = True,
    registry: ModelRegistry,
) -> ModelVersion:
    """Write how a training ended on its version; a version not promoted becomes the challenger.

    Args:
        version: The version.
        outcome: `promoted` or `challenger`.
        reasons: Why it was not promoted; empty when it was.
        alias: Whether a version not promoted becomes the challenger. Otherwise it stops being it.
        registry: Where runs and models are kept.

    Returns:
        The version as it is now.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    client = registry.get_client()
    name = version.name
    with registry_errors(registry):
        client.set_model_version_tag(name, version.version, tags.OUTCOME, outcome)
        text = json.dumps(reasons)[:LONGEST_TAG]
        client.set_model_version_tag(name, version.version, tags.REASONS, text)
        if outcome == tags.CHALLENGER and alias:
            client.set_registered_model_alias(name, tags.CHALLENGER, version.version)
        elif outcome == tags.CHALLENGER:
            challenger = find_version(registry, tags.CHALLENGER, name=name)
            if challenger is not None and challenger.version == version.version:
                client.delete_registered_model_alias(name, tags.CHALLENGER)
        return as_result(client.get_model_version(name, version.version))
