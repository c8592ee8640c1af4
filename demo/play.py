"""The demo's loop over the stream: score a window, learn its labels, monitor it, and let the automation retrain."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from ..core.errors import OrchestratorUnavailable
from ..core.library_switches import MLFLOW_RUN_LINKS_OFF, set_defaults
from .project import HISTORY_ROWS, NAME, WINDOW_ROWS, dataset_at, make_project
from .servers import MLflowServer, PrefectServer, ServeProcess
from .summary import REPAIRED, Summary, WindowSummary
from .supervisor import Supervisor
from .words import decision_in_words

if TYPE_CHECKING:
    import pandas as pd
    from prefect.client.schemas.objects import FlowRun

    from ..blocks.project import MLProject
    from ..core.results import Cause, MonitoringOutcome, TrainingOutcome
    from ..models.predictor import Predictor

_LONGEST_TRAINING_SECONDS = 600.0


class StepTimer:
    """Wall time by step.

    Attributes:
        seconds: Step to seconds, in order of first use.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the time spent inside to a step."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            self.seconds[name] = round(self.seconds.get(name, 0.0) + spent, 2)


def play(
    servers: Supervisor,
    console: Console,
    *,
    data: Path | None,
    log_uri: str | None,
    seed: int,
    windows: int | None = None,
) -> Summary:
    """Play the whole stream.

    Args:
        servers: Holds the demo's processes and folder.
        console: Where progress is printed.
        data: The real CSV, or None for a generated stream.
        log_uri: Database of the prediction log, or None for SQLite in the demo's folder.
        seed: Seed of the generated stream.
        windows: Windows to play at most. None: all.

    Returns:
        What happened; `summary.json` and the timeline are in the folder.

    Raises:
        MLOpsError: If a server does not start, or the data is not what it should be.
    """
    timer, folder = StepTimer(), servers.folder
    with timer.step("read the stream"):
        console.print("reading the stream" if data else "generating the stream")
        stream = _stream(data, seed)
    with timer.step("start the servers"), console.status("starting Prefect and MLflow"):
        prefect, mlflow = PrefectServer(folder), MLflowServer(folder)
        servers.start(prefect, mlflow)
    console.print(f"Prefect UI  {prefect.url}\nMLflow UI   {mlflow.url}", soft_wrap=True)
    # Prefect reads its settings when it is imported, so this comes before the flows.
    os.environ.update({**prefect.client_environment, **mlflow.client_environment})
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    set_defaults(MLFLOW_RUN_LINKS_OFF)

    project = make_project(
        folder,
        mlflow.url,
        log_uri or f"sqlite:///{folder}/predictions.db",
        f"demo_{int(time.time())}",
        published=data is not None,
    )
    project.save(NAME, overwrite=True)
    _write(stream[:HISTORY_ROWS], folder / "warehouse" / "calls-00000.parquet")
    with timer.step("first training"), console.status("training the first champion"):
        serving = ServeProcess(
            [sys.executable, "-P", "-m", "prefect_mlops.deployments", "serve", NAME],
            folder,
            environment={
                **prefect.client_environment,
                **mlflow.client_environment,
                "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            },
            ready_text="ready for",
        )
        first = _first_training(servers, serving)
    from ..runs.gate_words import gates_in_words

    if first.version is None:
        raise OrchestratorUnavailable(f"the first model was refused: {'; '.join(first.reasons)}")
    console.print(f"first champion: version {first.version.version}, {gates_in_words(first.gates)}")

    static = project.registry.load_model(first.version.uri, project.task_type)
    played: list[WindowSummary] = []
    for begin in list(range(HISTORY_ROWS, len(stream), WINDOW_ROWS))[:windows]:
        rows = stream[begin : begin + WINDOW_ROWS]
        with console.status(f"rows {begin:,} to {begin + len(rows):,}"):
            played.append(
                _window(
                    project, rows, begin, static=static, timer=timer, folder=folder, console=console
                )
            )
    summary = Summary.of(
        f"{data.name if data else 'generated'}, {len(stream):,} calls",
        played,
        seconds=timer.seconds,
        prefect_ui=prefect.url,
        mlflow_ui=mlflow.url,
    )
    summary.write(folder)
    return summary


def _stream(data: Path | None, seed: int) -> pd.DataFrame:
    from .stream import generate, load_csv, with_ids_and_times

    return with_ids_and_times(load_csv(data) if data else generate(seed=seed))


def _write(rows: pd.DataFrame, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A reader's glob must never see half a file.
    beside = path.with_suffix(".part")
    rows.to_parquet(beside, index=False)
    return beside.rename(path)


def _first_training(servers: Supervisor, serving: ServeProcess) -> TrainingOutcome:
    from ..flows.training import train

    outcome = train(NAME)
    servers.start(serving)
    # An event right after its automation was made can be lost for good.
    time.sleep(2)
    return outcome


def _window(
    project: MLProject,
    rows: pd.DataFrame,
    begin: int,
    *,
    static: Predictor,
    timer: StepTimer,
    folder: Path,
    console: Console,
) -> WindowSummary:
    from ..flows.monitoring import monitor
    from ..flows.scoring import label, score
    from ..metrics.losses import metric_value, row_losses

    name = f"calls-{begin:05d}.parquet"
    incoming = _write(rows.drop(columns="y"), folder / "incoming" / name)
    with timer.step("score"):
        scored = score(NAME, dataset_at(incoming))
    # The labels arrive: the warehouse has the whole rows from now on, the log their labels.
    with timer.step("label"):
        closed = _write(rows, folder / "warehouse" / name)
        label(NAME, dataset_at(closed))
    start = rows["called_at"].iloc[0].to_pydatetime()
    end = rows["called_at"].iloc[-1].to_pydatetime().replace(microsecond=999_999)
    with timer.step("monitor"):
        outcome = monitor(NAME, start=start, end=end)
    decision = outcome.decision
    run: FlowRun | None = None
    ending: dict[str, Any] = {}
    if decision.cause is not None:
        with timer.step("retrain"):
            run = _await_training(decision.cause)
            ending = _ending(project, decision.cause, run)
    losses = row_losses(project.metric, rows["y"].to_numpy(), static.predict(rows), static.classes)
    console.print(_line(begin, scored.version, outcome, ending), highlight=False)
    return WindowSummary(
        first_row=begin,
        rows=len(rows),
        start=start,
        end=end,
        version=scored.version,
        drift=outcome.drift.verdict,
        drifted_importance=outcome.drift.drifted_importance,
        drifted_columns=outcome.drift.drifted_columns,
        prediction_drifted=outcome.drift.prediction_drifted,
        performance=outcome.performance.verdict,
        log_loss=outcome.performance.value,
        static_log_loss=metric_value(project.metric, losses),
        promised=outcome.performance.promised,
        action=decision.action,
        held_by=decision.held_by,
        why=decision_in_words(decision),
        outcome=ending.get("outcome", "none"),
        new_version=ending.get("version"),
        repaired=ending.get("repaired"),
        cause_id=decision.cause.id if decision.cause else None,
        monitoring_run_id=decision.cause.monitoring_run_id if decision.cause else None,
        training_run_id=str(run.id) if run else None,
    )


def _await_training(cause: Cause) -> FlowRun:
    """Wait for the run that the automation made because of a cause, and return it when it ended."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    until = time.monotonic() + _LONGEST_TRAINING_SECONDS
    deployment = DeploymentFilter(name=DeploymentFilterName(any_=[f"{NAME}-training"]))
    with get_client(sync_client=True) as client:
        while time.monotonic() < until:
            runs = client.read_flow_runs(
                deployment_filter=deployment, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=20
            )
            for run in runs:
                asked = (run.parameters.get("cause") or {}).get("id") == cause.id
                if asked and run.state is not None and run.state.is_final():
                    return run
            time.sleep(0.5)
    raise OrchestratorUnavailable(
        f"no training because of {cause.id} ended within {_LONGEST_TRAINING_SECONDS:g} s: look at "
        "the logs in the demo's folder"
    )


def _ending(project: MLProject, cause: Cause, run: FlowRun) -> dict[str, Any]:
    """Return how a retraining ended, as the training flow wrote it in the journal."""
    from ..runs.decisions import ended_retrainings
    from ..runs.endings import JUDGED

    ending = ended_retrainings(project.stores).get(cause.id)
    if ending is None or ending["outcome"] not in JUDGED:
        state = run.state
        raise OrchestratorUnavailable(
            f"the training run {run.name} ended as {state and state.name}: {state and state.message}"
        )
    return ending


def _line(begin: int, version: str, outcome: MonitoringOutcome, ending: dict[str, Any]) -> str:
    decision, value = outcome.decision, outcome.performance.value
    shown = "no labels"
    if value is not None and outcome.performance.promised is not None:
        shown = f"log loss {value:.3f} (promised {outcome.performance.promised:.3f})"
    after = f" → {ending['outcome']}" if ending else ""
    if ending.get("version"):
        after += f" version {ending['version']}"
    if ending.get("repaired"):
        after += f", {REPAIRED[ending['repaired']]}"
    predictions = ", predictions too" if outcome.drift.prediction_drifted else ""
    return (
        f"rows {begin:>6,}  v{version}  {shown}  drift {outcome.drift.drifted_importance:.2f}"
        f"{predictions}  {decision.action}: {decision_in_words(decision)}{after}"
    )
