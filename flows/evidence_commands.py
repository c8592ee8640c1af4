"""Command lines of the evidence: `card`, `readiness` and `runs`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich import box
from rich.table import Table

from .evidence import card, readiness
from .plain_console import plain_console
from .projects import load_project

_PROJECT = typer.Argument(help="Name the project's block was saved under.")


def add_commands(app: typer.Typer) -> None:
    """Add the commands to a program.

    Args:
        app: The program.
    """
    app.command("card")(write)
    app.command("readiness")(assess)
    app.command("runs")(list_runs)


def write(
    project: Annotated[str, _PROJECT],
    version: Annotated[
        str | None, typer.Argument(help="Number of the version. Default: the champion's.")
    ] = None,
) -> None:
    """Write the model card of a registered version, and print it."""
    written = card(project, version)
    typer.echo(written.markdown)
    typer.echo(f"page: {written.html_uri}")


def assess(
    project: Annotated[str, _PROJECT],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead.")] = False,
) -> None:
    """Score a project by the 28 tests of the ML Test Score."""
    from ..evidence.readiness import check_rows

    report = readiness(project)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
        return
    _show(check_rows(report))
    sums = ", ".join(f"{name} {points:g}" for name, points in report.sections.items())
    typer.echo(f"ML Test Score {report.score:g}: {report.level} ({sums})")
    typer.echo(f"page: {report.report_uri}")


def list_runs(
    project: Annotated[str, _PROJECT],
    limit: Annotated[int, typer.Option(help="Most runs, the newest ones.")] = 20,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of the seven records as JSON instead.")
    ] = False,
) -> None:
    """List the runs of a project with what a metadata store keeps of them."""
    from ..registry.run_records import as_json as written
    from ..registry.run_records import run_metadata

    found = load_project(project)
    records = run_metadata(found.stores, limit)
    if as_json:
        typer.echo(written(records))
        return
    if not records:
        typer.echo(f"{found.name} has no runs yet")
        return
    metric = found.metric
    _show(
        [
            {
                "run": record.run_id[:8],
                "began (UTC)": record.started.strftime("%Y-%m-%d %H:%M"),
                "steps": f"{sum(step.seconds for step in record.steps):.0f} s",
                "by": f"{record.executor.get('user', '?')}@{record.executor.get('host', '?')}",
                "outcome": record.outcome or record.status.lower(),
                "version": record.model_version or "",
                "after": record.previous_version or "",
                "training": _number(record.training_metrics.get(metric)),
                "holdout": _number(record.holdout_metrics.get(metric)),
                "lacks": str(len(record.missing) or ""),
            }
            for record in records
        ]
    )
    typer.echo(
        f"training and holdout: {metric}; lacks: how many of the records are missing (--json)"
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _show(rows: list[dict[str, str]]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row.values())
    plain_console().print(table)
