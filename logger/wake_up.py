"""An auto-reset event that wakes a background thread and survives interruption by a signal."""

from __future__ import annotations

from queue import Empty, SimpleQueue


class WakeUp:
    """Set by any thread, waited for by one; a wait that it ends resets it.

    `threading.Event` takes a lock in Python code: a signal handler that raises while a caller holds it
    locks the other threads out for ever. The queue inside takes none.
    """

    def __init__(self) -> None:
        self._tokens: SimpleQueue[None] = SimpleQueue()

    def set(self) -> None:
        """Wake the thread, now or when it next waits."""
        if self._tokens.empty():
            self._tokens.put(None)

    def clear(self) -> None:
        """Forget every `set` so far."""
        try:
            while True:
                self._tokens.get_nowait()
        except Empty:
            return

    def wait(self, seconds: float) -> None:
        """Wait until it is set, at most so many seconds."""
        try:
            self._tokens.get(timeout=seconds)
        except Empty:
            return
