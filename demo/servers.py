"""The servers of the demo: Prefect, MLflow and the process that serves its deployments.

`Servers` holds the folder, ends what an earlier demo left there, starts servers side by side, and ends
them in reverse order on the way out: after an error, Ctrl-C, SIGTERM or a closed terminal. Ctrl-C a
second time kills them at once. When the demo itself is killed, the guards of the servers see it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from ..core.errors import OrchestratorUnavailable, RegistryUnavailable
from ..core.library_switches import (
    DEEPCHECKS_TELEMETRY_OFF,
    DO_NOT_TRACK,
    MLFLOW_TELEMETRY_OFF,
    PREFECT_TELEMETRY_OFF,
)
from .orphans import lock, reap_orphans
from .processes import HOST, SIGNALS, ManagedProcess, free_port

_QUIET = DO_NOT_TRACK | PREFECT_TELEMETRY_OFF | MLFLOW_TELEMETRY_OFF | DEEPCHECKS_TELEMETRY_OFF


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without Prefect's and MLflow's settings.

    Someone's profile, API key or tracking URI must not leak into the demo, nor the demo into theirs.
    Telemetry is off, and a proxy is not asked for 127.0.0.1.

    Args:
        extra: Variables to add last.

    Returns:
        A new mapping.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "MLFLOW_"))}
    direct = [kept.get("no_proxy") or kept.get("NO_PROXY") or "", HOST, "localhost"]
    no_proxy = ",".join(part for part in direct if part)
    return {**kept, **_QUIET, "NO_PROXY": no_proxy, "no_proxy": no_proxy, **(extra or {})}


class PrefectServer(ManagedProcess):
    """A Prefect server with its own home and SQLite database in the demo's folder.

    Args:
        folder: The demo's folder.
        timeout: Longest time to become ready, seconds.
        pick_port: Where ports come from.

    Example:
        ```python
        with PrefectServer(Path("demo-run")) as prefect:
            os.environ.update(prefect.client_environment)
        ```
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout: float = 180.0,
        pick_port: Callable[[], int] = free_port,
    ) -> None:
        self.home = folder.expanduser().resolve() / "prefect-home"
        super().__init__(
            "prefect",
            self._command_line,
            folder,
            health="/api/health",
            error=OrchestratorUnavailable,
            timeout=timeout,
            pick_port=pick_port,
        )

    def _command_line(self, port: int) -> list[str]:
        self.home.mkdir(parents=True, exist_ok=True)
        self._environment = clean_environment(
            {
                "PREFECT_HOME": str(self.home),
                "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.home}/prefect.db",
                # The UI's files are copied at the first start: the installation may be read-only.
                "PREFECT_UI_STATIC_DIRECTORY": str(self.home / "ui"),
                "PREFECT_UI_API_URL": f"http://{HOST}:{port}/api",
            }
        )
        return [sys.executable, "-P", "-m", "prefect", "server", "start", "--host", HOST, "--port", str(port)]  # fmt: skip

    @property
    def api_url(self) -> str:
        """Address of the API, for `PREFECT_API_URL`."""
        return f"{self.url}/api"

    @property
    def client_environment(self) -> dict[str, str]:
        """What a client of this server needs in its environment, before it imports prefect."""
        quiet = DO_NOT_TRACK | PREFECT_TELEMETRY_OFF | DEEPCHECKS_TELEMETRY_OFF
        return {**quiet, "PREFECT_API_URL": self.api_url, "PREFECT_HOME": str(self.home)}


