"""Limits the threads that numerical libraries start, for trials that run beside each other."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

from ..core.settings import SearchSettings

_lock = threading.Lock()
_blas: list[threadpool_limits] = []
_inside: list[int] = []


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Limit OpenMP and BLAS while the block runs, in this thread and in others that are in one too.

    Args:
        threads: Most threads. None: no limit.

    Example:
        >>> with limited_threads(1):
        ...     pass
    """
    if threads is None:
        yield
        return
    # OpenMP has a limit for each thread that starts others, BLAS one for the whole process: the first
    # thread to leave must not lift it for those that are still inside.
    with threadpool_limits(threads, user_api="openmp"):
        with _lock:
            if not _inside:
                _blas.append(threadpool_limits(threads, user_api="blas"))
            _inside.append(threads)
        try:
            yield
        finally:
            with _lock:
                _inside.pop()
                if not _inside:
                    _blas.pop().restore_original_limits()


def threads_per_trial(search: SearchSettings) -> int:
    """Return how many threads the numerical libraries of a trial may use.

    It does not depend on how many trials run at once: sums differ in their last digits when they are
    split among other numbers of threads.

    Args:
        search: Threads, or trials that may run at once.
    """
    return search.threads_per_trial or max(1, (os.cpu_count() or 1) // search.ahead)
