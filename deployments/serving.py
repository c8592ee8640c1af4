"""Serves a project's flows from one process of one machine."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import typer
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.types.entrypoint import EntrypointType

from ..blocks.project import MLProject
from ..core.errors import OrchestratorUnavailable
from ..flows.adoption import adopt
from ..flows.backtesting import backtest
from ..flows.canary import watch_canary
from ..flows.monitoring import monitor
from ..flows.scoring import label, score
from ..flows.training import train
from .automations import install_automation
from .runner import PatientRunner, tend

LISTENING_SECONDS = 2.0


async def deployments_of(
    project_name: str,
    *,
    train_cron: str | None = None,
    monitor_minutes: float | None = None,
    canary_minutes: float | None = None,
) -> list[RunnerDeployment]:
    """Return the deployments of a project, not yet sent to the server.

    Args:
        project_name: Name the project's block was saved under.
        train_cron: Schedule of the training, cron. None: only when asked.
        monitor_minutes: Time between two monitoring runs, minutes. None: only when asked.
        canary_minutes: Time between two judgements on the challenger, minutes. None: only when asked.

    Returns:
        Training (one run at a time, others wait), monitoring, scoring, labelling, the canary, the
        backtest and adoption.
    """
    parameters = {"project": project_name}
    one = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE)
    common = {"parameters": parameters, "entrypoint_type": EntrypointType.MODULE_PATH}
    training = await train.ato_deployment(
        f"{project_name}-training",
        cron=train_cron,
        concurrency_limit=one,
        description="Trains a candidate and promotes it if it passes every gate.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    monitoring = await monitor.ato_deployment(
        f"{project_name}-monitoring",
        interval=timedelta(minutes=monitor_minutes) if monitor_minutes else None,
        concurrency_limit=one,
        description="Measures drift and performance, and asks for a retraining when it is due.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    scoring = await score.ato_deployment(
        f"{project_name}-scoring",
        description="Scores a dataset with the champion and logs every prediction.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    labelling = await label.ato_deployment(
        f"{project_name}-labelling",
        description="Attaches labels that have become known to their predictions.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    canary = await watch_canary.ato_deployment(
        f"{project_name}-canary",
        interval=timedelta(minutes=canary_minutes) if canary_minutes else None,
        concurrency_limit=one,
        description="Judges the challenger on live traffic: promote, keep watching or withdraw.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    backtesting = await backtest.ato_deployment(
        f"{project_name}-backtest",
        description="Replays history under several policies, and recommends one.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    adoption = await adopt.ato_deployment(
        f"{project_name}-adoption",
        concurrency_limit=one,
        description="Takes a model into service that was trained elsewhere.",
        tags=["prefect-mlops", project_name],
        **common,
    )
    return [training, monitoring, scoring, labelling, canary, backtesting, adoption]


async def serve_project(
    project: MLProject,
    *,
    train_cron: str | None = None,
    monitor_minutes: float | None = None,
    canary_minutes: float | None = None,
    limit: int = 2,
) -> None:
    """Serve a project's flows and install its automation, until interrupted.

    The Prefect server may come and go meanwhile. Requests for retraining that nobody received or
    answered are delivered, at the start and once a minute.

    Args:
        project: The project, as its block was saved.
        train_cron: Schedule of the training, cron. None: only when asked.
        monitor_minutes: Time between two monitoring runs, minutes. None: only when asked.
        canary_minutes: Time between two judgements on the challenger, minutes. None: only when asked.
        limit: Flow runs at once. Prefect's own default is unbounded: a burst of events would fork as
            many processes.

    Raises:
        OrchestratorUnavailable: If the Prefect server does not answer at the start.
    """
    runner = PatientRunner(
        f"prefect-mlops {project.name}",
        limit=limit,
        greeting=f"{project.name}: ready for training, monitoring, scoring, labelling, the canary, the "
        "backtest and adoption",
    )
    try:
        for deployment in await deployments_of(
            project.name,
            train_cron=train_cron,
            monitor_minutes=monitor_minutes,
            canary_minutes=canary_minutes,
        ):
            await runner.aadd_deployment(deployment)
        automation = await asyncio.to_thread(install_automation, project.name)
    except httpx.HTTPError as error:
        raise OrchestratorUnavailable(
            f"{project.name} cannot be served: the Prefect server stopped answering: "
            f"{str(error) or type(error).__name__}. Check PREFECT_API_URL and the server, then serve again"
        ) from error
    # Prefect drops what is emitted right after an automation was made.
    await asyncio.sleep(LISTENING_SECONDS)
    if not automation.enabled:
        typer.echo(
            f"{automation.name!r} is disabled: no request starts a training until you enable it"
        )
    tending = asyncio.create_task(tend(project))
    try:
        await runner.start()
    finally:
        tending.cancel()
