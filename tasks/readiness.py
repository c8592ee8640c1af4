"""Scores how ready a project is for production, by the 28 tests of the ML Test Score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.results import ReadinessReport
from ..core.settings import ReadinessSettings, Setup
from ..registry.readiness_reading import readiness_facts
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    from ..blocks.stores import Stores

_FOLDER = "readiness"


@step("assess the readiness of {stores.name}")
def assess_readiness(
    *,
    setup: Setup,
    readiness: ReadinessSettings | None = None,
    redacted: list[str] | None = None,
    stores: Stores,
) -> ReadinessReport:
    """Score a project by the ML Test Score: what was done and recorded, and what people attest.

    Looked at are the newest training and its gates, the champion, the promotion log, the journal, the newest
    logged predictions and the workspace. Each of the 28 tests says what was looked at.

    Args:
        setup: The project's settings.
        readiness: What people attest, and how old evidence may be. None: nothing is attested.
        redacted: Features that are logged redacted.
        stores: Where the model's things are kept; all of them are needed.

    Returns:
        The report. It is kept in the workspace as `readiness/<project>/report.html` and `.json`.

    Raises:
        LogUnavailable: If the prediction log cannot be read.
        RegistryUnavailable: If MLflow cannot be reached.
        WorkspaceUnavailable: If the workspace cannot be read or written.

    Example:
        ```python
        from prefect_mlops.blocks import MLProject
        from prefect_mlops.tasks import assess_readiness

        project = MLProject.load("telemarketing")
        report = assess_readiness.fn(**project.arguments(assess_readiness))
        print(report.score, report.level, [check.id for check in report.checks if not check.points])
        ```
    """
    from ..evidence.page import page_of
    from ..evidence.readiness import assess, readiness_markdown

    facts = readiness_facts(stores, setup, redacted or [])
    report = assess(stores.name, facts, readiness or ReadinessSettings())
    workspace = stores.open_workspace()
    place = f"{_FOLDER}/{stores.name}/report"
    page = page_of(readiness_markdown(report), title=f"Readiness of {stores.name}")
    report = report.model_copy(
        update={
            "report_uri": workspace.write_bytes(f"{place}.html", page),
            "json_uri": workspace.uri(f"{place}.json"),
        }
    )
    workspace.write_bytes(f"{place}.json", report.model_dump_json(indent=2).encode())
    run_logger().info("ML Test Score %g: %s", report.score, report.level)
    return report
