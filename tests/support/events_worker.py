"""Prefect's worker that sends events, at the end of a test."""

from prefect.events.worker import EventsWorker


def forget_events() -> None:
    """Let no event wait for a server that is gone: the process would wait for it at its end."""
    EventsWorker.drain_all(timeout=20)
    for worker in tuple(EventsWorker._instances.values()):
        if worker._loop is not None and worker._task is not None:
            worker._loop.call_soon_threadsafe(worker._task.cancel)
