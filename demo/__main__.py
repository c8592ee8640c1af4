"""Command line of the demo: `python -m prefect_mlops.demo play`, `python -m prefect_mlops.demo ui`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console

from ..core.errors import MLOpsError, WorkspaceUnavailable
from .play import play as play_stream
from .processes import free_port
from .servers import MLflowServer, PrefectServer
from .summary import Summary
from .supervisor import Supervisor

app = typer.Typer(help="The whole loop on one machine.", no_args_is_help=True)

Folder = Annotated[Path, typer.Option(help="The demo's own folder; emptied at the start.")]
_FOLDER = Path(".demo")
# Written first: a folder without it is not the demo's and is never emptied.
_MARK = "this-folder-belongs-to-the-demo"
_KEPT = {_MARK, "demo.lock", "demo.pid", "processes"}


def _empty(folder: Path) -> None:
    mark = folder / _MARK
    found = [path for path in folder.iterdir() if path.name not in _KEPT]
    if found and not mark.exists():
        raise WorkspaceUnavailable(
            f"{folder} is not empty and was not made by the demo: name another --folder"
        )
    mark.touch()
    for path in found:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _prefer(address: str | None) -> Callable[[], int]:
    """Return a source of ports that starts with an earlier address's, so that its links still work."""
    earlier = [port] if address and (port := urlsplit(address).port) else []

    def pick() -> int:
        return earlier.pop() if earlier else free_port()

    return pick


@app.command()
def play(
    folder: Folder = _FOLDER,
    data: Annotated[
        Path | None, typer.Option(help="bank-additional-full.csv. Default: a generated stream.")
    ] = None,
    mongodb_uri: Annotated[
        str | None, typer.Option(help="Log the predictions in MongoDB. Default: SQLite.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the generated stream.")] = 0,
    windows: Annotated[
        int | None, typer.Option(min=1, help="Windows of 2,000 calls to play. Default: all.")
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--no-keep", help="Keep the UIs open at the end. Default: in a terminal."
        ),
    ] = None,
) -> None:
    """Play the stream: train, score, drift, retrain because of it, verify the repair."""
    from .timeline import draw

    # Two processes train and score side by side: more threads than cores makes both crawl.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    console = Console()
    with Supervisor(folder) as servers:
        _empty(servers.folder)
        summary = play_stream(
            servers, console, data=data, log_uri=mongodb_uri, seed=seed, windows=windows
        )
        draw(summary, servers.folder)
        summary.render(console)
        shown = servers.folder
        console.print(
            f"Figures   {shown / 'summary.json'}\nTimeline  {shown / 'timeline.png'}, "
            f"{shown / 'timeline.html'}",
            soft_wrap=True,
        )
        if keep or (keep is None and sys.stdin.isatty()):
            _wait(console)
        else:
            console.print("The servers stop now. `make ui` opens them again.")


@app.command()
def ui(folder: Folder = _FOLDER) -> None:
    """Open the Prefect and MLflow UIs of the last demo again."""
    console = Console()
    summary = Summary.read(folder)
    with Supervisor(folder) as servers:
        prefect = PrefectServer(servers.folder, pick_port=_prefer(summary.prefect_ui))
        mlflow = MLflowServer(servers.folder, pick_port=_prefer(summary.mlflow_ui))
        with console.status("starting Prefect and MLflow"):
            servers.start(prefect, mlflow)
        console.print(f"Prefect UI  {prefect.url}\nMLflow UI   {mlflow.url}", soft_wrap=True)
        _wait(console)


def _wait(console: Console) -> None:
    console.print("Press Ctrl-C to stop the servers.")
    try:
        import signal

        signal.pause()
    except KeyboardInterrupt:
        pass


def main() -> int:
    """Run the command line; errors of this package are one red paragraph, not a traceback."""
    try:
        app(standalone_mode=False)
    except MLOpsError as error:
        Console(stderr=True).print(f"[red]{type(error).__name__}:[/] {error}", soft_wrap=True)
        return 1
    except (KeyboardInterrupt, typer.Abort):
        Console(stderr=True).print("stopped; nothing is left running")
        return 130
    except typer.Exit as leaving:
        return leaving.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
