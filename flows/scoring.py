"""The scoring flow, and the flow that attaches labels once they are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import flow

from ..blocks.dataset import Dataset
from ..blocks.project import MLProject
from ..core.results import ScoringOutcome
from ..registry.versions import get_champion
from ..tasks.labelling import attach_labels
from ..tasks.scoring import score_rows
from .project_flow import project_flow
from .projects import load_dataset, load_project, run_name

if TYPE_CHECKING:
    from ..storage.interface import LabelReport


@project_flow
@flow(name="score", flow_run_name=lambda: run_name("score"), persist_result=False)
def score(project: MLProject | str, dataset: Dataset | str | None = None) -> ScoringOutcome:
    """Score a dataset with the champion and log every prediction.

    Args:
        project: The project, or the name its block was saved under.
        dataset: Rows to score, or the name of a saved Dataset block. Empty: the project's own.

    Returns:
        What was logged, and where every row's id, prediction and scores are.

    Raises:
        ModelUnavailable: If there is no champion yet, or it does not load.
        DataRejected: If the rows lack a feature, an id or a time zone, or hardly any value of a column
            can be read.
        WorkspaceUnavailable: If the workspace cannot be written.
        LogUnavailable: If the log cannot be written; scoring again logs the rest.

    Example:
        ```python
        from prefect_mlops.flows.scoring import score

        outcome = score("telemarketing", "todays-calls")
        print(outcome.rows, outcome.version, outcome.scores_uri)
        ```
    """
    found = load_project(project)
    return score_rows(
        load_dataset(dataset, found), get_champion(found.registry), **found.arguments(score_rows)
    )


@project_flow
@flow(name="label", flow_run_name=lambda: run_name("label"), persist_result=False)
def label(
    project: MLProject | str,
    dataset: Dataset | str | None = None,
    overwrite: bool = False,
    new_classes: bool = False,
) -> LabelReport:
    """Attach labels that have become known to the predictions they belong to.

    Args:
        project: The project, or the name its block was saved under.
        dataset: Rows with id and target, or the name of a saved Dataset block. Empty: the project's
            own.
        overwrite: Whether a label that is known already may become another one; what it was is kept in
            the prediction log's journal.
        new_classes: Whether labels may be of a class that the champion does not know.

    Returns:
        How many were attached or changed, and which ids no prediction has.

    Raises:
        DataRejected: If the id or target column is missing, or labels are of no known class, are no
            finite numbers for a regression, or would change known ones; none was attached.
        ModelUnavailable: If the champion does not load.
        LogUnavailable: If the log cannot be written.

    Example:
        ```python
        from prefect_mlops.flows.scoring import label

        report = label("telemarketing", "outcomes-of-calls")
        print(report.attached, report.unknown)
        ```
    """
    found = load_project(project)
    return attach_labels(
        load_dataset(dataset, found),
        overwrite=overwrite,
        new_classes=new_classes,
        **found.arguments(attach_labels),
    )
