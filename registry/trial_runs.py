"""One MLflow run for each trial of a study, written beside the trials that follow."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

from ..core import tags
from .batches import log_batch
from .tracking import experiment_id, registry_errors

if TYPE_CHECKING:
    from ..blocks.stores import Stores
    from ..training.cross_validation import TrialScore

_PARENT_RUN = "mlflow.parentRunId"
_STATUS = {"failed": "FAILED", "pruned": "KILLED", "complete": "FINISHED"}


class TrialRuns:
    """Logs finished trials as runs below the training's run, in a thread of its own.

    MLflow takes several requests for a run, and trials need not wait for them. When the block ends, all
    of them are written.

    Args:
        run_id: The training's run. None: nothing is logged.
        metric: Metric to decide by; lower is better.
        stores: Where the model's things are kept.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached.
    """

    def __init__(self, run_id: str | None, metric: str, stores: Stores) -> None:
        self._run_id, self._metric, self._stores = run_id, metric, stores
        self._experiment = ""
        self._written: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="trial-runs")
        if self._run_id is not None:
            with registry_errors(self._stores.registry):
                client = self._stores.registry.get_client()
                self._experiment = experiment_id(self._stores, client)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # What finished before an error is logged all the same.
        self._thread.shutdown(wait=True)
        if kind is None:
            self._raise_failed(self._written)

    def log(
        self, number: int, estimator: str, parameters: dict[str, Any], score: TrialScore
    ) -> None:
        """Log a finished trial.

        Args:
            number: Number of the trial.
            estimator: Name of the estimator.
            parameters: Its hyperparameters.
            score: What it achieved.

        Raises:
            RegistryUnavailable: If an earlier one could not be logged.
        """
        if self._run_id is None:
            return
        ended = int(time.time() * 1_000)
        self._raise_failed([one for one in self._written if one.done()])
        self._written.append(
            self._thread.submit(self._log, number, estimator, parameters, score, ended)
        )

    def catch_up(self, finished: list[tuple[int, str, dict[str, Any], TrialScore]]) -> None:
        """Log the trials that a killed process finished, and had not logged, or only half, yet.

        A run that it had begun and not ended is deleted, and its trial logged anew.

        Args:
            finished: What `log` is given, of every trial that finished.

        Raises:
            RegistryUnavailable: If MLflow cannot be reached.
        """
        if self._run_id is None or not finished:
            return
        query = f"tags.`{_PARENT_RUN}` = '{self._run_id}'"
        known: set[str] = set()
        half: list[str] = []
        token = None
        with registry_errors(self._stores.registry):
            client = self._stores.registry.get_client()
            while True:
                page = client.search_runs([self._experiment], query, page_token=token)
                for run in page:
                    if tags.TRIAL_STATE not in run.data.tags:
                        continue
                    # With a reason, it was ended by `close_abandoned`, half logged.
                    ended = run.info.status in _STATUS.values()
                    if ended and tags.KILLED_BECAUSE not in run.data.tags:
                        known.add(str(run.info.run_name))
                    else:
                        half.append(run.info.run_id)
                if not (token := page.token):
                    break
            for run_id in half:
                # Ended too: who looks at deleted runs should not take it for one that works.
                client.set_terminated(run_id, "KILLED")
                client.delete_run(run_id)
        for trial in finished:
            if _name(trial[0]) not in known:
                self.log(*trial)

    def _raise_failed(self, written: list[Future[None]]) -> None:
        for one in written:
            one.result()
            self._written.remove(one)

    def _log(
        self, number: int, estimator: str, parameters: dict[str, Any], score: TrialScore, ended: int
    ) -> None:
        state = "pruned" if score.pruned else "failed" if score.error else "complete"
        texts = {
            _PARENT_RUN: str(self._run_id),
            tags.PROJECT: self._stores.name,
            tags.TRIAL_STATE: state,
        }
        if score.error:
            texts[tags.REASONS] = score.error[:1_000]
        metrics = {self._metric: score.means[-1], "folds": len(score.means)} if score.means else {}
        client = self._stores.registry.get_client()
        with registry_errors(self._stores.registry):
            run = client.create_run(
                self._experiment,
                start_time=ended - int(score.seconds * 1_000),
                tags=texts,
                run_name=_name(number),
            )
            log_batch(
                client,
                run.info.run_id,
                parameters={"estimator": estimator, **parameters},
                metrics=metrics,
            )
            client.set_terminated(run.info.run_id, _STATUS[state], end_time=ended)


def _name(number: int) -> str:
    return f"trial {number}"
