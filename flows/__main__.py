"""Command line of a project: `backtest`, `approve`, `card`, `readiness` and `runs`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich import box
from rich.table import Table

from ..backtest.policies import DEFAULT_POLICIES, Policy, policies_of
from ..backtest.recommendation import check_costs
from ..core.errors import ConfigurationError, MLOpsError
from ..runs.backtest_report import table_rows
from .approve_command import approve
from .backtesting import backtest
from .evidence_commands import add_commands
from .plain_console import plain_console

app = typer.Typer(
    help="Try policies on history, decide on what waits for approval, and write what a regulator reads.",
    no_args_is_help=True,
)
app.command("approve")(approve)
add_commands(app)


@app.command("backtest")
def run_backtest(
    project: Annotated[str, typer.Argument(help="Name the project's block was saved under.")],
    policy: Annotated[
        list[str],
        typer.Option(
            help="never, always, every:K, drift, performance, governor, or a JSON file with a policy of "
            "your own. May be repeated."
        ),
    ] = list(DEFAULT_POLICIES),  # noqa: B006
    dataset: Annotated[
        str | None, typer.Option(help="Name of a saved Dataset block. Default: the project's own.")
    ] = None,
    history_rows: Annotated[
        int | None, typer.Option(help="Rows of the first training. Default: half of them.")
    ] = None,
    label_delay_days: Annotated[float, typer.Option(help="Days that labels take.")] = 0.0,
    window_days: Annotated[
        float, typer.Option(help="Days that a window takes where there is no timestamp.")
    ] = 7.0,
    error_cost: Annotated[
        float | None, typer.Option(help="Cost of one unit of the metric in one prediction.")
    ] = None,
    retraining_cost: Annotated[
        float | None, typer.Option(help="Cost of one retraining, in the same unit.")
    ] = None,
) -> None:
    """Replay a project's history under several policies, and recommend one."""
    # Before a flow is begun: a typing error needs no run that failed.
    policies = policies_of([_policy(text) for text in policy])
    check_costs(error_cost, retraining_cost)
    result = backtest(
        project,
        dataset,
        [*policies],
        history_rows=history_rows,
        label_delay_days=label_delay_days,
        window_days=window_days,
        error_cost=error_cost,
        retraining_cost=retraining_cost,
    )
    console = plain_console()
    rows = table_rows(result)
    table = Table(box=box.SIMPLE_HEAD)
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "policy" else "right", no_wrap=True)
    for row in rows:
        best = row["policy"] == result.recommended
        table.add_row(*row.values(), style="bold green" if best else "")
    console.print(table)
    console.print(result.recommendation)
    console.print(f"plot: {result.plot_uri}\nsummary: {result.summary_uri}", soft_wrap=True)


def _policy(text: str) -> str | Policy:
    if not text.endswith(".json"):
        return text
    try:
        return Policy.model_validate(json.loads(Path(text).read_text(encoding="utf-8")))
    except (OSError, ValidationError, ValueError) as error:
        raise ConfigurationError(f"--policy {text}: {error}") from error


if __name__ == "__main__":
    try:
        app()
    except MLOpsError as error:
        typer.secho(str(error), err=True, fg="red")
        raise SystemExit(1) from error
