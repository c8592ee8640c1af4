"""A process of its own for trials that may take too long: nothing else can end a fit that is running.

A thread cannot be ended from outside, and a fit of compiled code looks at no flag; a process can be
killed. One is kept for the next trial, so that it imports and reads rows once. It works alike below
a thread, a process of a pool, a Dask worker and a Ray worker.

Run as a module, it is the other end: it reads trials from its standard input until that ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from .cross_validation import TrialScore

_HERE = "prefect_mlops.training.trial_process"
_POSIX = os.name == "posix"
# Its answers end a little before the process does.
_DYING_SECONDS = 5.0
_lock = threading.Lock()
_idle: list[subprocess.Popen[bytes]] = []


def score_within(
    seconds: float, call: Callable[..., TrialScore], *args: Any, **keywords: Any
) -> TrialScore:
    """Score a trial in a process that is killed when it takes too long.

    Args:
        seconds: Longest time, once the process has read its rows.
        call: Function that scores, by its import path in the other process; it gets `begin`, to be called
            when the rows are there, and the rest.
        args: Positional arguments of the function.
        keywords: Its other arguments.

    Returns:
        The score; that of a trial that was killed is pruned, and its error says so.

    Raises:
        Exception: Whatever the function raised.
    """
    child = _take()
    assert child.stdin is not None
    assert child.stdout is not None
    late = threading.Event()

    def end() -> None:
        # A timer's own flag is also set when it is cancelled.
        late.set()
        _kill(child)

    timer = threading.Timer(seconds, end)
    began = time.perf_counter()
    try:
        pickle.dump((call, args, keywords), child.stdin)
        child.stdin.flush()
        kind, value = pickle.load(child.stdout)
        if kind == "begin":
            began = time.perf_counter()
            timer.start()
            kind, value = pickle.load(child.stdout)
    except (EOFError, OSError, pickle.UnpicklingError):
        took = time.perf_counter() - began
        _stop(timer)
        code = _exit_code(child)
        _kill(child)
        if late.is_set():
            error = f"TimeoutError: killed after search.trial_timeout_seconds, {seconds:g} s"
            return TrialScore([], pruned=True, seconds=took, error=error)
        return TrialScore([], pruned=False, seconds=took, error=f"its process died ({code})")
    except BaseException:
        # Interrupted: what it would answer is nobody's answer any more.
        _stop(timer)
        _kill(child)
        raise
    _stop(timer)
    with _lock:
        _idle.append(child)
    if kind == "raised":
        raise value
    return value


def _stop(timer: threading.Timer) -> None:
    timer.cancel()
    if timer.is_alive():
        # It may be killing right now, and the process must not be taken for one that waits.
        timer.join()


def _exit_code(child: subprocess.Popen[bytes]) -> str:
    """Say how a process ended that answers no more."""
    try:
        code = child.wait(_DYING_SECONDS)
    except subprocess.TimeoutExpired:
        return "it was still there, but its answers had ended"
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"exit code {code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"exit code {code}"


def end_processes() -> None:
    """End the processes that wait for a trial."""
    with _lock:
        children = list(_idle)
        _idle.clear()
    for child in children:
        _kill(child)


def _take() -> subprocess.Popen[bytes]:
    with _lock:
        while _idle:
            child = _idle.pop()
            if child.poll() is None:
                return child
    child = subprocess.Popen(
        [sys.executable, "-m", _HERE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=_POSIX,
        # What the caller can import, the process can.
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p or str(Path.cwd()) for p in sys.path)},
    )
    return child


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        if _POSIX:
            # With all that it started.
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    except ProcessLookupError:
        pass
    child.wait()


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    def answer(kind: str, value: Any = None) -> None:
        try:
            content = pickle.dumps((kind, value))
        except Exception:
            content = pickle.dumps((kind, RuntimeError(f"{type(value).__name__}: {value}")))
        answers.write(content)
        answers.flush()

    while True:
        try:
            call, args, keywords = pickle.load(requests)
        except EOFError:
            return
        try:
            answer("scored", call(*args, begin=lambda: answer("begin"), **keywords))
        except Exception as error:
            answer("raised", error)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main() -> None:
    """Score trials until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever a fit prints must not come between the answers.
    os.dup2(2, 1)
    if _POSIX:
        threading.Thread(target=_end_with_parent, args=[os.getppid()], daemon=True).start()
    _serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
