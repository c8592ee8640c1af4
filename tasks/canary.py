"""Judges a challenger on live traffic, and does what the verdict says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..core import tags
from ..core.errors import ChampionChanged, LogUnavailable
from ..core.results import CanaryOutcome, CanaryVerdict, ModelVersion
from ..registry.promotion_log import promotion_log
from ..registry.tracking import registry_errors
from ..registry.versions import find_version, get_version
from ..runs.run_logger import run_logger
from ..runs.step import step
from ..sources.canary_data import first_moment, read_evidence
from .approval import approval_of
from .promotion import promote

if TYPE_CHECKING:
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..canary.decision import CanaryRun
    from ..core.settings import ApprovalSettings, CanarySettings, TaskType
    from ..storage.interface import PredictionStore

_TRIES = 10


@step("judge version {challenger.version} against {champion.version}", retry_on=LogUnavailable)
def judge_canary(
    champion: ModelVersion,
    challenger: ModelVersion,
    *,
    task_type: TaskType,
    metric: str,
    settings: CanarySettings,
    resamples: int,
    seed: int,
    stores: Stores,
) -> CanaryVerdict:
    """Judge a challenger by what it and the champion predicted over the same period.

    A look is in the journal before it is returned. The same predictions and labels give the same
    verdict and are one look, however often they are asked about; a run that is decided stays so. Looks
    are numbered, and a number can be taken once: of two runs at the same time, the second sees the
    first one's look.

    Args:
        champion: Version that serves.
        challenger: Version that is judged.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        metric: Metric to decide by; lower is better.
        settings: When a challenger is promoted or withdrawn.
        resamples: Bootstrap resamples.
        seed: Seed of every draw.
        stores: Where the model's things are kept.

    Returns:
        The verdict.

    Raises:
        LogUnavailable: If the prediction log cannot be read, or the journal not be written; then
            nothing was decided.
    """
    from ..canary.decision import CanaryRun, judge

    run = CanaryRun(
        project=stores.name,
        model=challenger.name,
        champion=champion.version,
        challenger=challenger.version,
        metric=metric,
    )
    key = run.key(settings)
    with stores.predictions.get_client() as store:
        for _ in range(_TRIES):
            looks = _looks(store, stores.name, key)
            if looks and looks[-1].final:
                verdict = looks[-1]
                break
            start = _start(store, stores.name, run, champion, challenger)
            evidence = start and read_evidence(
                store,
                champion,
                challenger,
                start,
                task_type=task_type,
                metric=metric,
                settings=settings,
            )
            known = [look for look in looks if evidence and look.data == evidence.digest]
            verdict = (
                known[0]
                if known
                else judge(
                    settings,
                    run,
                    evidence or None,
                    looks=looks,
                    resamples=resamples,
                    seed=seed,
                    now=datetime.now(UTC),
                )
            )
            if known or verdict.number is None:
                break
            place = f"{key}/{verdict.number:06d}"
            if store.record("canary", place, stores.name, verdict.model_dump(mode="json")):
                break
        else:
            raise LogUnavailable(
                f"{_TRIES} other looks at version {challenger.version} came between: judge it again"
            )
    run_logger().info("%s: %s", verdict.verdict, verdict.reason)
    return verdict


@step("{verdict.verdict} version {verdict.challenger_version}")
def conclude_canary(
    verdict: CanaryVerdict,
    *,
    settings: CanarySettings,
    approvals: ApprovalSettings | None = None,
    stores: Stores,
) -> CanaryOutcome:
    """Promote the challenger or take its alias away, if the verdict says so and the project lets it.

    Where a person has the last word, the challenger is proposed for approval first, and promoted by the
    call that finds it approved.

    Champion and challenger must still be the ones that were judged; else nothing happens. A promotion
    that was undone since is not repeated. Repeating the call, after a crash, finishes what it began.

    MLflow takes an alias away without asking which version has it. A challenger that is named in the
    instant between the question and that keeps its version and loses the alias.

    Args:
        verdict: The verdict.
        settings: When a challenger is promoted or withdrawn.
        approvals: Whether a person has the last word on a promotion. None: nobody is asked.
        stores: Where the model's things are kept.

    Returns:
        What was done, and why not more.

    Raises:
        LogUnavailable: If the promotion log cannot be reached; nothing was done.
        RegistryUnavailable: If MLflow cannot be reached. Repeat the call.
    """
    action, reason = "none", verdict.reason
    if verdict.final:
        hindrance = _hindrance(verdict, registry=stores.registry, settings=settings)
        if hindrance is not None:
            reason = f"{verdict.verdict}: {verdict.reason}. Not done: {hindrance}"
        elif verdict.verdict == "withdraw":
            _withdraw(stores.registry, verdict)
            action = "withdrawn"
        else:
            hindrance = _promote(stores, verdict, approvals)
            action = "none" if hindrance else "promoted"
            reason = f"{reason}. Not done: {hindrance}" if hindrance else reason
    run_logger().info("%s: %s", action, reason)
    return CanaryOutcome(verdict=verdict, action=action, reason=reason)


def _start(
    store: PredictionStore,
    project: str,
    run: CanaryRun,
    champion: ModelVersion,
    challenger: ModelVersion,
) -> datetime | None:
    """Return when both versions were first at work; once known, it is kept."""
    place = "/".join((project, run.model, run.champion, run.challenger, "start"))
    for document in store.journal("canary", project):
        if document.get("place") == place:
            return datetime.fromisoformat(document["start"])
    start = first_moment(store, champion, challenger)
    if start is not None:
        # Read without it, every prediction of earlier challengers would be read again at each look.
        store.record("canary", place, project, {"place": place, "start": start.isoformat()})
    return start


def _looks(store: PredictionStore, project: str, key: str) -> list[CanaryVerdict]:
    """Return what was recorded of a run, in order."""
    found = [
        CanaryVerdict.model_validate(document)
        for document in store.journal("canary", project)
        if document.get("trial") == key
    ]
    return sorted(found, key=lambda look: look.number or 0)


def _hindrance(
    verdict: CanaryVerdict, *, settings: CanarySettings, registry: ModelRegistry
) -> str | None:
    """Return why a verdict must not be acted on, or None."""
    if not settings.act:
        return "canary.act is off: move the aliases yourself"
    judged = {
        tags.CHAMPION: verdict.champion_version,
        tags.CHALLENGER: verdict.challenger_version,
    }
    found = {alias: find_version(registry, alias) for alias in judged}
    now = {alias: version and version.version for alias, version in found.items()}
    if _begun(registry, verdict, champion=now[tags.CHAMPION], challenger=now[tags.CHALLENGER]):
        return None
    for alias, version in judged.items():
        if now[alias] != version:
            named = f"version {now[alias]}" if now[alias] else "nobody"
            return f"the {alias} is {named} by now, version {version} was judged"
    return None


def _begun(
    registry: ModelRegistry, verdict: CanaryVerdict, *, champion: str | None, challenger: str | None
) -> bool:
    """Whether the aliases are as an earlier call left them."""
    if verdict.verdict == "promote":
        return champion == verdict.challenger_version
    version = get_version(registry, verdict.challenger_version)
    return challenger is None and version.tags.get(tags.CANARY) == verdict.model_dump_json()


def _withdraw(registry: ModelRegistry, verdict: CanaryVerdict) -> None:
    _tag(registry, verdict)
    challenger = find_version(registry, tags.CHALLENGER)
    if challenger is not None and challenger.version == verdict.challenger_version:
        client = registry.get_client()
        with registry_errors(registry):
            client.delete_registered_model_alias(challenger.name, tags.CHALLENGER)


def _promote(
    stores: Stores, verdict: CanaryVerdict, settings: ApprovalSettings | None
) -> str | None:
    """Promote the challenger; return why that was not to be, or None."""
    pair = (verdict.challenger_version, verdict.champion_version)
    earlier = [
        entry
        for entry in promotion_log(stores)[1:]
        if (entry["version"], entry["previous"]) == pair
    ]
    if earlier:
        return (
            f"it was promoted already, as number {earlier[0]['sequence']} of the promotion log, and that "
            "was undone: promote it yourself, or register it anew"
        )
    version = get_version(stores.registry, verdict.challenger_version)
    request = approval_of(
        version,
        f"{verdict.evidence}: {verdict.reason}",
        expected=verdict.champion_version,
        settings=settings,
        stores=stores,
    )
    answer = request.approval if request else None
    if request is not None and answer is None:
        return f"it waits for a person's approval until {request.until:%Y-%m-%d %H:%M} UTC"
    if answer is not None and answer.decision == "rejected":
        return f"it was {answer.sentence}"
    _tag(stores.registry, verdict)
    try:
        promoted = promote.fn(
            version,
            expected=verdict.champion_version,
            reason=f"{verdict.evidence}: {verdict.reason}",
            cause_id=version.tags.get(tags.CAUSE_ID),
            approval=answer,
            stores=stores,
        )
    except ChampionChanged as changed:
        return str(changed)
    if tags.CHAMPION not in promoted.aliases:
        return "it was promoted already, and the alias was moved by hand since"
    return None


def _tag(registry: ModelRegistry, verdict: CanaryVerdict) -> None:
    client, name = registry.get_client(), registry.model_name
    with registry_errors(registry):
        client.set_model_version_tag(
            name, verdict.challenger_version, tags.CANARY, verdict.model_dump_json()
        )
