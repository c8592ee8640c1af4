"""The decorator of every step: what all tasks of this package have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

P = ParamSpec("P")
R = TypeVar("R")


def step(
    run_name: str | Callable[..., str] | None = None,
    *,
    retry_on: type[Exception] | tuple[type[Exception], ...] = (),
    retries: int = 1,
    retry_delay_seconds: float = 5.0,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a Prefect task of a function, named like the function; its result is of the class that it returns.

    Import it as `prefect_mlops.tasks.step`, for a step of your own between these.

    Its result is not kept by Prefect, and a second call runs again: what a step returns names rows, runs and
    versions elsewhere, which may have been deleted since (`flows.attempts`). `with_options` changes all of it.

    Args:
        run_name: Name of a run, with the function's arguments in braces, or a function of `parameters`,
            the arguments by name. None: the task's own.
        retry_on: Exceptions after which it is tried again, for what may come back by itself. None of them:
            it is never tried again.
        retries: How often it is tried again.
        retry_delay_seconds: Wait before each, seconds.

    Returns:
        A decorator.

    Example:
        >>> @step("double {number}", retry_on=TimeoutError)
        ... def double(number: int) -> int:
        ...     return 2 * number
        >>> double.name, double.fn(4)
        ('double', 8)
    """
    kept = retry_on if isinstance(retry_on, tuple) else (retry_on,)

    def only_these(_task: Any, _run: Any, state: Any) -> bool:
        return isinstance(state.result(raise_on_failure=False), kept)

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        return task(
            name=getattr(function, "__name__", None),
            task_run_name=run_name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=retries if kept else 0,
            retry_delay_seconds=retry_delay_seconds,
            retry_condition_fn=only_these if kept else None,
        )(function)

    return decorate


def of_candidate(words: str) -> Callable[..., str]:
    """Return a function that names the run of a step after the candidate that it is given.

    Args:
        words: What comes before: `check` makes `check linear`, or `check models:/calls/3`.
    """

    def run_name(parameters: dict[str, Any]) -> str:
        candidate = parameters["candidate"]
        said = getattr(candidate, "estimator", None) or getattr(candidate, "uri", candidate)
        return f"{words} {said}"

    return run_name
