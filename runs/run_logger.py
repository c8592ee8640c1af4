"""What every task does alike with its Prefect run: its one log line, and when it is tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger


def run_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """Return the logger of the current run.

    Tasks stay callable as plain functions (`extract.fn(project)`), where Prefect has no run and
    its own `get_run_logger` raises.
    """
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("prefect_mlops")


def retry_on(*errors: type[Exception]) -> Callable[[Any, Any, Any], bool]:
    """Return a task's `retry_condition_fn`: only what was out of reach is worth another try.

    Args:
        errors: Exceptions to try again after.
    """

    def condition(_task: Any, _run: Any, state: Any) -> bool:
        return isinstance(state.result(raise_on_failure=False), errors)

    return condition
