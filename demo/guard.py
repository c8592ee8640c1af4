"""A guard process between the demo and one of its servers, so that no server outlives a killed demo.

`python -m prefect_mlops.demo.guard <parent> <grace> <command ...>` runs the command and ends it, with
everything that it started, when told to (SIGTERM, SIGINT, SIGHUP) or when the process `parent` is gone,
however it went: SIGKILL cannot be caught, but a child sees that it was adopted.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from types import FrameType

import psutil

from .orphans import TOKEN, kill_all

POLL_SECONDS = 0.2


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
    # What the child orphaned is no descendant any more, but carries the token.
    kill_all(tree, os.environ.get(TOKEN, ""))
    child.wait()


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
    if os.getppid() != parent:
        return 0
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while child.poll() is None and not told_to_stop and os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    code = child.poll()
    end_tree(child, grace)
    return 0 if code is None else code


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
