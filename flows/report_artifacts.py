"""Keeps what a training leaves behind for people: files in MLflow, artifacts in Prefect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

from ..core import tags
from ..core.errors import MLOpsError
from ..core.workspace import read_uri
from ..registry.run_logging import describe, log_file
from ..registry.run_metadata import record_outcome
from ..registry.versions import find_version, get_version
from ..runs.artifacts import report_training, training_summary
from ..tasks.card import CARD, write_card
from ..tasks.measures import measure_model

if TYPE_CHECKING:
    from ..blocks.project import MLProject
    from ..core.results import (
        Candidate,
        Cause,
        Comparison,
        DataValidation,
        Snapshot,
        Split,
        TrainingOutcome,
    )

DATA_DOCS = "reports/data_docs.html"
DEEPCHECKS = "reports/deepchecks.html"


def reference_snapshot(project: MLProject) -> Snapshot | None:
    """Return the rows that the champion was trained on, or None without a champion.

    Rows that were deleted from the workspace count as none: the suite is then inferred anew.
    """
    from ..data.snapshots import open_snapshot

    champion = find_version(project.registry, tags.CHAMPION)
    digest = champion.tags.get(tags.SNAPSHOT_DIGEST) if champion else None
    if digest is None:
        return None
    try:
        return open_snapshot(project.open_workspace(), digest)
    except MLOpsError as error:
        get_run_logger().warning("the champion's training rows are gone: %s", error)
        return None


def keep_evidence(
    project: MLProject,
    outcome: TrainingOutcome,
    *,
    validation: DataValidation,
    split: Split | None = None,
    candidate: Candidate | None = None,
    comparison: Comparison | None = None,
    cause: Cause | None = None,
) -> dict[str, str | None]:
    """Log the reports of a training to its MLflow run and create its artifacts.

    Args:
        project: The project.
        outcome: How it ended.
        validation: The verdict on the rows.
        split: Rows fitted on and decided on, when it got that far.
        candidate: The model, when it got that far.
        comparison: Candidate against champion, when it got that far.
        cause: Why it was asked for.

    Returns:
        The reports: title to URI or path below the MLflow run's artifacts.
    """
    reports: dict[str, str | None] = {"Data Docs": validation.docs_uri}
    curves = None
    if candidate is not None and split is not None:
        run_id = candidate.run_id
        log_file(project.registry, run_id, read_uri(validation.suite_uri), "data/suite.json")
        if validation.docs_uri:
            log_file(project.registry, run_id, read_uri(validation.docs_uri), DATA_DOCS)
        log_file(
            project.registry, run_id, outcome.model_dump_json(indent=2).encode(), "outcome.json"
        )
        if comparison is not None:
            content = comparison.model_dump_json(indent=2).encode()
            log_file(project.registry, run_id, content, "reports/comparison.json")
        curves = _curves(project, split, candidate)
        log_file(project.registry, run_id, curves, "reports/curves.png")
        record_outcome(project.registry, run_id, outcome)
        measure_model(split, candidate, **project.arguments(measure_model))
        reports = {
            "Great Expectations Data Docs": validation.docs_uri and DATA_DOCS,
            "Deepchecks report": DEEPCHECKS,
            "Comparison": "reports/comparison.json" if comparison else None,
            "Curves": "reports/curves.png",
        }
    summary = training_summary(project.name, outcome, comparison=comparison, cause=cause)
    if outcome.run_id is not None:
        describe(project.registry, outcome.run_id, outcome.version, summary)
    if outcome.version is not None:
        write_card(outcome.version, **project.arguments(write_card))
        reports["Model card"] = f"{CARD}.html"
        version = get_version(project.registry, outcome.version.version)
        outcome = outcome.model_copy(update={"version": version})
    report_training(project.stores, outcome, summary, reports=reports, curves=curves)
    return reports


def _curves(project: MLProject, split: Split, candidate: Candidate) -> bytes:
    from ..data.snapshots import load_frame
    from ..models.curves import draw_curves

    predictor = project.registry.load_model(candidate.evaluated_uri, project.task_type)
    holdout = load_frame(split.holdout)
    truth = holdout[project.dataset.columns.target].to_numpy()
    predicted = predictor.predict(holdout)
    decided = predictor.labels(predicted)
    return draw_curves(project.task_type, truth, predicted, predictor.classes, decided)
