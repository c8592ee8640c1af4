"""Graceful shutdown: turns SIGTERM into a normal exit, so that loggers can write what they have."""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from types import FrameType


def exit_on_sigterm() -> None:
    """Turn SIGTERM, which ends a process on the spot, into a normal exit with code 143.

    Only when no handler is set yet, and only from the main thread: Python sets handlers nowhere else.
    """
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    ):
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, _frame: FrameType | None) -> None:
    # Of what is registered to run at the exit, the last comes first: before the loggers are closed.
    atexit.register(_finish)
    sys.exit(128 + number)


def _finish() -> None:
    # Supervisors may send it twice: the second would break off the writing that the first began. A
    # handler of our own, because processes that are started inherit what is ignored.
    signal.signal(signal.SIGTERM, _ignore)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass
