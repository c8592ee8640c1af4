"""The command that answers for a version that waits: `python -m prefect_mlops.flows approve PROJECT`."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from ..core.results import ApprovalRequest
from ..runs.approvals import waiting_requests
from ..tasks.approval import record_approval, settle_approvals
from .plain_console import plain_console
from .projects import load_project


def approve(
    project: Annotated[str, typer.Argument(help="Name the project's block was saved under.")],
    version: Annotated[
        str | None, typer.Option(help="Version to decide on. Default: only list what waits.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Why. Kept with the decision.")] = "",
    reject: Annotated[bool, typer.Option("--reject", help="Reject it.")] = False,
    by: Annotated[
        str | None, typer.Option(help="Name of who decides. Default: the name of the login.")
    ] = None,
) -> None:
    """Approve or reject a version that waits to become the champion, or list what waits."""
    found = load_project(project)
    stores = found.stores
    if version is None:
        # What was answered elsewhere, or by nobody in time, waits no longer.
        settle_approvals.fn(**found.arguments(settle_approvals))
        _list(project, found.registry.model_name, waiting_requests(stores))
        return
    if not reason.strip():
        raise typer.BadParameter("say why: --reason TEXT is kept with the decision")
    answer = record_approval.fn(
        version,
        "rejected" if reject else "approved",
        reason,
        by or getpass.getuser(),
        through="command line",
        **found.arguments(record_approval),
    )
    typer.echo(f"{found.registry.model_name} version {version}: {answer.sentence}")


def _list(project: str, model: str, requests: list[ApprovalRequest]) -> None:
    if not requests:
        typer.echo(f"{model}: nothing waits for approval")
        return
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("version", "champion", "waits until (UTC)", "then", "because"):
        table.add_column(title, overflow="fold")
    for request in requests:
        table.add_row(
            request.version,
            request.champion_version or "none",
            f"{request.until:%Y-%m-%d %H:%M}",
            request.at_timeout,
            request.reason,
        )
    plain_console(soft_wrap=True).print(table)
    command = f"python -m prefect_mlops.flows approve {project} --version {requests[0].version}"
    typer.echo(f'Approve: {command} --reason "…" --by "…"; add --reject to reject.')
