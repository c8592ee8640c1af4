"""How a training ends: registered, promoted, repaired or refused, and reported to what requested it."""

from __future__ import annotations

from prefect.logging import get_run_logger

from ..blocks.project import MLProject
from ..core import tags
from ..core.errors import ChampionChanged
from ..core.results import (
    ApprovalRequest,
    Candidate,
    Cause,
    Comparison,
    Gate,
    ModelVersion,
    Repair,
    Split,
    TrainingOutcome,
)
from ..registry.versions import find_version, get_version
from ..runs.endings import record_end
from ..runs.events import CANDIDATE_REFUSED, MODEL_PROMOTED, REPAIR_VERIFIED, emit
from ..tasks.comparison import compare
from ..tasks.freshness import check_freshness
from ..tasks.promotion import promote
from ..tasks.registration import finalise, register
from ..tasks.repair import verify_repair
from .approval import Keep, needs_approval, wait_for_approval
from .notifying import tell
from .steps import Steps

_PROMOTION_TRIES = 3


def conclude(
    project: MLProject,
    *,
    split: Split,
    candidate: Candidate,
    comparison: Comparison,
    gates: list[Gate],
    steps: Steps,
    evidence: dict[str, str],
    cause: Cause | None,
    keep: Keep,
    replace_champion: bool = False,
) -> tuple[TrainingOutcome, Comparison]:
    """Register and promote a candidate as far as its gates allow, and tell everybody who asked.

    Args:
        project: The project.
        split: Rows fitted on and decided on.
        candidate: The model.
        comparison: Candidate against champion.
        gates: Every other gate.
        steps: Runs what must not run twice.
        evidence: Tags of the version.
        cause: Why the training was asked for, or None.
        keep: Logs the reports and creates the artifacts of an outcome that waits for a person.
        replace_champion: Whether the champion is replaced without a comparison.

    Returns:
        How it ended, and the comparison that decided: another one than given when the champion
        changed in between.

    Raises:
        ChampionChanged: If the champion changes over and over.
        Pause: If the run waits for a person without a process.
        LogUnavailable: If the promotion log or journal cannot be reached.
        RegistryUnavailable: If MLflow cannot be reached.
    """
    version: ModelVersion | None = None
    repair: Repair | None = None
    request: ApprovalRequest | None = None
    ending = "rejected"
    if not any(gate.blocks for gate in gates):
        version = steps.run(register, candidate, evidence)
        ending = "challenger"
        judged = gates
        for _ in range(_PROMOTION_TRIES):
            if comparison.verdict != "passed":
                break
            if needs_approval(project, version):
                request = wait_for_approval(
                    project,
                    version,
                    split=split,
                    candidate=candidate,
                    comparison=comparison,
                    gates=judged,
                    cause=cause,
                    attempt=steps.attempt,
                    outcome=_waiting(version, [*judged, *comparison.gates], candidate, evidence),
                    keep=keep,
                )
                assert request.approval is not None
                gates = [*_still_fresh(project, judged, candidate), request.approval.gate]
            if any(gate.blocks for gate in gates):
                break
            if _promoted(project, version, comparison, request, cause):
                ending = "promoted"
                break
            # Another promotion came first: what a person approved was a comparison with another champion.
            comparison = steps.again(
                compare, split, candidate, cause, replace_champion=replace_champion
            )
        else:
            raise _changes_too_often(project, version)
    approval = request.approval if request else None
    refused = approval is not None and approval.decision == "rejected"
    reasons = [f"{gate.name}: {gate.reason}" for gate in [*gates, *comparison.gates] if gate.blocks]
    if version is not None:
        finalised: ModelVersion = finalise(
            # What a person refused is tried on no traffic.
            version,
            ending,
            reasons,
            alias=not refused,
            **project.arguments(finalise),
        )
        version = finalised
        if cause is not None and ending == "promoted":
            repair = steps.run(verify_repair, cause, finalised)
            version = get_version(project.registry, finalised.version)
            emit(project.name, REPAIR_VERIFIED, repair.model_dump(mode="json"))
    outcome = TrainingOutcome(
        outcome=ending,  # pyright: ignore[reportArgumentType]
        reasons=reasons,
        version=version,
        gates=[*gates, *comparison.gates],
        training_key=evidence[tags.TRAINING_KEY],
        run_id=candidate.run_id,
        champion_version=comparison.champion_version,
        cause_id=cause.id if cause else None,
        repair=repair,
        approval=approval,
        seconds=steps.seconds,
    )
    record_end(
        project.stores,
        cause,
        {
            "outcome": ending,
            "reasons": reasons,
            "version": version.version if version else None,
            "repaired": repair.verdict if repair else None,
            "training_key": outcome.training_key,
            "run_id": outcome.run_id,
        },
    )
    payload = outcome.model_dump(mode="json", include={"outcome", "reasons", "version", "cause_id"})
    emit(project.name, MODEL_PROMOTED if ending == "promoted" else CANDIDATE_REFUSED, payload)
    tell(project, outcome, payload=payload, once=f"{outcome.run_id}/{ending}")
    return outcome, comparison


def _still_fresh(project: MLProject, gates: list[Gate], candidate: Candidate) -> list[Gate]:
    """Return the gates with the age of the data as it is now: a person may have taken days."""
    now = check_freshness(candidate, **project.arguments(check_freshness)).gates
    named = {gate.name for gate in now}
    return [*(gate for gate in gates if gate.name not in named), *now]


def _waiting(
    version: ModelVersion, gates: list[Gate], candidate: Candidate, evidence: dict[str, str]
) -> TrainingOutcome:
    return TrainingOutcome(
        outcome="challenger",
        reasons=["approval: waits for a person"],
        version=version,
        gates=gates,
        training_key=evidence[tags.TRAINING_KEY],
        run_id=candidate.run_id,
    )


def _promoted(
    project: MLProject,
    version: ModelVersion,
    comparison: Comparison,
    request: ApprovalRequest | None,
    cause: Cause | None,
) -> bool:
    """Promote a version, unless the champion is not the one that it was compared with and approved against."""
    if request is not None and request.champion_version != comparison.champion_version:
        return False
    try:
        promote(
            version,
            expected=comparison.champion_version,
            reason=next(gate.reason for gate in comparison.gates),
            cause_id=cause.id if cause else None,
            approval=request.approval if request else None,
            **project.arguments(promote),
        )
    except ChampionChanged as changed:
        get_run_logger().warning("%s", changed)
        return False
    return True


def _changes_too_often(project: MLProject, version: ModelVersion) -> ChampionChanged:
    champion = find_version(project.registry, tags.CHAMPION)
    return ChampionChanged(
        f"the champion changed {_PROMOTION_TRIES} times while version {version.version} was being "
        f"promoted; it is version {champion and champion.version} now. The version stays registered"
    )
