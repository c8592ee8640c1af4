"""Limits the threads that numerical libraries start, for trials that run beside each other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits

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
