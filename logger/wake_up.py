"""A wake-up call for a background thread, that a signal may interrupt anywhere."""

from __future__ import annotations

from queue import Empty, SimpleQueue


class Bell:
    """Rung by anybody, heard by one thread.

    `threading.Event` takes a lock in Python code: a signal handler that raises while a caller holds it
    locks the other threads out for ever. What this is made of has none.
    """

    def __init__(self) -> None:
        self._rings: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake the thread, now or when it next waits."""
        if self._rings.empty():
            self._rings.put(None)

    def silence(self) -> None:
        """Forget what was rung so far."""
        try:
            while True:
                self._rings.get_nowait()
        except Empty:
            return

    def wait(self, seconds: float) -> None:
        """Wait until it rings, at most so long."""
        try:
            self._rings.get(timeout=seconds)
        except Empty:
            return
