"""Finds a version's run, its trials, and the rows that it was made of."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from ..core import tags
from ..core.errors import WorkspaceUnavailable
from ..core.results import ModelVersion, Snapshot
from ..evidence.card_facts import DataPart
from .tracking import registry_errors

if TYPE_CHECKING:
    from mlflow.entities import Run

    from ..blocks.stores import Stores

_ROLES = ("training", "holdout", "refit")


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


def trials_of(stores: Stores, run_id: str) -> dict[str, int]:
    """Return how many trials of a training ended how.

    Args:
        stores: Where the model's things are kept.
        run_id: The training's MLflow run.

    Returns:
        `complete`, `pruned` or `failed` to their number.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """
    client = stores.registry.get_client()
    found: Counter[str] = Counter()
    with registry_errors(stores.registry):
        token: str | None = None
        while True:
            page = client.search_runs(
                [client.get_run(run_id).info.experiment_id],
                f"tags.`mlflow.parentRunId` = '{run_id}'",
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
    digests = {
        part.role: part.digest for part in data_parts(stores, version, run_of(stores, version))
    }
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


def data_parts(stores: Stores, version: ModelVersion, run: Run | None) -> list[DataPart]:
    """Return the rows that a version was made of, as its run and its tags name them."""
    parts: dict[str, DataPart] = {}
    for given in run.inputs.dataset_inputs if run and run.inputs else []:
        named = {tag.key: tag.value for tag in given.tags}
        role = named.get("mlflow.data.context", "")
        profile, source = json_of(given.dataset.profile), json_of(given.dataset.source)
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


def json_of(text: str | None) -> dict[str, Any]:
    """Return the object that a text holds, an empty one for anything else."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
