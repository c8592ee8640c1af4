"""Moves the champion alias, one promotion at a time.

MLflow sets an alias without asking what it was. The promotion log does ask: its entries are numbered,
and an entry's number can be taken once. A promotion reads the last entry, checks that the champion is
still the one compared with, takes the next number, and only then moves the alias. Two promotions that
saw the same champion want the same number; one of them raises `ChampionChanged`. Once the alias has
moved, an activation says so: a process that died before leaves an entry without one, which the next
promotion finishes; an alias that a person moved afterwards stays where they put it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prefect.runtime import task_run

from ..core import tags
from ..core.errors import ChampionChanged, ConfigurationError, ModelUnavailable
from ..core.results import ModelVersion
from ..registry.compared_models import named_model
from ..registry.promotion_log import _entries
from ..registry.rollback import ROLLED_BACK, champion_before, is_rollback
from ..registry.tracking import flow_run_link, registry_errors
from ..registry.versions import find_version, get_version
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..core.results import Approval
    from ..storage.interface import PredictionStore


def _run_name(parameters: dict[str, Any]) -> str:
    version = parameters["version"]
    return (
        f"promote version {version.version}"
        if hasattr(version, "version")
        else f"promote {version}"
    )


@step(_run_name)
def promote(
    version: ModelVersion | str,
    *,
    expected: str | None,
    reason: str,
    cause_id: str | None = None,
    approval: Approval | None = None,
    stores: Stores,
) -> ModelVersion:
    """Make a version the champion, if the champion is still the expected one.

    Args:
        version: The version to promote, or its URI, such as `models:/calls/3`, whoever registered it.
        expected: Version of the champion that the comparison saw, its `champion_version`; None when there
            was none.
        reason: One sentence for the promotion log.
        cause_id: Cause of the training, if any.
        approval: What a person said to it, for the promotion log; None where nobody was asked.
        stores: Where the model's things are kept.

    Returns:
        The version as it is now.

    Raises:
        ChampionChanged: If the champion is another one by now.
        ConfigurationError: If it is no version, or one of another model than the registry's.
        ModelUnavailable: If there is no version of this URI.
        LogUnavailable: If the promotion log cannot be reached; the champion is untouched then.
        RegistryUnavailable: If MLflow cannot be reached. When the entry was made already, repeating
            the call finishes the promotion.
    """
    version = _version(stores, version)
    with stores.predictions.get_client() as store:
        last = _finish_interrupted(stores, store)
        made = last is not None and (last["version"], last["previous"]) == (
            version.version,
            expected,
        )
        # Where nobody is the champion, it was made for one that was deleted: version numbers begin
        # again with a registered model.
        if made and find_version(stores.registry, tags.CHAMPION) is not None:
            # Made already, before a crash. A person who moved the alias since then is respected.
            return get_version(stores.registry, version.version)
        entry = _claim(
            stores,
            store,
            version,
            expected=expected,
            last=last,
            reason=reason,
            cause_id=cause_id,
            approval=approval,
        )
        _activate(stores, store, entry)
    run_logger().info("%s version %s is the champion now", version.name, version.version)
    if tags.PROFILE_URI not in version.tags:
        run_logger().warning(
            "version %s was neither trained nor adopted here: scoring, labels and monitoring need "
            "`adopt(%r, rows)` first",
            version.version,
            version.uri,
        )
    return get_version(stores.registry, version.version)


@step()
def roll_back(
    to: str | None = None, reason: str = "", *, intent: str | None = None, stores: Stores
) -> ModelVersion:
    """Make an earlier champion the champion again.

    Called again it goes one champion further back: never to a version that was rolled back from. A
    roll back that was interrupted is finished by the next call, which goes no further then.

    Args:
        to: Version to go back to. None: the champion before this one that nobody rolled back from.
        reason: One sentence for the promotion log.
        intent: Any text that stands for this one roll back: repeated with the same text it is done
            once. None: the Prefect task run, if there is one, so that its retries are the same one.
        stores: Where the model's things are kept.

    Returns:
        The champion as it is now.

    Raises:
        ConfigurationError: If there is no champion to go back to.
        ModelUnavailable: If the version does not exist.
        ChampionChanged: If a promotion happens at the same moment.

    Example:
        ```python
        from prefect_mlops.blocks import ModelRegistry, PredictionLog, Stores
        from prefect_mlops.tasks.promotion import roll_back

        registry = ModelRegistry.load("registry")
        log = PredictionLog.load("predictions")
        stores = Stores("telemarketing", registry, log, "/var/lib/mlops/telemarketing")
        roll_back(reason="complaints from sales", stores=stores)
        ```
    """
    intent = intent or task_run.id
    with stores.predictions.get_client() as store:
        entries = _entries(stores.name, store)
        interrupted = (
            entries[0] if entries and not _active(stores.name, store, entries[0]) else None
        )
        last = _finish_interrupted(stores, store)
        current = find_version(stores.registry, tags.CHAMPION)
        serving = current.version if current else None
        if current is not None and to == serving:
            return current
        if interrupted and is_rollback(interrupted) and to in (None, interrupted["version"]):
            return get_version(stores.registry, interrupted["version"])
        if intent is not None and any(entry.get("intent") == intent for entry in entries):
            # Made already, before a crash. Who moved the alias since then is respected.
            return current or get_version(stores.registry, entries[0]["version"])
        target = to or champion_before(reversed(entries), serving)
        if target is None:
            raise ConfigurationError(
                f"{stores.registry.model_name} had no champion before version {serving} that was not "
                "rolled back from: name a version in `to`"
                if entries
                else f"{stores.registry.model_name} had no champion yet: name a version in `to`"
            )
        version = get_version(stores.registry, target)
        entry = _claim(
            stores,
            store,
            version,
            expected=serving,
            last=last,
            reason=f"{ROLLED_BACK}{reason}",
            cause_id=None,
            intent=intent,
        )
        _activate(stores, store, entry)
    return get_version(stores.registry, version.version)


def _version(stores: Stores, named: ModelVersion | str) -> ModelVersion:
    version = (
        named if isinstance(named, ModelVersion) else named_model(stores.registry, named).version
    )
    if version is None or version.name != stores.registry.model_name:
        raise ConfigurationError(
            f"{named if version is None else version.uri} is no version of "
            f"{stores.registry.model_name}: register it there, and give its version or "
            f"models:/{stores.registry.model_name}/<version>"
        )
    return version


def _finish_interrupted(stores: Stores, store: PredictionStore) -> dict[str, Any] | None:
    """Return the last entry, after moving the alias if its process died before it could."""
    entries = _entries(stores.name, store)
    if not entries:
        return None
    last = entries[0]
    if not _active(stores.name, store, last):
        try:
            get_version(stores.registry, last["version"])
        except ModelUnavailable:
            # Deleted since: nothing is left to finish, and nobody else must try again.
            _record_activation(store, stores.name, last)
        else:
            _activate(stores, store, last)
    return last


def _active(project_name: str, store: PredictionStore, entry: dict[str, Any]) -> bool:
    """Return whether the alias has been moved to an entry's version."""
    found = store.journal("activation", project_name)
    return any(activation["sequence"] == entry["sequence"] for activation in found)


