"""Runs a project's flows through restarts of the Prefect server, and delivers what is pending meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import CoroutineType
from typing import Any, ParamSpec, Self

import httpx
import typer
from prefect.client.orchestration import get_client
from prefect.runner import Runner

from ..blocks.project import MLProject
from ..core.errors import MLOpsError
from ..runs.outbox import note_ended_runs
from ..tasks.approval import settle_approvals
from ..tasks.delivery import GRACE_SECONDS, deliver_pending

HEALTH_SECONDS = 5.0

P = ParamSpec("P")


class PatientRunner(Runner):
    """A runner that outlives its server.

    Prefect's own gives up after a few polls without an answer, kills the runs it has begun, and prints
    the traceback of each poll. When it is ended with SIGTERM, it does not await its own end.

    Args:
        name: Name of the runner, shown in Prefect.
        limit: Flow runs at once.
        greeting: What to say once it polls.
    """

    def __init__(self, name: str, *, limit: int, greeting: str) -> None:
        super().__init__(name=name, limit=limit)
        self.greeting = greeting

    async def __aenter__(self) -> Self:
        """Start polling, and go on polling whatever the server answers."""
        entered = await super().__aenter__()
        # Prefect has no public place for this. Only the polls may fail, for runs to begin and for runs
        # to cancel: what starts and ends them is left as it is.
        poller, observer = self._scheduled_run_poller, self._cancelling_observer
        poller._get_and_submit_flow_runs = _patient(poller._get_and_submit_flow_runs)
        assert observer is not None
        observer._check_for_cancelled_flow_runs = _patient(observer._check_for_cancelled_flow_runs)
        polled = observer._handle_polling_task_done

        def ended(task: asyncio.Task[None]) -> None:
            # Prefect asks a task that it has cancelled itself for its exception, and that raises.
            if not task.cancelled():
                polled(task)

        observer._handle_polling_task_done = ended
        observer.logger.addFilter(_without_traceback)
        typer.echo(self.greeting)
        return entered

    def handle_sigterm(self, *_: Any, **__: Any) -> None:
        """End orderly: cancel the runs that were begun, then return from `start`."""
        loop = self._loop
        assert loop is not None
        loop.call_soon_threadsafe(lambda: loop.create_task(self._end()))

    async def _end(self) -> None:
        if self.started:
            await self.astop()


def _without_traceback(record: logging.LogRecord) -> bool:
    record.exc_info = None
    return True


def _patient(
    poll: Callable[P, CoroutineType[Any, Any, None]],
) -> Callable[P, CoroutineType[Any, Any, None]]:
    async def patient(*args: P.args, **keywords: P.kwargs) -> None:
        try:
            await poll(*args, **keywords)
        except httpx.TransportError:
            return
        except httpx.HTTPStatusError as error:
            if error.response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                raise

    return patient


async def tend(
    project: MLProject,
    *,
    health_seconds: float = HEALTH_SECONDS,
    grace_seconds: float = GRACE_SECONDS,
) -> None:
    """Say when the Prefect server goes and comes back, and deliver what is pending, until cancelled.

    Approvals that were given, or that nobody gave in time, are delivered too.

    Args:
        project: The project.
        health_seconds: Time between two looks at the server, seconds.
        grace_seconds: Time an automation has to start a training, and between two deliveries, seconds.
    """
    loop = asyncio.get_running_loop()
    down, due = False, loop.time()
    while True:
        async with get_client() as client:
            error = await client.api_healthcheck()
        if error is not None and not down:
            typer.echo(
                f"{project.name}: the Prefect server does not answer "
                f"({str(error) or type(error).__name__}); waiting for it",
                err=True,
            )
        if error is None and down:
            typer.echo(f"{project.name}: the Prefect server is back", err=True)
            due = loop.time()
        down = error is not None
        if not down and loop.time() >= due:
            await asyncio.to_thread(_deliver, project, grace_seconds)
            due = loop.time() + grace_seconds
        await asyncio.sleep(health_seconds)


def _deliver(project: MLProject, grace_seconds: float) -> None:
    try:
        note_ended_runs(project.stores)
        for cause in deliver_pending.fn(
            grace_seconds=grace_seconds, **project.arguments(deliver_pending)
        ):
            typer.echo(f"{project.name}: retraining {cause.id} is asked for now: {cause.reason}")
        for request in settle_approvals.fn(**project.arguments(settle_approvals)):
            assert request.approval is not None
            typer.echo(f"{project.name}: version {request.version} was {request.approval.sentence}")
    except MLOpsError as error:
        typer.echo(f"{project.name}: pending requests wait: {error}", err=True)
