"""The local servers of the demo: Prefect, MLflow, and the process that serves its deployments."""

from __future__ import annotations

import os
import sys
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from ..core.errors import MLOpsError, OrchestratorUnavailable, RegistryUnavailable
from ..core.library_switches import (
    DEEPCHECKS_TELEMETRY_OFF,
    DO_NOT_TRACK,
    MLFLOW_TELEMETRY_OFF,
    PREFECT_TELEMETRY_OFF,
)
from .processes import HOST, ManagedProcess, free_port

_QUIET = DO_NOT_TRACK | PREFECT_TELEMETRY_OFF | MLFLOW_TELEMETRY_OFF | DEEPCHECKS_TELEMETRY_OFF


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without Prefect's and MLflow's settings.

    A user's profile, API key or tracking URI must not leak into the demo, nor the demo's into theirs.
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


class LocalServer(ManagedProcess):
    """A server on a free port, with its own data in the demo's folder.

    Args:
        folder: The demo's folder.
        timeout: Longest time to become ready, seconds.
        pick_port: Where ports come from.

    Attributes:
        home: The server's own folder.
    """

    NAME: ClassVar[str]
    HOME: ClassVar[str]
    HEALTH: ClassVar[str]
    ERROR: ClassVar[type[MLOpsError]]

    def __init__(
        self, folder: Path, *, timeout: float = 180.0, pick_port: Callable[[], int] = free_port
    ) -> None:
        self.home = folder.expanduser().resolve() / self.HOME
        super().__init__(
            self.NAME,
            self._start_on,
            folder,
            health=self.HEALTH,
            error=self.ERROR,
            timeout=timeout,
            pick_port=pick_port,
        )

    def _start_on(self, port: int) -> list[str]:
        self.home.mkdir(parents=True, exist_ok=True)
        self._environment = clean_environment(self._variables(port))
        address = ["--host", HOST, "--port", str(port)]
        return [sys.executable, "-P", "-m", *self._arguments(), *address]

    @abstractmethod
    def _arguments(self) -> list[str]:
        """Return the module to run and its arguments, but for the address."""

    @abstractmethod
    def _variables(self, port: int) -> dict[str, str]:
        """Return the server's settings on top of a clean environment."""


class PrefectServer(LocalServer):
    """A Prefect server with its own home and SQLite database in the demo's folder. See `LocalServer`.

    Example:
        ```python
        with PrefectServer(Path("demo-run")) as prefect:
            os.environ.update(prefect.client_environment)
        ```
    """

    NAME, HOME, HEALTH = "prefect", "prefect-home", "/api/health"
    ERROR = OrchestratorUnavailable

    def _arguments(self) -> list[str]:
        return ["prefect", "server", "start"]

    def _variables(self, port: int) -> dict[str, str]:
        return {
            "PREFECT_HOME": str(self.home),
            "PREFECT_API_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{self.home}/prefect.db",
            # The UI's files are copied at the first start: the installation may be read-only.
            "PREFECT_UI_STATIC_DIRECTORY": str(self.home / "ui"),
            "PREFECT_UI_API_URL": f"http://{HOST}:{port}/api",
        }

    @property
    def api_url(self) -> str:
        """Address of the API, for `PREFECT_API_URL`."""
        return f"{self.url}/api"

    @property
    def client_environment(self) -> dict[str, str]:
        """What a client of this server needs in its environment, before it imports prefect."""
        quiet = DO_NOT_TRACK | PREFECT_TELEMETRY_OFF | DEEPCHECKS_TELEMETRY_OFF
        return {**quiet, "PREFECT_API_URL": self.api_url, "PREFECT_HOME": str(self.home)}


class MLflowServer(LocalServer):
    """An MLflow tracking server and registry on SQLite, artifacts served from the demo's folder.

    See `LocalServer`.

    Example:
        ```python
        with MLflowServer(Path("demo-run")) as mlflow:
            os.environ.update(mlflow.client_environment)
        ```
    """

    NAME, HOME, HEALTH = "mlflow", "mlflow-store", "/health"
    ERROR = RegistryUnavailable

    def _arguments(self) -> list[str]:
        artifacts = self.home / "artifacts"
        artifacts.mkdir(exist_ok=True)
        return [
            "mlflow", "server", "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.home}/mlflow.db",
            "--artifacts-destination", str(artifacts),
        ]  # fmt: skip

    def _variables(self, port: int) -> dict[str, str]:
        # Its background jobs judge traces of language models: several idle processes here.
        return {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}

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
