"""Where trials run: a task runner of their own, which replaces what a dead worker took with it."""

from __future__ import annotations

import importlib
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from prefect.context import FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture, as_completed
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from ..core.errors import ConfigurationError, MLOpsError, OrchestratorUnavailable
from ..runs.run_logger import run_logger
from .trials import run_trial

if TYPE_CHECKING:
    from ..core.settings import SearchSettings
    from ..training.cross_validation import TrialScore

_ATTEMPTS = 3
# By name: Dask may not be installed.
_NO_WORKER = ("NoWorkerError", "NoValidWorkerError")


def make_runner(search: SearchSettings, parallel: int) -> TaskRunner[Any]:
    """Return the task runner that the settings name, or one like the flow's.

    It is never the flow's own: a step that was submitted there holds a place that its trials would wait for.

    Args:
        search: Runner and address.
        parallel: Trials to run at once.

    Raises:
        ConfigurationError: If the package of the runner is not installed.
    """
    match search.runner:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=parallel)
        case "processes":
            return ProcessPoolTaskRunner(max_workers=parallel)
        case "dask":
            kind = _imported("prefect_dask", "DaskTaskRunner", "dask")
            if search.runner_address:
                return kind(address=search.runner_address)
            # One trial a process: threads of one share its memory and Python's lock.
            return kind(
                cluster_kwargs={
                    "n_workers": parallel,
                    "threads_per_worker": 1,
                    "dashboard_address": None,
                }
            )
        case "ray":
            kind = _imported("prefect_ray", "RayTaskRunner", "ray")
            if search.runner_address:
                return kind(address=search.runner_address)
            return kind(init_kwargs={"num_cpus": parallel, "include_dashboard": False})
        case None:
            flow_run = FlowRunContext.get()
            if flow_run is None:
                return ThreadPoolTaskRunner(max_workers=parallel)
            return flow_run.task_runner.duplicate()


def _imported(module: str, name: str, extra: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise ConfigurationError(
            f"search.runner {extra!r} needs {module}: pip install 'prefect-mlops[{extra}]' where the flow "
            f"runs and on its workers ({error})"
        ) from error


@dataclass(frozen=True)
class _Begun:
    """A trial, and how it went so far: `deaths` counts those while it ran alone."""

    recipe: dict[str, Any]
    deaths: int = 0
    alone: bool = False
    runner: object = None


class TrialRunner:
    """Runs trials as task runs; a trial whose worker died is run again.

    A pool of processes breaks whole when one of them dies, and does not say which trial it was. So those that
    were lost are run again alone, one after the other, before others begin: one that is lost while nothing
    runs beside it has only itself to blame, and fails the third time.

    Args:
        search: Runner and address.
        parallel: Trials to run at once.
        common: What every trial is given.
    """

    def __init__(self, search: SearchSettings, parallel: int, **common: Any) -> None:
        self._search, self._parallel, self._common = search, parallel, common
        self._running: dict[PrefectFuture[TrialScore], _Begun] = {}
        self._suspects: deque[_Begun] = deque()
        self._runner: TaskRunner[Any] | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._open.enter_context(_without_parameters())
        self._open.enter_context(_own_place_left())
        if self._search.runner == "dask" and self._search.runner_address is None:
            self._open.enter_context(_lasting_workers())
        self._start()
        return self

    def __exit__(self, *raised: object) -> None:
        if self._runner is not None:
            self._runner.__exit__(*raised)
        self._open.close()

    @property
    def running(self) -> int:
        """Trials that were begun and have not ended."""
        return len(self._running) + len(self._suspects)

    @property
    def full(self) -> bool:
        """Whether no trial should be begun now."""
        if self._suspects or any(begun.alone for begun in self._running.values()):
            return True
        # In a pool of this search alone one more waits its turn: no worker then idles while a result is
        # written down and the next trial chosen.
        own = self._search.runner is not None and self._search.runner_address is None
        return self.running >= self._parallel + own

    def submit(self, recipe: dict[str, Any]) -> None:
        """Begin a trial.

        Args:
            recipe: What `run_trial` is given for this trial alone.
        """
        self._begin(_Begun(recipe))

    def next(self) -> tuple[dict[str, Any], TrialScore]:
        """Wait for a trial to end.

        Returns:
            Its recipe and its score.

        Raises:
            OrchestratorUnavailable: If a Dask cluster has had no worker for the time that it allows.
            MLOpsError: If no trial can run at all, such as without rows.
        """
        from ..training.cross_validation import TrialScore

        while True:
            if not self._running:
                suspect = self._suspects.popleft()
                self._begin(replace(suspect, alone=True))
            future = next(as_completed(list(self._running)))
            begun = self._running.pop(future)
            recipe = begun.recipe
            try:
                return recipe, future.result()
            except MLOpsError:
                raise
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
                if type(error).__name__ in _NO_WORKER:
                    raise OrchestratorUnavailable(
                        f"the Dask cluster has no worker for trial {recipe['number']} ({error}). Start some; the "
                        "study goes on with the trials that are left"
                    ) from error
                if isinstance(error, BrokenExecutor) and begun.runner is self._runner:
                    self._renew()
            begun = replace(begun, deaths=begun.deaths + begun.alone)
            run_logger().warning(
                "trial %d was lost with a worker (%d of %d times while it ran alone): %s",
                recipe["number"],
                begun.deaths,
                _ATTEMPTS,
                said.splitlines()[0],
            )
            if begun.deaths == _ATTEMPTS:
                return recipe, TrialScore([], pruned=False, seconds=0.0, error=said)
            self._suspects.append(begun)

    def _begin(self, begun: _Begun) -> None:
        assert self._runner is not None
        future = self._runner.submit(run_trial, parameters={**begun.recipe, **self._common})
        self._running[future] = replace(begun, runner=self._runner)

    def _renew(self) -> None:
        """Replace a pool that lost a process: it takes nothing any more, and its other trials end likewise."""
        assert self._runner is not None
        self._runner.__exit__(None, None, None)
        self._start()

    def _start(self) -> None:
        self._runner = make_runner(self._search, self._parallel).__enter__()


@contextmanager
def _without_parameters() -> Iterator[None]:
    """Let workers not be sent what the flow and the step were called with: it may be frames."""
    with ExitStack() as inside:
        for kind in (FlowRunContext, TaskRunContext):
            found: Any = kind.get()
            if found is None:
                continue
            update: dict[str, Any] = {"parameters": {}}
            if isinstance(found, FlowRunContext) and found.flow_run is not None:
                update["flow_run"] = found.flow_run.model_copy(update={"parameters": {}})
            inside.enter_context(found.model_copy(update=update))
        yield


@contextmanager
def _own_place_left() -> Iterator[None]:
    """Leave a Dask worker its thread, if this step runs on one: its trials may be sent there."""
    distributed = sys.modules.get("distributed")
    try:
        if distributed is not None:
            distributed.get_worker()
    except ValueError:
        distributed = None
    if distributed is None:
        yield
        return
    distributed.secede()
    try:
        yield
    finally:
        distributed.rejoin()


@contextmanager
def _lasting_workers() -> Iterator[None]:
    """Let a cluster of this machine replace workers for as long as the study runs.

    It gives up one that is dead again 15 seconds after it died, and with none left trials would wait for
    ever: should that happen for another reason, they fail.
    """
    dask = _imported("dask", "config", "dask")
    given = {
        "distributed.deploy.lost-worker-timeout": "24 hours",
        "distributed.scheduler.no-workers-timeout": "5 minutes",
    }
    with dask.set(given):
        yield
