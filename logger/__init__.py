"""The durable prediction logger of a service, with a spool on disk. Imports neither Prefect nor the tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .logger import PredictionLogger

__all__ = ["PredictionLogger"]


def __getattr__(name: str) -> Any:
    """Import `PredictionLogger` once it is asked for: its modules need BSON and pydantic."""
    if name == "PredictionLogger":
        from .logger import PredictionLogger

        return PredictionLogger
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
