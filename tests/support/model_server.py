"""A real model server: `mlserver start` from the serving environment, on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

NAME = "calls"
_REPOSITORY = Path(__file__).resolve().parents[2]
_CLIENT = Path(__file__).with_name("grpc_client.py")
_QUIET = {
    "OMP_NUM_THREADS": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GRPC_VERBOSITY": "ERROR",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}
# A killed test run must not leave its server behind: 1 is PR_SET_PDEATHSIG, and survives exec.
_DIE_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); os.execv(sys.argv[1], sys.argv[1:])"
)


def serving_python() -> Path:
    """The serving environment's Python; without one, skips, or fails if `REQUIRE_SERVING` is set."""
    named = os.environ.get("SERVING_PYTHON")
    python = Path(named) if named else _REPOSITORY / ".venv-serving" / "bin" / "python"
    if python.exists():
        return python
    reason = (
        f"NO MODEL SERVER TESTED: {python} is not there. Make the serving environment "
        "(make setup-serving) or name its Python in SERVING_PYTHON"
    )
    if os.environ.get("REQUIRE_SERVING"):
        pytest.fail(reason)
    pytest.skip(reason)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class ModelServer:
    """One server of one model. `extra` is `parameters.extra` of model-settings.json."""

    def __init__(
        self,
        folder: Path,
        extra: dict[str, Any],
        *,
        environment: dict[str, str] | None = None,
        **server: Any,
    ) -> None:
        self._python = serving_python()
        self._folder = folder / "model-server"
        self._folder.mkdir(parents=True, exist_ok=True)
        http, self.grpc_port, metrics = free_ports(3)
        self.url, self.metrics_url = f"http://127.0.0.1:{http}", f"http://127.0.0.1:{metrics}"
        settings = {
            "host": "127.0.0.1",
            "http_port": http,
            "grpc_port": self.grpc_port,
            "metrics_port": metrics,
            "parallel_workers": 0,
            "debug": False,
        }
        model = {
            "name": NAME,
            "implementation": "prefect_mlops.serving.mlserver_runtime.MLflowRuntime",
            "parameters": {"extra": extra},
        }
        (self._folder / "settings.json").write_text(json.dumps(settings | server))
        (self._folder / "model-settings.json").write_text(json.dumps(model))
        self._environment = {**os.environ, **_QUIET, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self._folder / "server.log").read_text(errors="replace")

    def launch(self) -> None:
        with (self._folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(
                [
                    *([sys.executable, "-c", _DIE_WITH_PARENT] if sys.platform == "linux" else []),
                    str(self._python),
                    str(self._python.with_name("mlserver")),
                    "start",
                    str(self._folder),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._folder,
            )

    def start(self, *, ready: bool = True) -> ModelServer:
        self.launch()
        path = "/v2/health/ready" if ready else "/v2/health/live"
        self.wait(lambda: self.get(path) == 200, f"{path} never answered")
        return self

    def get(self, path: str) -> int | None:
        try:
            return httpx.get(self.url + path, trust_env=False).status_code
        except httpx.TransportError:
            return None

    def wait(self, condition: Any, otherwise: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                pytest.fail(f"{otherwise}; the server's log ends:\n{self.log[-4000:]}")
            time.sleep(0.05)

    def infer(self, request: dict[str, Any]) -> httpx.Response:
        return httpx.post(
            f"{self.url}/v2/models/{NAME}/infer", json=request, trust_env=False, timeout=60
        )

    def infer_over_grpc(
        self, requests: list[dict[str, Any]], in_flight: int = 1
    ) -> list[dict[str, Any]]:
        arguments = [str(_CLIENT), f"127.0.0.1:{self.grpc_port}", NAME, str(in_flight)]
        return json.loads(self.run(arguments, json.dumps(requests)))

    def run(self, arguments: list[str], given: str) -> str:
        """Run the serving environment's Python, and return what it writes."""
        done = subprocess.run(
            [str(self._python), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=self._environment,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def metric(self, name: str, **labels: str) -> float:
        text = httpx.get(f"{self.metrics_url}/metrics", trust_env=False).text
        for line in text.splitlines():
            head, _, value = line.rpartition(" ")
            if head.partition("{")[0] == name and all(
                f'{label}="{wanted}"' in head for label, wanted in labels.items()
            ):
                return float(value)
        return 0.0

    def stop(self) -> int:
        """End the server, as an orchestrator would, and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self.wait_for_end(30)

    def wait_for_end(self, seconds: float) -> int:
        assert self._process is not None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            pytest.fail(f"the server did not end; its log ends:\n{self.log[-4000:]}")

    def __enter__(self) -> ModelServer:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
