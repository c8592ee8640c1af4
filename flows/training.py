"""The training flow: from rows to a champion, or to the reasons why not.

extract → validate_data → split → tune → fit → check_model → compare → refit → check_package →
register → promote → verify_repair. A killed run, started again with the same parameters, goes on
after its last finished step and ends with exactly one version and one champion.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed

from ..blocks.project import MLProject
from ..core import tags
from ..core.checkpoints import Checkpoints
from ..core.errors import ChampionChanged, DataRejected, MLOpsError
from ..core.results import (
    Candidate,
    Cause,
    Comparison,
    DataValidation,
    Gate,
    ModelValidation,
    ModelVersion,
    PackageCheck,
    Repair,
    Result,
    Snapshot,
    Split,
    Study,
    TrainingOutcome,
    digest_of,
)
from ..tasks.champion import find_version, get_version
from ..tasks.comparison import compare
from ..tasks.data_validation import validate_data
from ..tasks.events import CANDIDATE_REFUSED, MODEL_PROMOTED, REPAIR_VERIFIED, announce
from ..tasks.extraction import extract
from ..tasks.fitting import fit, refit
from ..tasks.model_validation import check_model
from ..tasks.packaging import check_package
from ..tasks.promotion import promote
from ..tasks.registration import evidence_tags, register, settle
from ..tasks.repair import verify_repair
from ..tasks.splitting import split
from ..tasks.tracking import close_run, open_run
from ..tasks.tuning import tune
from .evidence import keep_evidence, reference_snapshot
from .projects import load_project, run_name
from .steps import Steps

_PROMOTION_TRIES = 3


class _Run(Result):
    run_id: str


@flow(name="train", flow_run_name=lambda: run_name("train"), persist_result=False)
def train(project: MLProject | str, cause: Cause | None = None) -> TrainingOutcome:
    """Train a candidate, and promote it if it passes every gate.

    Args:
        project: The project, or the name its block was saved under.
        cause: Why a retraining was asked for; filled in by the monitoring flow's event.

    Returns:
        How it ended, as the data of a state named Promoted, Challenger or Rejected.

    Raises:
        DataRejected: If the rows must not be trained on. The champion is untouched.
        MLOpsError: Any other exception of this package, when a step could not run at all.

    Example:
        ```python
        from prefect_mlops.flows.training import train

        outcome = train("telemarketing")
        print(outcome.outcome, outcome.reasons)
        ```
    """
    found = load_project(project)
    outcome = _attempt(found, cause)
    message = "; ".join(outcome.reasons) or f"version {outcome.version and outcome.version.version}"
    # A refused candidate is a result, not an error: the flow did what it is for.
    return Completed(name=outcome.outcome.capitalize(), message=message, data=outcome)  # pyright: ignore[reportReturnType]


def _attempt(project: MLProject, cause: Cause | None) -> TrainingOutcome:
    key = digest_of(
        {
            "project": project.training_digest(),
            "dataset": project.dataset.model_dump(mode="json"),
            "cause": cause.id if cause else None,
        }
    )
    checkpoints = Checkpoints(project.open_workspace(), key)
    with checkpoints.exclusive():
        try:
            outcome = _train(project, cause, checkpoints)
        except MLOpsError as error:
            if cause is not None:
                _record_end(project, cause, {"outcome": "failed", "reasons": [str(error)]})
            if isinstance(error, DataRejected):
                # The next attempt must look at the rows again, not at the rejected ones.
                checkpoints.clear()
            raise
        checkpoints.clear()
    return outcome


def _train(project: MLProject, cause: Cause | None, checkpoints: Checkpoints) -> TrainingOutcome:
    logger = get_run_logger()
    steps = Steps(checkpoints)
    snapshot = steps.run("extract", Snapshot, lambda: extract(project))
    training_key = digest_of(
        {
            "snapshot": snapshot.digest,
            "project": project.training_digest(),
            "cause": cause.id if cause else None,
        }
    )
    workspace = project.open_workspace()
    outcome_file = f"outcomes/{training_key}.json"
    if workspace.exists(outcome_file):
        known = TrainingOutcome.model_validate_json(workspace.read_bytes(outcome_file))
        logger.info(
            "rows and configuration are those of version %s: nothing to train",
            known.version and known.version.version,
        )
        return known

    validation = steps.run(
        "validate_data",
        DataValidation,
        lambda: validate_data(project, snapshot, reference_snapshot(project)),
    )
    if validation.verdict != "passed":
        reasons = [gate.reason for gate in validation.gates if gate.blocks]
        keep_evidence(
            project,
            TrainingOutcome(
                outcome="rejected",
                reasons=reasons,
                gates=validation.gates,
                training_key=training_key,
                cause_id=cause.id if cause else None,
            ),
            validation=validation,
            cause=cause,
        )
        raise DataRejected(
            f"{len(reasons)} expectations of {project.name} are broken: {'; '.join(reasons[:3])}. "
            f"Suite: {validation.suite_uri}"
        )
    rows = validation.snapshot
    parts = steps.run("split", Split, lambda: split(project, rows))
    run_id = steps.run(
        "open_run", _Run, lambda: _Run(run_id=open_run(project, training_key, cause, snapshot))
    ).run_id
    try:
        study = steps.run("tune", Study, lambda: tune(project, parts, run_id, training_key))
        candidate = steps.run("fit", Candidate, lambda: fit(project, parts, study, run_id))
        checks = steps.run(
            "check_model", ModelValidation, lambda: check_model(project, parts, candidate)
        )
        comparison = steps.run("compare", Comparison, lambda: compare(project, parts, candidate))
        evaluated = [*validation.gates, *checks.gates, *comparison.gates]
        if project.training.refit == "all_rows" and not any(gate.blocks for gate in evaluated):
            evaluated_candidate = candidate
            candidate = steps.run(
                "refit", Candidate, lambda: refit(project, parts, rows, evaluated_candidate)
            )
        package = steps.run(
            "check_package", PackageCheck, lambda: check_package(project, parts, candidate)
        )
        evidence = evidence_tags(
            project,
            snapshot=rows,
            validation=validation,
            split=parts,
            candidate=candidate,
            training_key=training_key,
            cause=cause,
        )
        outcome, comparison = _conclude(
            project,
            parts=parts,
            candidate=candidate,
            comparison=comparison,
            gates=[*validation.gates, *checks.gates, *package.gates],
            steps=steps,
            evidence=evidence,
            cause=cause,
        )
    except BaseException:
        close_run(project, run_id, "FAILED")
        raise
    if outcome.version is not None:
        workspace.write_bytes(outcome_file, outcome.model_dump_json(indent=2).encode())
    keep_evidence(
        project,
        outcome,
        validation=validation,
        split=parts,
        candidate=candidate,
        comparison=comparison,
        cause=cause,
    )
    close_run(project, run_id, "FINISHED")
    return outcome


def _conclude(
    project: MLProject,
    *,
    parts: Split,
    candidate: Candidate,
    comparison: Comparison,
    gates: list[Gate],
    steps: Steps,
    evidence: dict[str, str],
    cause: Cause | None,
) -> tuple[TrainingOutcome, Comparison]:
    version: ModelVersion | None = None
    repair: Repair | None = None
    ending = "rejected"
    if not any(gate.blocks for gate in gates):
        version = steps.run(
            "register", ModelVersion, lambda: register(project, candidate, evidence)
        )
        ending = "challenger"
        if comparison.verdict == "passed":
            registered = version
            comparison = _promote(
                project,
                parts=parts,
                candidate=candidate,
                comparison=comparison,
                version=registered,
                steps=steps,
                cause=cause,
            )
            if comparison.verdict == "passed":
                ending = "promoted"
    reasons = [f"{gate.name}: {gate.reason}" for gate in [*gates, *comparison.gates] if gate.blocks]
    if version is not None:
        version = settle(project, version, ending, reasons)
        if cause is not None and ending == "promoted":
            promoted, why = version, cause
            repair = steps.run(
                "verify_repair", Repair, lambda: verify_repair(project, why, promoted)
            )
            version = get_version(project, version.version)
            announce(project, REPAIR_VERIFIED, repair.model_dump(mode="json"))
    outcome = TrainingOutcome(
        outcome=ending,  # pyright: ignore[reportArgumentType]
        reasons=reasons,
        version=version,
        gates=[*gates, *comparison.gates],
        training_key=evidence[tags.TRAINING_KEY],
        run_id=candidate.run_id,
        cause_id=cause.id if cause else None,
        repair=repair,
        seconds=steps.seconds,
    )
    if cause is not None:
        _record_end(
            project,
            cause,
            {
                "outcome": ending,
                "reasons": reasons,
                "version": version.version if version else None,
                "repaired": repair.verdict if repair else None,
            },
        )
    announce(
        project,
        MODEL_PROMOTED if ending == "promoted" else CANDIDATE_REFUSED,
        outcome.model_dump(mode="json", include={"outcome", "reasons", "version", "cause_id"}),
    )
    return outcome, comparison


def _promote(
    project: MLProject,
    *,
    parts: Split,
    candidate: Candidate,
    comparison: Comparison,
    version: ModelVersion,
    steps: Steps,
    cause: Cause | None,
) -> Comparison:
    """Promote, comparing again when another promotion came first; return the last comparison."""
    for _ in range(_PROMOTION_TRIES):
        reason = next(gate.reason for gate in comparison.gates)
        try:
            promote(
                project,
                version,
                expected=comparison.champion_version,
                reason=reason,
                cause_id=cause.id if cause else None,
            )
        except ChampionChanged as changed:
            get_run_logger().warning("%s", changed)
            comparison = steps.run(
                "compare", Comparison, lambda: compare(project, parts, candidate), fresh=True
            )
            if comparison.verdict != "passed":
                return comparison
        else:
            return comparison
    champion = find_version(project, tags.CHAMPION)
    raise ChampionChanged(
        f"the champion changed {_PROMOTION_TRIES} times while version {version.version} was being "
        f"promoted; it is version {champion and champion.version} now. The version stays registered"
    )


def _record_end(project: MLProject, cause: Cause, ending: dict[str, Any]) -> None:
    """Tell the governor that the retraining is no longer in flight."""
    document = {"cause_id": cause.id, "ended_at": datetime.now(UTC).isoformat(), **ending}
    # A failure may be followed by a success of the same cause, so it does not take the cause's key.
    key = cause.id if ending["outcome"] != "failed" else f"{cause.id}/{document['ended_at']}"
    with project.predictions.get_client() as store:
        store.record("retraining", key, project.name, document)
