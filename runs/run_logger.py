"""The logger of the current Prefect run, or of the package where there is none."""

from __future__ import annotations

import logging
from typing import Any

from prefect.exceptions import MissingContextError
from prefect.logging import get_run_logger


def run_logger() -> logging.Logger | logging.LoggerAdapter[Any]:
    """Return the logger of the current run.

    Tasks stay callable as plain functions (`extract.fn(…)`), where Prefect has no run and
    its own `get_run_logger` raises.
    """
    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger("prefect_mlops")
