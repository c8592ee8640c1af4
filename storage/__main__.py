"""Command line of the prediction log: `python -m prefect_mlops.storage upgrade`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..core.errors import MLOpsError
from .open import open_store

app = typer.Typer(help="Look after a prediction log.", no_args_is_help=True)


@app.callback()
def main() -> None:
    """Look after a prediction log."""


@app.command()
def upgrade(
    uri: Annotated[
        str,
        typer.Option(
            envvar="PREDICTION_LOG_URI",
            prompt="URI of the prediction log",
            hide_input=True,
            help="sqlite:///path or mongodb://…/database. A password is safer in the variable.",
        ),
    ],
    collection: Annotated[str, typer.Option(help="Prefix of tables or collections.")] = "mlops",
) -> None:
    """Bring a log that an earlier version wrote to the present schema; stop its writers first."""
    with open_store(uri, collection=collection, timeout_seconds=60, upgrade=True) as store:
        store.ping()
    typer.echo("the prediction log is up to date")


if __name__ == "__main__":
    try:
        app(prog_name="python -m prefect_mlops.storage")
    except MLOpsError as error:
        raise SystemExit(f"error: {error}") from None
