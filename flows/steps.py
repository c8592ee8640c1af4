"""Runs the steps of a training: each once an attempt, each timed."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from prefect.logging import get_run_logger

from ..blocks.project import MLProject
from ..core.checkpoints import Checkpoints
from ..core.errors import RegistryUnavailable
from ..core.results import Result, Snapshot, StepRecord
from ..registry.run_metadata import outputs_of, record_steps

R = TypeVar("R", bound=Result)


class Steps:
    """The steps of one attempt.

    A step is a task, or any function that returns a result: its name and its result's class are what it is
    known by, and what it reads of the project is filled in.

    Args:
        project: The project.
        checkpoints: Where finished steps are kept.
        order: Names of all steps, in the order in which they run.

    Attributes:
        seconds: Wall time by step, of the steps that ran in this process.
    """

    def __init__(self, project: MLProject, checkpoints: Checkpoints, order: Sequence[str]) -> None:
        self._project = project
        self._checkpoints = checkpoints
        self._order = order
        self.seconds: dict[str, float] = {}
        self._records: list[StepRecord] = []
        self._run_id: str | None = None

    def record_in(self, run_id: str) -> None:
        """Record when each step began and ended, and what it made, in an MLflow run: those so far and those to come.

        Raises:
            RegistryUnavailable: If MLflow cannot be reached.
        """
        self._run_id = run_id
        record_steps(self._project.registry, run_id, self._records)

    @property
    def attempt(self) -> str:
        """Key of the attempt's checkpoints."""
        return self._checkpoints.key

    def run(self, step: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
        """Run a step, unless an interrupted attempt finished it already.

        Rows that were deleted since are made again. The same ones change nothing; of other rows,
        everything that follows is done again.

        Args:
            step: The task or function.
            arguments: What it takes from other steps.
            keywords: Likewise; the project answers the others.

        Returns:
            The step's result.
        """
        name = step_name(step)
        known = self._checkpoints.load(name, _result_class(step))
        if known is None:
            return self.again(step, *arguments, **keywords)
        lost = [rows for rows in _snapshots_of(known) if not self._is_there(rows)]
        if not lost:
            get_run_logger().info("%s: finished by the interrupted attempt, not run again", name)
            return known
        get_run_logger().warning(
            "%s: the rows %s were deleted since the attempt was interrupted; they are read again",
            name,
            lost[0].uri,
        )
        result = self._timed(step, *arguments, **keywords)
        if _digests_of(result) == _digests_of(known):
            # The rest of the result may have been found differently: by now there may be another champion.
            return known
        self._checkpoints.forget(self._order[self._order.index(name) :])
        self._checkpoints.save(name, result)
        return result

    def again(self, step: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
        """Run a step whether or not it is finished. See `run`."""
        result = self._timed(step, *arguments, **keywords)
        self._checkpoints.save(step_name(step), result)
        return result

    def _timed(self, step: Callable[..., R], *arguments: Any, **keywords: Any) -> R:
        name, started, begun = step_name(step), time.perf_counter(), datetime.now(UTC)
        try:
            result = step(*arguments, **{**self._project.arguments(step), **keywords})
        except BaseException as error:
            # What went wrong is said, also where MLflow cannot be told.
            with suppress(RegistryUnavailable):
                self._record(StepRecord(**_times(name, begun, started), error=type(error).__name__))
            raise
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - started, 3)
        self._record(StepRecord(**_times(name, begun, started), outputs=outputs_of(result)))
        return result

    def _record(self, record: StepRecord) -> None:
        self._records.append(record)
        if self._run_id is not None:
            record_steps(self._project.registry, self._run_id, [record])

    def _is_there(self, rows: Snapshot) -> bool:
        workspace = self._project.open_workspace()
        name = rows.uri.removeprefix(f"{workspace.root}/")
        # What lies outside of the workspace was given by a caller: it is missed where it is read.
        return name == rows.uri or workspace.exists(name)


def _times(name: str, begun: datetime, started: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - started, 3)
    return {"name": name, "started": begun, "ended": datetime.now(UTC), "seconds": seconds}


def step_name(step: Callable[..., Any]) -> str:
    """Return the name that a step's result is kept under."""
    return str(getattr(step, "name", None) or step.__name__)


def _snapshots_of(result: Result) -> list[Snapshot]:
    parts = [result, *(getattr(result, name) for name in type(result).model_fields)]
    return [part for part in parts if isinstance(part, Snapshot)]


def _digests_of(result: Result) -> list[str]:
    return [rows.digest for rows in _snapshots_of(result)]


def _result_class(step: Callable[..., R]) -> type[R]:
    function = inspect.unwrap(getattr(step, "fn", step))
    # Annotations are text, and only this one is sure to be imported at run time.
    found = function.__annotations__["return"]
    return cast("type[R]", function.__globals__[found] if isinstance(found, str) else found)
