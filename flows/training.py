"""The training flow: from rows to a champion, or to the reasons why not.

extract → validate_data → split → tune → fit → check_model → check_baseline → check_calibration →
(check_decisions) → check_robustness → check_slices → (check_fairness) → run_gates → compare → refit → check_package →
check_freshness → register → (a person approves) → promote → verify_repair. A killed run, started again with the same parameters, goes on after its last
finished step and ends with exactly one version and one champion.
"""

from __future__ import annotations

from typing import NoReturn

from prefect import flow
from prefect.exceptions import Pause
from prefect.logging import get_run_logger
from prefect.states import Completed

from ..blocks.project import MLProject
from ..core.checkpoints import Checkpoints
from ..core.errors import DataRejected
from ..core.results import (
    Cause,
    Comparison,
    DataValidation,
    PackageCheck,
    TrainingOutcome,
    digest_of,
)
from ..registry.abandoned_runs import close_abandoned
from ..registry.evidence_tags import evidence_tags, skipped_tags
from ..registry.run_metadata import record_run
from ..registry.tracking import close_run
from ..registry.versions import get_version
from ..runs.endings import record_end
from ..runs.gate_words import ending_in_words
from ..tasks.data_validation import validate_data
from ..tasks.extraction import extract
from ..tasks.fitting import fit, refit
from ..tasks.freshness import check_freshness
from ..tasks.packaging import check_package
from ..tasks.splitting import split
from ..tasks.tuning import tune
from .answering import answered, known_answer, one_at_a_time
from .approval import attempt_of_this_run, waits_elsewhere
from .attempts import STEPS, forget_lost_steps, open_run, reopen_run, suspend_run
from .evidence_gates import judge
from .known_outcomes import known_outcome, outcome_file
from .notifying import tell_failed
from .project_flow import project_flow
from .projects import load_project, run_name
from .promotion import conclude
from .report_artifacts import keep_evidence, reference_snapshot
from .steps import Steps


@project_flow
@flow(name="train", flow_run_name=lambda: run_name("train"), persist_result=False)
def train(
    project: MLProject | str, cause: Cause | None = None, replace_champion: bool = False
) -> TrainingOutcome:
    """Train a candidate, and promote it if it passes every gate.

    Args:
        project: The project, or the name its block was saved under.
        cause: Why a retraining was asked for; filled in by the monitoring flow's event.
        replace_champion: Whether to replace the champion without comparing with it, once every other
            gate passes: for one that cannot be compared with, such as somebody else's model.

    Returns:
        How it ended, as the data of a state named Promoted, Challenger or Rejected.

    Raises:
        DataRejected: If the rows must not be trained on. The champion is untouched.
        MLOpsError: Any other exception of this package, when a step could not run at all.
        Pause: Prefect's, where a person is asked (`gates.approval`) and the run waits without a process.

    Example:
        ```python
        from prefect_mlops.flows.training import train

        outcome = train("telemarketing")
        print(outcome.outcome, outcome.reasons)
        ```
    """
    found = load_project(project)
    try:
        outcome, said = _attempt(found, cause, replace_champion)
    except Exception as error:
        tell_failed(found, cause, error)
        raise
    message = said or ending_in_words(outcome)
    # A refused candidate is a result, not an error: the flow did what it is for.
    return Completed(name=outcome.outcome.capitalize(), message=message, data=outcome)  # pyright: ignore[reportReturnType]


def _attempt(
    project: MLProject, cause: Cause | None, replace_champion: bool
) -> tuple[TrainingOutcome, str]:
    """Return how it ended, and what to say where another run answered the cause before."""
    from ..gates.custom import load_gates

    # A gate that nobody can ask stops a promotion: better to say so now than after hours of training.
    load_gates(project.gates.custom)
    with project.predictions.get_client() as store:
        # A promotion needs the log: so is it better missed now.
        store.ping()
    key = attempt_of_this_run(project) or digest_of(
        {
            "project": project.training_digest(),
            "dataset": project.dataset.model_dump(mode="json"),
            "cause": cause.id if cause else None,
            **({"replace_champion": True} if replace_champion else {}),
        }
    )
    checkpoints = Checkpoints(project.open_workspace(), key)
    with one_at_a_time(project, cause), checkpoints.exclusive():
        # A run that died after it had answered still has to finish its evidence.
        begun = checkpoints.load("check_package", PackageCheck)
        if begun is None and (known := known_answer(project, cause)):
            checkpoints.clear()
            return known, answered(known)
        if waits := waits_elsewhere(project, cause, key):
            return waits, ""
        try:
            outcome = _train(project, cause, checkpoints, replace_champion)
        except Exception as error:
            if cause is not None:
                said = {"error": type(error).__name__, "reasons": [str(error)]}
                record_end(project.stores, cause, {"outcome": "failed", **said})
            if isinstance(error, DataRejected):
                # The next attempt must look at the rows again, not at the rejected ones.
                checkpoints.clear()
            raise
        checkpoints.clear()
    return outcome, ""


