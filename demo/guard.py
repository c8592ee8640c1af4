"""A small process between the demo and each of its servers: nothing outlives the demo.

`python -m prefect_mlops.demo.guard <parent> <grace> <command ...>` runs the command and ends its whole
tree when told to (SIGTERM, SIGINT, SIGHUP) or when the process `parent` is gone, however it went:
SIGKILL cannot be caught, but a child sees that it was adopted. The parent's death signal of Linux alone
would not do: it fires when the *thread* that started the child ends, and spares grandchildren.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from types import FrameType

import psutil

POLL_SECONDS = 0.2
_SET_PARENT_DEATH_SIGNAL = 1
_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, argument: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, argument, 0, 0, 0)


def _die_with_guard() -> None:
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def end_tree(child: subprocess.Popen[bytes], grace: float) -> None:
    """End a child, then whatever it left behind.

    The child is asked first and alone: a server that is told to stop ends its own workers in order.

    Args:
        child: The direct child.
        grace: Seconds it gets before it is killed.
    """
    tree = psutil.Process().children(recursive=True)
    if child.poll() is None:
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(grace)
    # Orphans of the child are adopted by this process (subreaper), hence the second look.
    rest = {process.pid: process for process in [*tree, *psutil.Process().children(recursive=True)]}
    for process in rest.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(rest.values(), timeout=5)


def main(arguments: list[str]) -> int:
    """Run a command until it ends, a signal arrives or the parent is gone.

    Args:
        arguments: Process id of the parent, seconds of grace, and the command.

    Returns:
        The command's exit code, or 0 when it was ended on purpose.
    """
    parent, grace, command = int(arguments[0]), float(arguments[1]), arguments[2:]
    told_to_stop = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal told_to_stop
        told_to_stop = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    if os.getppid() != parent:
        return 0
    # One thread runs here, so preexec_fn is safe, and the thread it names never ends early.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)  # noqa: PLW1509
    while child.poll() is None and not told_to_stop and os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    code = child.poll()
    end_tree(child, grace)
    return 0 if code is None else code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
