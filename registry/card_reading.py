"""Collects what is known of a version for its model card: tags, run, files, reference, promotion log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..core import tags
from ..core.errors import LogUnavailable, ModelUnavailable, WorkspaceUnavailable
from ..core.results import Cause, Comparison, ModelScores, ModelVersion, Snapshot, TrainingOutcome
from ..evidence.card_facts import CardFacts, DataPart
from .promotion_log import promotion_log
from .references import reference_of
from .run_files import read_result
from .tracking import registry_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

    from ..blocks.stores import Stores
    from ..core.settings import CardSettings, Columns, TaskType
    from ..monitoring.reference import Reference

OUTCOME = "outcome.json"
COMPARISON = "reports/comparison.json"
_APPROVAL = f"{tags.PREFIX}appro"
_ROLES = ("training", "holdout", "refit")


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
        version: The version.
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
        created = client.get_model_version(version.name, version.version).creation_timestamp
    run = run_of(stores, version)
    texts: Mapping[str, str] = run.data.tags if run else {}
    outcome = comparison = None
    if run is not None and tags.TRAINING_KEY in version.tags:
        outcome = read_result(registry, version.run_id, OUTCOME, TrainingOutcome)
        comparison = read_result(registry, version.run_id, COMPARISON, Comparison)
    reference = _reference(stores, version)
    environment = _json(texts.get(tags.ENVIRONMENT))
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
        data=_data(stores, version, run),
        gates=outcome.gates if outcome else [],
        comparison=comparison,
        cause=_cause(version),
        environment=environment,
        executor=_json(texts.get(tags.EXECUTOR)),
        trials=_trials(stores, run),
        moves=_moves(stores, version),
        picture=picture,
        approvals={
            name.removeprefix(tags.PREFIX): text
            for name, text in version.tags.items()
            if name.startswith(_APPROVAL)
        },
    )


def run_of(stores: Stores, version: ModelVersion) -> Run | None:
    """Return the run that holds a version's evidence, None when it has none or it was deleted.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    from mlflow.exceptions import MlflowException

    if not version.run_id:
        return None
    client = stores.registry.get_client()
    with registry_errors(stores.registry):
        try:
            return client.get_run(version.run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None


def rows_of(stores: Stores, version: ModelVersion) -> dict[str, Snapshot | str]:
    """Return the rows that a version was evaluated on, as far as the workspace still has them.

    Args:
        stores: Where the model's things are kept.
        version: The version.

    Returns:
        `training` and `holdout` to the snapshot, or to why there is none.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    digests = {part.role: part.digest for part in _data(stores, version, run_of(stores, version))}
    found: dict[str, Snapshot | str] = {}
    for role in ("training", "holdout"):
        digest = digests.get(role)
        if digest is None:
            found[role] = f"which {role} rows it saw was not recorded"
            continue
        found[role] = (
            _opened(stores, digest)
            or f"the {role} rows {digest[:16]} are no longer in the workspace"
        )
    return found


def _opened(stores: Stores, digest: str) -> Snapshot | None:
    from ..data.snapshots import open_snapshot

    workspace = stores.find_workspace()
    if workspace is None:
        return None
    try:
        return open_snapshot(workspace, digest)
    except WorkspaceUnavailable:
        return None


def _data(stores: Stores, version: ModelVersion, run: Run | None) -> list[DataPart]:
    parts: dict[str, DataPart] = {}
    for given in run.inputs.dataset_inputs if run and run.inputs else []:
        named = {tag.key: tag.value for tag in given.tags}
        role = named.get("mlflow.data.context", "")
        profile, source = _json(given.dataset.profile), _json(given.dataset.source)
        if role in _ROLES and "digest" in named:
            parts[role] = DataPart(
                role=role,
                digest=named["digest"],
                rows=profile.get("rows"),
                source=source.get("from"),
                first=profile.get("first"),
                last=profile.get("last"),
            )
    digest = version.tags.get(tags.HOLDOUT_DIGEST)
    if "holdout" not in parts and digest is not None:
        rows = _opened(stores, digest)
        parts["holdout"] = DataPart(
            role="holdout",
            digest=digest,
            rows=rows.rows if rows else None,
            last=version.tags.get(tags.EVALUATED_CUTOFF),
        )
    return [parts[role] for role in _ROLES if role in parts]


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


def _trials(stores: Stores, run: Run | None) -> dict[str, int]:
    if run is None:
        return {}
    client = stores.registry.get_client()
    found: Counter[str] = Counter()
    with registry_errors(stores.registry):
        token: str | None = None
        while True:
            page = client.search_runs(
                [run.info.experiment_id],
                f"tags.`mlflow.parentRunId` = '{run.info.run_id}'",
                max_results=1_000,
                page_token=token,
            )
            found.update(
                trial.data.tags[tags.TRIAL_STATE]
                for trial in page
                if tags.TRIAL_STATE in trial.data.tags
            )
            token = page.token
            if not token:
                return dict(found)


def _moves(stores: Stores, version: ModelVersion) -> list[Mapping[str, Any]]:
    try:
        log = promotion_log(stores)
    except LogUnavailable as error:
        return [{"reason": f"the promotion log could not be read: {error}"}]
    mine = [move for move in log if version.version in (move.get("version"), move.get("previous"))]
    return list(reversed(mine))


def _json(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