def _train(
    project: MLProject, cause: Cause | None, checkpoints: Checkpoints, replace_champion: bool
) -> TrainingOutcome:
    logger = get_run_logger()
    forget_lost_steps(project, checkpoints)
    steps = Steps(project, checkpoints, STEPS)
    given = {
        "project": project.name,
        "cause": cause and cause.id,
        "replace_champion": replace_champion,
    }
    snapshot = steps.run(extract)
    training_key = digest_of(
        {
            "snapshot": snapshot.digest,
            "project": project.training_digest(),
            "cause": cause.id if cause else None,
        }
    )
    close_abandoned(project.stores, checkpoints, training_key)
    if not replace_champion:
        known, why_not = known_outcome(project, training_key)
        if known is not None:
            logger.info(
                "rows and configuration are those of version %s: nothing to train",
                known.version and known.version.version,
            )
            return known
        if why_not:
            logger.warning("trained before, but %s: trained again", why_not)

    validation = steps.run(validate_data, snapshot, reference_snapshot(project), cause)
    if validation.verdict != "passed":
        _refuse_rows(project, validation, training_key, cause)
    rows = validation.snapshot
    splits = steps.run(split, rows)
    run_id = steps.run(
        open_run, project.stores, training_key, cause, snapshot, checkpoints.attempt
    ).run_id
    reopen_run(project, run_id)
    record_run(project.registry, run_id, given, project.setup)
    steps.record_in(run_id)

    def keep(ending: TrainingOutcome, comparison: Comparison) -> dict[str, str | None]:
        return keep_evidence(
            project,
            ending,
            validation=validation,
            split=splits,
            candidate=candidate,
            comparison=comparison,
            cause=cause,
        )

    try:
        study = steps.run(tune, splits, run_id, training_key)
        candidate = steps.run(fit, splits, study, run_id)
        checks, comparison = judge(
            project, steps, splits, candidate, cause, replace_champion=replace_champion
        )
        evaluated = [*validation.gates, *checks, *comparison.gates]
        if project.refits and not any(gate.blocks for gate in evaluated):
            candidate = steps.run(refit, splits, rows, candidate)
        package = steps.run(check_package, splits, candidate)
        age = steps.run(check_freshness, candidate).gates
        gates = [*validation.gates, *checks, *package.gates, *age]
        evidence = evidence_tags(
            snapshot=rows,
            validation=validation,
            split=splits,
            candidate=candidate,
            training_key=training_key,
            cause=cause,
            **project.arguments(evidence_tags),
        )
        outcome, comparison = conclude(
            project,
            split=splits,
            candidate=candidate,
            comparison=comparison,
            gates=gates,
            steps=steps,
            evidence={**evidence, **skipped_tags(gates)},
            cause=cause,
            keep=keep,
            replace_champion=replace_champion,
        )
    except Pause:
        # A person is asked: another process goes on from here.
        suspend_run(project, run_id)
        raise
    except BaseException:
        close_run(project.registry, run_id, "FAILED")
        raise
    keep(outcome, comparison)
    if outcome.version is not None:
        # Its card has been linked in the meantime.
        version = get_version(project.registry, outcome.version.version)
        outcome = outcome.model_copy(update={"version": version})
    close_run(project.registry, run_id, "FINISHED")
    if outcome.version is not None:
        project.open_workspace().write_bytes(
            outcome_file(training_key), outcome.model_dump_json(indent=2).encode()
        )
    return outcome


def _refuse_rows(
    project: MLProject, validation: DataValidation, training_key: str, cause: Cause | None
) -> NoReturn:
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
        f"rows of {project.name} break {len(reasons)} expectation(s): {'; '.join(reasons[:3])}. Mend "
        "them at the source or, if they are right, edit the suite and name it in data.suite: "
        f"{validation.suite_uri}"
    )
