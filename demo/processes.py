"""Managed processes of the demo: started on a free port, awaited until ready, and ended in order.

| part | does |
| --- | --- |
| `ManagedProcess` | one process behind a guard: log file, free port, readiness, orderly end |
| `deferred_signals` | holds signals back while a process is between started and known |

Linux and macOS.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import psutil

from ..core.errors import MLOpsError, OrchestratorUnavailable
from .orphans import TOKEN, kill_all, write_record

HOST = "127.0.0.1"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_SECONDS = 10.0
_PORT_ATTEMPTS = 4
_TAIL_LINES = 20


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that no process listens on right now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def deferred_signals() -> Iterator[None]:
    """Hold back SIGINT, SIGTERM and SIGHUP inside the block and deliver them after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending: list[int] = []
    previous = {number: signal.signal(number, lambda n, _: pending.append(n)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for number in pending:
            signal.raise_signal(number)


class ManagedProcess:
    """One process in its own session behind a guard, with a log file and a free port.

    Args:
        name: Short name; names the log and the record too.
        command: The command line, or a function from a free port to it.
        folder: The demo's folder: working directory, `logs/` and `processes/`.
        environment: The whole environment of the process. None: this process's.
        health: Path on the port that answers 200 when ready, or None.
        ready_text: Text in the log that says it is ready, or None. With neither, it is ready at once.
        error: What to raise when it does not start.
        timeout: Longest time to become ready, seconds.
        pick_port: Where ports come from.

    Attributes:
        port: The port, 0 before the start.
        seconds: Time from the launch to ready, seconds, or None before.
        log: Path of the log.

    Example:
        >>> import sys, tempfile
        >>> from pathlib import Path
        >>> command = [sys.executable, "-u", "-c", "import time; print('up'); time.sleep(60)"]
        >>> with ManagedProcess("sleeper", command, Path(tempfile.mkdtemp()), ready_text="up") as sleeper:
        ...     sleeper.running
        True
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str] | Callable[[int], Sequence[str]],
        folder: Path,
        *,
        environment: Mapping[str, str] | None = None,
        health: str | None = None,
        ready_text: str | None = None,
        error: type[MLOpsError] = OrchestratorUnavailable,
        timeout: float = 180.0,
        pick_port: Callable[[], int] = free_port,
    ) -> None:
        self.name = name
        self.folder = folder.expanduser().resolve()
        self.log = self.folder / "logs" / f"{name}.log"
        self.port = 0
        self.seconds: float | None = None
        self._command = command
        self._environment = environment
        self._health = health
        self._ready_text = ready_text
        self._error = error
        self._timeout = timeout
        self._pick_port = pick_port
        self._record = self.folder / "processes" / f"{name}.json"
        self._token = uuid.uuid4().hex
        self._process: subprocess.Popen[bytes] | None = None
        self._attempt = 0
        self._offset = 0
        self._began = 0.0

    @property
    def url(self) -> str:
        """Address of the port, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start the process without waiting for it.

        Raises:
            MLOpsError: The error type given, if it cannot be started at all.
        """
        for path in (self.log.parent, self._record.parent):
            path.mkdir(parents=True, exist_ok=True)
        self._attempt += 1
        self._began = self._began or time.monotonic()
        self.port = self._pick_port()
        command = self._command(self.port) if callable(self._command) else self._command
        base = os.environ if self._environment is None else self._environment
        guard = [sys.executable, "-P", "-m", "prefect_mlops.demo.guard"]
        with deferred_signals(), self.log.open("ab") as log:
            self._offset = log.tell()
            write_record(self._record, self._token)
            try:
                self._process = subprocess.Popen(
                    [*guard, str(os.getpid()), str(GRACE_SECONDS), *command],
                    cwd=self.folder,
                    env={**base, "PYTHONUNBUFFERED": "1", TOKEN: self._token},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise self._error(f"{self.name} cannot be started: {error}") from error

    def ready(self) -> bool:
        """Return whether the process answers; starts it again on another port if that was taken.

        Raises:
            MLOpsError: The error type given, if it ended or took too long. The message ends with the
                last 20 lines of its log.
        """
        if self.seconds is not None:
            return True
        taken = False
        if not self.running:
            lines = self.log_lines()
            taken = any("in use" in line.lower() for line in lines)
            if not taken or not callable(self._command) or self._attempt >= _PORT_ATTEMPTS:
                raise self._failed("ended before it was ready")
        elif self._answers():
            taken = self._health is not None and not self._listens()
            if not taken:
                self.seconds = time.monotonic() - self._began
                return True
        if taken and self._attempt < _PORT_ATTEMPTS:
            self.kill()
            self.launch()
        elif time.monotonic() - self._began > self._timeout:
            raise self._failed(f"was not ready after {self._timeout:.0f} s")
        return False

    def check(self) -> None:
        """Raise the error type given, with the end of the log, if the process has ended by itself."""
        if not self.running:
            raise self._failed("ended while the demo was running")

    def log_lines(self, last: int = _TAIL_LINES) -> list[str]:
        """Return the last lines of the log since the latest start."""
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(self._offset)
            return log.read().decode("utf-8", "replace").splitlines()[-last:]
        return []

    def _failed(self, what: str) -> MLOpsError:
        tail = "\n".join(self.log_lines()) or "(empty)"
        self.kill()
        return self._error(f"{self.name} {what}. End of {self.log}:\n{tail}")

    def _answers(self) -> bool:
        if self._health is not None:
            # A proxy from the environment must not be asked for 127.0.0.1.
            opener = build_opener(ProxyHandler({}))
            try:
                with opener.open(f"{self.url}{self._health}", timeout=5) as response:
                    return response.status == 200
            except (URLError, OSError, ValueError):
                return False
        return self._ready_text is None or any(
            self._ready_text in line for line in self.log_lines(last=10_000)
        )

    def _tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            if self._process is not None:
                guard = psutil.Process(self._process.pid)
                return [guard, *guard.children(recursive=True)]
        return []

    def _listens(self) -> bool:
        # Another server on the port may answer while this one is still starting.
        for process in self._tree():
            with contextlib.suppress(psutil.NoSuchProcess):
                try:
                    sockets = process.net_connections(kind="tcp")
                except psutil.AccessDenied:
                    return True
                if any(s.status == psutil.CONN_LISTEN and s.laddr[1] == self.port for s in sockets):
                    return True
        return False

    def stop(self) -> None:
        """End the process: asked first, killed after 10 s. Does nothing when it is not running."""
        if self.running and self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS + 5)
        self.kill()

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        if self._process is None:
            return
        kill_all(self._tree(), self._token)
        self._process.wait(5)
        self._process = None
        self.seconds = None
        self._record.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        try:
            self.launch()
            while not self.ready():
                time.sleep(0.1)
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it; kill it if stopping is interrupted."""
        try:
            self.stop()
        except BaseException:
            self.kill()
            raise
