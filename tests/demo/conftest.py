"""Demos in their own process, and every process that one of them started."""

import os
import signal
import subprocess
import sys
import textwrap
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

MARK = "DEMO_TEST_MARK"


@pytest.fixture(autouse=True)
def signals_of_a_terminal() -> Iterator[None]:
    """A test run that was started in the background ignores some, and so would its demos."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Demo:
    """A script run as a demo, to be interrupted and killed from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a demo"
        self.mark = uuid.uuid4().hex
        self.process: subprocess.Popen[str] | None = None

    def run(self, body: str) -> subprocess.Popen[str]:
        header = """
        import sys, time
        from pathlib import Path
        from prefect_mlops.demo.processes import ManagedProcess
        from prefect_mlops.demo.servers import MLflowServer, PrefectServer
        from prefect_mlops.demo.supervisor import Supervisor
        folder = Path(sys.argv[1])
        """
        script = textwrap.dedent(header) + textwrap.dedent(body)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, str(self.folder)],
            env={**os.environ, MARK: self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.process

    def wait_for(self, text: str) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        assert self.process.stderr is not None
        pytest.fail(f"the demo never said {text!r}: {self.process.stderr.read()[-2000:]}")

    def alive(self) -> list[psutil.Process]:
        """Every process of the demo, itself included, wherever it hangs in the process tree."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == self.mark:
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def wait_until(self, reached: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if reached():
                return True
            time.sleep(0.1)
        return reached()

    def all_gone(self, seconds: float) -> bool:
        return self.wait_until(lambda: not self.alive(), seconds)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    demo = Demo(tmp_path)
    yield demo
    for process in demo.alive():
        os.kill(process.pid, signal.SIGKILL)
    if demo.process is not None:
        demo.process.communicate(timeout=10)
