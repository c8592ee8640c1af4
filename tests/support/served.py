"""A Prefect server of its own on a fixed port, and the `serve` process of a tiny project beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

import httpx
import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings
from prefect_mlops.blocks import MLProject
from prefect_mlops.core import tags
from prefect_mlops.core.results import Cause, Decision, Window
from prefect_mlops.demo.processes import free_port
from prefect_mlops.demo.servers import PrefectServer, clean_environment
from prefect_mlops.runs.events import RETRAINING_REQUESTED, resource_id
from prefect_mlops.runs.training_runs import training_runs


def until(reached: Callable[[], Any], seconds: float = 120) -> Any:
    """Wait for something truthy and return it; return what there is when time is up."""
    deadline = time.monotonic() + seconds
    while not (found := reached()) and time.monotonic() < deadline:
        time.sleep(0.25)
    return found


class Served:
    """The server, the process and what both did."""

    def __init__(self, folder: Path, project: MLProject) -> None:
        self.folder, self.project = folder, project
        self._port = free_port()
        self.server = self._new()
        self.log = folder / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None

    def _new(self) -> PrefectServer:
        return PrefectServer(self.folder, pick_port=lambda: self._port)

    def start_server(self) -> None:
        # Its time to become ready counts from its very first start.
        self.server = self._new()
        self.server.__enter__()

    def serve(self) -> None:
        """Start `serve` and wait until it is ready."""
        environment = clean_environment(
            {
                **self.server.client_environment,
                "PREFECT_RUNNER_POLL_FREQUENCY": "1",
                "PREFECT_LOGGING_LEVEL": "INFO",
            }
        )
        begin = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "prefect_mlops.deployments", "serve", self.project.name],
                cwd=self.folder,
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        assert until(lambda: "ready for training" in self.said(begin)), self.said(begin)

    def said(self, begin: int = 0) -> str:
        return self.log.read_bytes()[begin:].decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """End `serve`: orderly, or with everything it started."""
        assert self.process
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.send_signal(number)
        return self.process.wait(60)

    def close(self) -> None:
        if self.process and self.process.poll() is None:
            self.end(signal.SIGKILL)
        self.server.stop()

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        settings = {PREFECT_API_URL: self.server.api_url, PREFECT_HOME: self.server.home}
        with temporary_settings(settings), get_client(sync_client=True) as client:
            yield client

    def runs(self, causes: list[Cause]) -> dict[str, list[FlowRun]]:
        with self.client() as client:
            return training_runs(client, self.project.name, causes)

    def emit(self, events: list[dict[str, Any]]) -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            client.post(f"{self.server.api_url}/events", json=events).raise_for_status()

    def journal(self, kind: Any) -> list[dict[str, Any]]:
        with self.project.predictions.get_client() as store:
            return store.journal(kind, self.project.name)

    def children(self) -> list[psutil.Process]:
        assert self.process
        return psutil.Process(self.process.pid).children(recursive=True)


def trainings(project: MLProject) -> int:
    """How many trainings got beyond their rows: one MLflow run each, beside those of its trials."""
    client = project.registry.get_client()
    experiments = [found.experiment_id for found in client.search_experiments()]
    return sum(tags.TRAINING_KEY in run.data.tags for run in client.search_runs(experiments))


def make_cause(project: str, version: str = "1", **fields: Any) -> Cause:
    """A request with an id of its own."""
    start = datetime(2026, 2, 1, tzinfo=UTC)
    given = {
        "id": uuid4().hex[:16],
        "project": project,
        "champion_version": version,
        "window": Window(start=start, end=start + timedelta(days=1)),
        "rows": 500,
        "reason": "strong drifted",
        "signals": ["drift"],
        "metric": "log_loss",
        "decided_at": datetime.now(UTC),
    }
    return Cause(**{**given, **fields})


def ask(project: MLProject, cause: Cause) -> None:
    """Leave a decision in the journal, as a monitoring run that could not reach the server."""
    decision = Decision(
        id=cause.id,
        project=project.name,
        champion_version=cause.champion_version,
        window=cause.window,
        rows=cause.rows,
        action="retrain",
        alarm=True,
        reason=cause.reason,
        drift="failed",
        performance="not_run",
        decided_at=cause.decided_at,
        cause=cause,
    )
    document = decision.model_dump(mode="json")
    with project.predictions.get_client() as store:
        number = len(store.journal("request", project.name)) + 1
        assert store.record("request", f"{project.name}/{number}", project.name, document)


def event_of(cause: Cause, event_id: UUID | None = None) -> dict[str, Any]:
    """The request as the server takes it; without an id, the one that monitoring gives it."""
    resource = resource_id(cause.project)
    return {
        "occurred": datetime.now(UTC).isoformat(),
        "event": RETRAINING_REQUESTED,
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": cause.project},
        "related": [],
        "payload": {"cause": json.loads(cause.model_dump_json()), "project": cause.project},
        "id": str(event_id or uuid5(NAMESPACE_URL, f"{resource}/{cause.id}")),
    }
