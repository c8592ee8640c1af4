"""Reads what was stored while a field had another name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def with_task_type(stored: Any) -> Any:
    """Return what was stored with the task type under its name of today, `task_type`.

    It was called `task`, in blocks, settings, references, models and backtests that still load.

    Args:
        stored: A mapping by field. Anything else is returned as it is.

    Returns:
        A mapping without the former name.

    Raises:
        ValueError: If both names are there.

    Example:
        >>> with_task_type({"name": "calls", "task": "binary"})
        {'name': 'calls', 'task_type': 'binary'}
    """
    if not isinstance(stored, Mapping) or "task" not in stored:
        return stored
    if "task_type" in stored:
        raise ValueError(
            "task and task_type are both given: task is the former name of task_type, leave it out"
        )
    return {"task_type" if name == "task" else name: value for name, value in stored.items()}
