"""The demo's supervisor: starts its processes side by side, and ends all of them on the way out.

It holds the demo's folder, ends what an earlier demo left there, and ends the processes in reverse order
after an error, Ctrl-C, SIGTERM or a closed terminal. Ctrl-C a second time kills them at once. When the
demo itself is killed, the guards of the processes see it.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from .orphans import lock, reap_orphans
from .processes import SIGNALS, ManagedProcess


class Supervisor:
    """Every process of one demo, in one folder.

    Args:
        folder: The demo's folder.

    Attributes:
        reaped: Ids of processes that an earlier demo had left behind and that were ended.

    Raises:
        WorkspaceUnavailable: On entering, if another demo runs in the folder.

    Example:
        ```python
        with Supervisor(Path("demo-run")) as servers:
            prefect, mlflow = PrefectServer(servers.folder), MLflowServer(servers.folder)
            servers.start(prefect, mlflow)  # side by side
        ```
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        self.reaped: list[int] = []
        self._processes: list[ManagedProcess] = []
        self._stack = contextlib.ExitStack()
        self._handlers: dict[int, Any] = {}

    def start(self, *processes: ManagedProcess) -> None:
        """Start processes side by side and wait until all of them are ready.

        Args:
            *processes: The processes; they are ended in reverse order.

        Raises:
            MLOpsError: If one does not start; its type says which side is missing.
        """
        for process in processes:
            self._processes.append(process)
            process.launch()
        waiting = list(processes)
        while waiting := [process for process in waiting if not process.ready()]:
            time.sleep(0.1)

    def check(self) -> None:
        """Raise if a process has ended by itself, with the end of its log.

        Raises:
            MLOpsError: Its type says which side is missing.
        """
        for process in self._processes:
            process.check()

    def stop(self) -> None:
        """End every process in reverse order of start; at once if interrupted meanwhile."""
        try:
            for process in reversed(self._processes):
                process.stop()
        except BaseException:
            for process in reversed(self._processes):
                process.kill()
            raise
        finally:
            self._processes.clear()

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
