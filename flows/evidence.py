"""The flows that write what a regulator reads: the model card of a version, and the readiness report."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from ..blocks.project import MLProject
from ..core.results import ModelCard, ReadinessReport
from ..runs.artifacts import artifact_key, report_lines
from ..tasks.card import CARD, write_card
from ..tasks.readiness import assess_readiness
from .project_flow import project_flow
from .projects import load_project, run_name


@project_flow
@flow(name="card", flow_run_name=lambda: run_name("card"), persist_result=False)
def card(project: MLProject | str, version: str | None = None) -> ModelCard:
    """Write the model card of a registered version, and show it.

    Args:
        project: The project, or the name its block was saved under.
        version: Its number, or a URI such as `models:/calls@challenger`. Empty: the champion.

    Returns:
        Where the card is, and its text.

    Raises:
        ConfigurationError: If it is no version.
        ModelUnavailable: If there is no such version.
        RegistryUnavailable: If MLflow cannot be reached.

    Example:
        ```python
        from prefect_mlops.flows import card

        print(card("telemarketing", "3").html_uri)
        ```
    """
    found = load_project(project)
    named = version or f"models:/{found.registry.model_name}@champion"
    written: ModelCard = write_card(named, **found.arguments(write_card))
    links = report_lines(found.registry, written.run_id, {"Model card": f"{CARD}.html"})
    create_markdown_artifact(
        "\n".join([*links, "", written.markdown]),
        key=artifact_key("card", found.name),
        description=f"Model card of {written.name}, version {written.version}",
    )
    return written


@project_flow
@flow(name="readiness", flow_run_name=lambda: run_name("readiness"), persist_result=False)
def readiness(project: MLProject | str) -> ReadinessReport:
    """Score a project by the ML Test Score, and show the 28 tests as a table.

    Args:
        project: The project, or the name its block was saved under.

    Returns:
        The report.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the workspace cannot be read or written.

    Example:
        ```python
        from prefect_mlops.flows import readiness

        report = readiness("telemarketing")
        print(report.score, report.sections)
        ```
    """
    from ..evidence.readiness import check_rows

    found = load_project(project)
    report: ReadinessReport = assess_readiness(**found.arguments(assess_readiness))
    create_table_artifact(
        check_rows(report),
        key=artifact_key("readiness", found.name),
        description=f"ML Test Score of {found.name}: {report.score:g}, {report.level}. {report.report_uri}",
    )
    return report
