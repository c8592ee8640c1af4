"""Runs the steps of a training: each once an attempt, each timed."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from prefect.logging import get_run_logger

from ..blocks.project import MLProject
from ..core.checkpoints import Checkpoints
from ..core.results import Result

R = TypeVar("R", bound=Result)


class Steps:
    """The steps of one attempt.

    A step is a task, or any function that returns a result: its name and its result's class are what it is
    known by, and what it reads of the project is filled in.

    Args:
        project: The project.
        checkpoints: Where finished steps are kept.

    Attributes:
        seconds: Wall time by step, of the steps that ran in this process.
    """

    def __init__(self, project: MLProject, checkpoints: Checkpoints) -> None:
        self._project = project
        self._checkpoints = checkpoints
        self.seconds: dict[str, float] = {}

    def run(self, step: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
        """Run a step, unless an interrupted attempt finished it already.

        Args:
            step: The task or function.
            arguments: What it takes from other steps.
            keywords: Likewise; the project answers the others.

        Returns:
            The step's result.
        """
        name = step_name(step)
        known = self._checkpoints.load(name, _result_class(step))
        if known is not None:
            get_run_logger().info("%s: finished by the interrupted attempt, not run again", name)
            return known
        return self.again(step, *arguments, **keywords)

    def again(self, step: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
        """Run a step whether or not it is finished. See `run`."""
        name, started = step_name(step), time.perf_counter()
        result = step(*arguments, **{**self._project.arguments(step), **keywords})
        self._checkpoints.save(name, result)
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)
        return result


def step_name(step: Callable[..., Any]) -> str:
    """Return the name that a step's result is kept under."""
    return str(getattr(step, "name", None) or step.__name__)


def _result_class(step: Callable[..., R]) -> type[R]:
    function = inspect.unwrap(getattr(step, "fn", step))
    # Annotations are text, and only this one is sure to be imported at run time.
    found = function.__annotations__["return"]
    return cast("type[R]", function.__globals__[found] if isinstance(found, str) else found)
