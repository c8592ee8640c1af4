"""Whether the loop closes with default settings, on streams that it was not tuned for.

`python benchmarks/closing_the_loop.py` replays the drifting tables of `streams.py` under three policies: never
retrain, retrain before every window, and the governor with its gates and data validation. A project is given
nothing but columns, task type and source. For each stream the table says how the governor's loss compares with both,
how it would compare with `always` if every candidate that is no better than a guess were refused (`strict`), and how often it
retrained. `--data FOLDER` adds real tables that lie in a folder (see drifting/files.py).

Defaults were chosen on the open streams; those that are held out were not looked at until then. Candidates are kept
in `--workspace`, so that a second run costs only what is new.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")

from drifting.files import found
from drifting.stream import ID, TARGET, TIMESTAMP, Stream
from prefect_mlops.backtest.candidates import Candidates
from prefect_mlops.backtest.policies import Policy, policy_of
from prefect_mlops.backtest.replay import Replay
from prefect_mlops.backtest.stream import Stream as Replayed
from prefect_mlops.blocks import MLProject
from prefect_mlops.core.results.backtest import PolicyReplay
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.validation.row_gates import validate_rows
from streams import STREAMS

ALWAYS_REFUSED = "always refused"
POLICIES = {
    **{name: policy_of(name) for name in ("never", "always", "governor")},
    ALWAYS_REFUSED: Policy(
        name=ALWAYS_REFUSED,
        kind="governor",
        gates=GateSettings(baseline={"lesser_harm": False}),
    ),
}
HEADER = (
    f"{'stream':20} {'kind':24} {'set':8} {'windows':>7} {'never':>7} {'always':>7} {'governor':>8}"
    f" {'to always':>9} {'to never':>8} {'strict':>8} {'retrained':>9} {'promoted':>8} {'unsaid':>6} {'minutes':>7}"
)


@dataclass(frozen=True)
class Measured:
    """One stream under the policies."""

    name: str
    kind: str
    held_out: bool
    replays: dict[str, PolicyReplay]
    seconds: float

    def line(self) -> str:
        """Return the stream's line of the table."""
        never, always, governor, strict = (self.replays[policy] for policy in POLICIES)
        worse = [window for window in governor.windows if window.worse]
        unsaid = sum(not (w.action == "retrain" or w.held_by) for w in worse)
        return (
            f"{self.name:20} {self.kind:24} {'held out' if self.held_out else 'open':8}"
            f" {len(governor.windows):>7} {never.value:>7.4g} {always.value:>7.4g} {governor.value:>8.4g}"
            f" {governor.value / always.value:>9.3f} {governor.value / never.value:>8.3f}"
            f" {strict.value / always.value:>8.3f}"
            f" {f'{governor.retrainings}/{always.retrainings}':>9} {governor.promotions:>8} {unsaid:>6}"
            f" {self.seconds / 60:>7.1f}"
        )


def project_of(stream: Stream, columns: dict[str, object], folder: Path) -> MLProject:
    """Return a project with nothing but columns, task type and source."""
    return MLProject.model_validate(
        {
            "name": stream.name.replace("_", "-"),
            "task_type": stream.task,
            "dataset": {
                "source": {"type": "parquet", "path": str(folder / "rows.parquet")},
                "columns": columns,
            },
            "registry": {
                "tracking_uri": f"sqlite:///{folder}/mlflow.db",
                "model_name": stream.name,
            },
            "predictions": {"uri": f"sqlite:///{folder}/predictions.db"},
            "workspace": str(folder),
        }
    )


def measure(name: str, data: list[Path], folder: Path) -> Measured:
    """Replay one stream."""
    started = time.perf_counter()
    stream = streams_of(data)[name]
    frame = stream.build()
    columns = {"target": TARGET, "timestamp": TIMESTAMP, "id": ID if ID in frame else None}
    project = project_of(stream, columns, folder / name)
    setup = project.setup
    replayed = Replayed(
        frame,
        project.dataset.columns,
        history_rows=stream.history,
        window_rows=setup.monitoring.window_rows,
    )
    candidates = Candidates(replayed, setup, project.open_workspace())
    replays = {}
    for name_of_policy, policy in POLICIES.items():
        replays[name_of_policy] = Replay(
            replayed,
            setup,
            candidates,
            policy,
            lambda known, rows, cause: validate_rows(
                replayed.frame.iloc[:rows],
                replayed.frame.iloc[:known],
                cause,
                **project.arguments(validate_rows),
            ),
        ).run()
    spent = time.perf_counter() - started
    return Measured(stream.name, stream.kind, stream.held_out, replays, spent)


def streams_of(data: list[Path]) -> dict[str, Stream]:
    """Return all streams by name."""
    tables = [found(folder) for folder in data]
    return {**STREAMS, **{name: table for part in tables for name, table in part.items()}}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Whether the loop closes with default settings.")
    parser.add_argument("names", nargs="*", help="streams to replay; all when none is named")
    parser.add_argument(
        "--data", type=Path, action="append", default=[], help="real tables' folder"
    )
    parser.add_argument("--workspace", type=Path, help="where candidates are kept")
    parser.add_argument("--processes", type=int, default=2, help="streams at once")
    parser.add_argument("--windows", action="store_true", help="print what was decided by window")
    arguments = parser.parse_args()
    names = arguments.names or list(streams_of(arguments.data))
    if unknown := set(names) - streams_of(arguments.data).keys():
        parser.error(f"no such stream: {', '.join(sorted(unknown))}")
    print(HEADER, flush=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        ProcessPoolExecutor(arguments.processes) as pool,
    ):
        folder = arguments.workspace or Path(temporary)
        done = [pool.submit(measure, name, arguments.data, folder) for name in names]
        for future in done:
            measured = future.result()
            print(measured.line(), flush=True)
            if arguments.windows:
                for window in measured.replays["governor"].windows:
                    print(
                        f"    {window.first_row:>6} v{window.version} {window.value:.4g} "
                        f"{window.action} {window.held_by or ''} {window.ending}: {window.reason} "
                        f"{window.refused}"
                    )


if __name__ == "__main__":
    main()