class MLflowServer(ManagedProcess):
    """An MLflow tracking server and registry on SQLite, artifacts served from the demo's folder.

    Args:
        folder: The demo's folder.
        timeout: Longest time to become ready, seconds.
        pick_port: Where ports come from.

    Example:
        ```python
        with MLflowServer(Path("demo-run")) as mlflow:
            os.environ.update(mlflow.client_environment)
        ```
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout: float = 180.0,
        pick_port: Callable[[], int] = free_port,
    ) -> None:
        self.store = folder.expanduser().resolve() / "mlflow-store"
        super().__init__(
            "mlflow",
            self._command_line,
            folder,
            # Its background jobs judge traces of language models: several idle processes here.
            environment=clean_environment({"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}),
            health="/health",
            error=RegistryUnavailable,
            timeout=timeout,
            pick_port=pick_port,
        )

    def _command_line(self, port: int) -> list[str]:
        artifacts = self.store / "artifacts"
        artifacts.mkdir(parents=True, exist_ok=True)
        return [
            sys.executable, "-P", "-m", "mlflow", "server", "--host", HOST, "--port", str(port),
            "--workers", "1", "--backend-store-uri", f"sqlite:///{self.store}/mlflow.db",
            "--artifacts-destination", str(artifacts),
        ]  # fmt: skip

    @property
    def client_environment(self) -> dict[str, str]:
        """What a client of this server needs in its environment."""
        return {**DO_NOT_TRACK, **MLFLOW_TELEMETRY_OFF, "MLFLOW_TRACKING_URI": self.url}


class ServeProcess(ManagedProcess):
    """A process that serves deployments against both servers.

    Args:
        command: Its command line.
        folder: The demo's folder.
        environment: Variables on top of a clean environment: both servers' `client_environment`.
        ready_text: Text in its log that says it is ready, or None: ready at once.
        timeout: Longest time to become ready, seconds.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        *,
        environment: Mapping[str, str],
        ready_text: str | None = None,
        timeout: float = 180.0,
    ) -> None:
        super().__init__(
            "serve",
            command,
            folder,
            environment=clean_environment(environment),
            ready_text=ready_text,
            error=OrchestratorUnavailable,
            timeout=timeout,
        )


class Servers:
    """Every process of one demo, in one folder.

    Args:
        folder: The demo's folder.

    Attributes:
        reaped: Ids of processes that an earlier demo had left behind and that were ended.

    Raises:
        WorkspaceUnavailable: On entering, if another demo runs in the folder.

    Example:
        ```python
        with Servers(Path("demo-run")) as servers:
            prefect, mlflow = PrefectServer(servers.folder), MLflowServer(servers.folder)
            servers.start(prefect, mlflow)  # side by side
        ```
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.reaped: list[int] = []
        self._managed: list[ManagedProcess] = []
        self._stack = contextlib.ExitStack()
        self._handlers: dict[int, Any] = {}

    def start(self, *managed: ManagedProcess) -> None:
        """Start processes side by side and wait until all of them are ready.

        Args:
            *managed: The processes; they are ended in reverse order.

        Raises:
            MLOpsError: If one does not start; its type says which side is missing.
        """
        for one in managed:
            self._managed.append(one)
            one.launch()
        waiting = list(managed)
        while waiting := [one for one in waiting if not one.ready()]:
            time.sleep(0.1)

    def check(self) -> None:
        """Raise if a process has ended by itself, with the end of its log.

        Raises:
            MLOpsError: Its type says which side is missing.
        """
        for one in self._managed:
            one.check()

    def stop(self) -> None:
        """End every process in reverse order of start; at once if interrupted meanwhile."""
        try:
            for one in reversed(self._managed):
                one.stop()
        except BaseException:
            for one in reversed(self._managed):
                one.kill()
            raise
        finally:
            self._managed.clear()

    def __enter__(self) -> Self:
        """Lock the folder, end orphans, and turn signals into exceptions."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(lock(self.folder))
            self.reaped = reap_orphans(self.folder)
            self._stack = stack.pop_all()
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                # A demo under nohup goes on when its terminal closes.
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._handlers[number] = signal.signal(number, self._leave)
        return self

    @staticmethod
    def _leave(number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything, give the signals back and unlock the folder."""
        with self._stack:
            try:
                self.stop()
            finally:
                for number, handler in self._handlers.items():
                    signal.signal(number, handler)
                self._handlers.clear()
