"""Collects what is known of a version for its model card: tags, run, files, reference, promotion log."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..core import tags
from ..core.errors import LogUnavailable, ModelUnavailable
from ..core.results import Cause, Comparison, ModelScores, ModelVersion, TrainingOutcome
from ..evidence.card_facts import CardFacts
from .promotion_log import promotion_log
from .references import reference_of
from .run_files import read_result
from .tracking import registry_errors
from .version_rows import data_parts, json_of, run_of, trials_of
from .versions import as_result

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.settings import CardSettings, Columns, TaskType
    from ..monitoring.reference import Reference

OUTCOME = "outcome.json"
COMPARISON = "reports/comparison.json"
_APPROVAL = f"{tags.PREFIX}appro"


def card_facts(
    version: ModelVersion,
    scores: ModelScores | None,
    *,
    picture: str | None,
    said: CardSettings,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    stores: Stores,
) -> CardFacts:
    """Return what is known of a version.

    Args:
        version: The version; its tags and aliases are read anew.
        scores: Its metrics on training and holdout rows, or None.
        picture: Name of the picture of the explanation in the card, or None.
        said: What the project says.
        columns: What each column is for.
        task_type: What is predicted.
        metric: Metric to decide by; lower is better.
        stores: Where the model's things are kept.

    Returns:
        The facts; those that were not recorded are empty.

    Raises:
        RegistryUnavailable: If MLflow or its artifact store cannot be reached.
    """
    registry = stores.registry
    client = registry.get_client()
    with registry_errors(registry):
        registered = client.get_model_version(version.name, version.version)
    created = registered.creation_timestamp
    # What was handed over may be from before a promotion: aliases move, and approvals become tags.
    now = as_result(registered)
    version = version.model_copy(update={"aliases": now.aliases, "tags": now.tags})
    run = run_of(stores, version)
    texts: Mapping[str, str] = run.data.tags if run else {}
    outcome = comparison = None
    if run is not None and tags.TRAINING_KEY in version.tags:
        outcome = read_result(registry, version.run_id, OUTCOME, TrainingOutcome)
        comparison = read_result(registry, version.run_id, COMPARISON, Comparison)
    reference = _reference(stores, version)
    environment = json_of(texts.get(tags.ENVIRONMENT))
    if not environment and tags.CODE_VERSION in version.tags:
        environment = {"prefect-mlops": version.tags[tags.CODE_VERSION]}
    parameters = dict(run.data.params) if run else {}
    return CardFacts(
        version=version,
        created=datetime.fromtimestamp((created or 0) / 1_000, UTC),
        said=said,
        columns=columns,
        task_type=task_type,
        metric=version.tags.get(tags.METRIC, metric),
        adopted=tags.EVIDENCE_RUN_ID in version.tags,
        outcome=version.tags.get(tags.OUTCOME),
        reasons=_reasons(version),
        estimator=parameters.pop("estimator", None),
        parameters=parameters,
        feature_types=reference.feature_types if reference else {},
        importance=reference.importance if reference else {},
        target_shares=_target_shares(reference),
        promise=reference.promise if reference else None,
        scores=scores,
        data=data_parts(stores, version, run),
        gates=outcome.gates if outcome else [],
        comparison=comparison,
        cause=_cause(version),
        environment=environment,
        executor=json_of(texts.get(tags.EXECUTOR)),
        trials=trials_of(stores, version.run_id) if run else {},
        moves=_moves(stores, version),
        picture=picture,
        approvals={
            name.removeprefix(tags.PREFIX): text
            for name, text in version.tags.items()
            if name.startswith(_APPROVAL)
        },
    )


def _reference(stores: Stores, version: ModelVersion) -> Reference | None:
    try:
        return reference_of(stores.registry, version)
    except ModelUnavailable:
        return None


def _target_shares(reference: Reference | None) -> dict[str, float]:
    shares = getattr(reference.target, "shares", None) if reference else None
    return (
        {str(name): float(share) for name, share in shares.items()}
        if isinstance(shares, dict)
        else {}
    )


def _cause(version: ModelVersion) -> Cause | None:
    try:
        return Cause.model_validate_json(version.tags.get(tags.CAUSE, ""))
    except ValidationError:
        return None


def _reasons(version: ModelVersion) -> list[str]:
    try:
        found = json.loads(version.tags.get(tags.REASONS, "[]"))
    except ValueError:
        # Cut at what a tag holds.
        return [version.tags[tags.REASONS]]
    return [str(reason) for reason in found] if isinstance(found, list) else []


def _moves(stores: Stores, version: ModelVersion) -> list[Mapping[str, Any]]:
    try:
        log = promotion_log(stores)
    except LogUnavailable as error:
        return [{"reason": f"the promotion log could not be read: {error}"}]
    mine = [move for move in log if version.version in (move.get("version"), move.get("previous"))]
    return list(reversed(mine))