def _record_activation(store: PredictionStore, project_name: str, entry: dict[str, Any]) -> None:
    key = f"{entry['model']}/{entry['sequence']:08d}"
    store.record("activation", key, project_name, {"sequence": entry["sequence"]})


def _claim(
    stores: Stores,
    store: PredictionStore,
    version: ModelVersion,
    *,
    expected: str | None,
    last: dict[str, Any] | None,
    reason: str,
    cause_id: str | None,
    intent: str | None = None,
    approval: Approval | None = None,
) -> dict[str, Any]:
    current = find_version(stores.registry, tags.CHAMPION)
    found = current.version if current else None
    sequence = (last["sequence"] if last else 0) + 1
    entry = {
        "sequence": sequence,
        "model": version.name,
        "version": version.version,
        "previous": found,
        "reason": reason,
        "cause_id": cause_id,
        "flow_run_id": flow_run_link().id,
        "at": datetime.now(UTC).isoformat(),
    }
    if intent is not None:
        entry["intent"] = intent
    if approval is not None:
        entry["approval"] = approval.model_dump(mode="json")
    key = f"{version.name}/{sequence:08d}"
    if found != expected or not store.record("promotion", key, stores.name, entry):
        raise ChampionChanged(
            f"{version.name}: expected version {expected} to be the champion, found {found}; another "
            "promotion came first. Compare again with the new champion"
        )
    return entry


def _activate(stores: Stores, store: PredictionStore, entry: dict[str, Any]) -> None:
    """Move the alias to an entry's version, or to that of a later entry made in the meantime."""
    client = stores.registry.get_client()
    while True:
        name, version = entry["model"], entry["version"]
        with registry_errors(stores.registry):
            client.set_registered_model_alias(name, tags.CHAMPION, version)
            challenger = find_version(stores.registry, tags.CHALLENGER)
            if challenger is not None and challenger.version == version:
                client.delete_registered_model_alias(name, tags.CHALLENGER)
        _record_activation(store, stores.name, entry)
        last = _entries(stores.name, store)[0]
        if last["sequence"] == entry["sequence"]:
            return
        # Others took this process for dead: they finished its entry and made another, whose alias
        # has just been overwritten here.
        entry = last
