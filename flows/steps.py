"""Runs the steps of a flow: each once an attempt, each timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from prefect.logging import get_run_logger

from ..core.checkpoints import Checkpoints
from ..core.results import Result

R = TypeVar("R", bound=Result)


class Steps:
    """The steps of one attempt.

    Args:
        checkpoints: Where finished steps are kept.

    Attributes:
        seconds: Wall time by step, of the steps that ran in this process.
    """

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints
        self.seconds: dict[str, float] = {}

    def run(self, name: str, kind: type[R], call: Callable[[], R], *, fresh: bool = False) -> R:
        """Run a step, unless an interrupted attempt finished it already.

        Args:
            name: Name of the step.
            kind: Class of its result.
            call: Does the work.
            fresh: Whether to run it even if it is finished.

        Returns:
            The step's result.
        """
        known = None if fresh else self._checkpoints.load(name, kind)
        if known is not None:
            get_run_logger().info("%s: finished by the interrupted attempt, not run again", name)
            return known
        started = time.perf_counter()
        result = call()
        self._checkpoints.save(name, result)
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)
        return result
