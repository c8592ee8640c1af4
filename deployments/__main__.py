"""Command line: `python -m prefect_mlops.deployments serve PROJECT`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from ..core.errors import MLOpsError
from ..flows.projects import load_project
from .automations import install_automation
from .serving import serve_project

app = typer.Typer(help="Serve the flows of a project.", no_args_is_help=True)

Project = Annotated[str, typer.Argument(help="Name the project's block was saved under.")]


@app.command()
def serve(
    project: Project,
    train_cron: Annotated[
        str | None, typer.Option(help="Schedule of the training, cron. Default: only when asked.")
    ] = None,
    monitor_minutes: Annotated[
        float | None,
        typer.Option(help="Minutes between monitoring runs. Default: only when asked."),
    ] = None,
    canary_minutes: Annotated[
        float | None,
        typer.Option(
            help="Minutes between judgements on the challenger. Default: only when asked."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Flow runs at once.")] = 2,
) -> None:
    """Serve every flow of a project, and install the automation."""
    found = load_project(project)
    asyncio.run(
        serve_project(
            found,
            train_cron=train_cron,
            monitor_minutes=monitor_minutes,
            canary_minutes=canary_minutes,
            limit=limit,
        )
    )


@app.command()
def automate(
    project: Project,
    deployment: Annotated[
        str | None,
        typer.Option(help="flow/deployment to run. Default: the one that `serve` makes."),
    ] = None,
) -> None:
    """Install only the automation, for flows that are deployed another way."""
    created = install_automation(load_project(project).name, deployment)
    typer.echo(f"installed: {created.name}")


if __name__ == "__main__":
    try:
        app()
    except MLOpsError as error:
        typer.secho(str(error), err=True, fg="red")
        raise SystemExit(1) from error
