"""Scores the recipe of one trial: fold by fold, or on growing parts of the rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.results import Split
from ..core.settings import Columns, TaskType, TrainingSettings
from ..data.snapshots import Rows
from ..data.training_rows import TrainingRows
from .cross_validation import Fold, TrialScore, score_fold
from .feature_steps import unfitted_model
from .pruning import rungs
from .thread_limits import limited_threads, threads_per_trial
from .trial_rows import rows_and_folds


def score_on_rows(
    split: Split | tuple[Rows, Rows],
    *,
    estimator: str,
    parameters: dict[str, Any],
    cutoffs: Sequence[float],
    threads: int | None,
    columns: Columns,
    task_type: TaskType,
    metric: str,
    settings: TrainingSettings,
    begin: Callable[[], None] = lambda: None,
) -> TrialScore:
    """Score a recipe on rows that are read first, unless this process has them.

    Args:
        split: See `tasks.trials.run_trial`, as all others.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        cutoffs: See `score_trial`.
        threads: Threads that the numerical libraries may use. None: as the settings say.
        columns: What each column is for.
        task_type: Task type.
        metric: Metric to decide by.
        settings: Estimators, study and fitting.
        begin: Called once the rows are there.

    Raises:
        DataRejected: If the training rows cannot be cross-validated.
        WorkspaceUnavailable: If they cannot be read.
    """
    data, folds = rows_and_folds(split, columns=columns, task_type=task_type, settings=settings)
    begin()
    by_time = split.method == "time" if isinstance(split, Split) else columns.has_order
    return score_trial(
        data,
        folds,
        estimator=estimator,
        parameters=parameters,
        task=task_type,
        metric=metric,
        seed=settings.seed,
        cutoffs=cutoffs,
        rungs=rungs(settings.search, len(data.rows)),
        latest=by_time,
        threads=threads or threads_per_trial(settings.search),
    )


def score_trial(
    data: TrainingRows,
    folds: list[Fold],
    *,
    estimator: str,
    parameters: dict[str, Any],
    task: TaskType,
    metric: str,
    seed: int,
    cutoffs: Sequence[float] = (),
    rungs: Sequence[int] = (),
    latest: bool = True,
    threads: int | None = None,
) -> TrialScore:
    """Score a recipe on every fold, unless it falls behind.

    Args:
        data: Rows that trials may use.
        folds: Their folds.
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        task: Task type.
        metric: Name of the metric; lower is better.
        seed: Seed of the estimator.
        cutoffs: After each step but the last, the mean above which the trial stops. Empty: never.
        rungs: Rows that each step uses: on all folds, fitted on such a share of theirs. Empty: every fold
            is a step, fitted on all of its rows.
        latest: Whether a part of the rows is the latest ones instead of a sample.
        threads: Threads that the numerical libraries may use. None: as many as they like.

    Returns:
        The score. What the estimator raises becomes its `error`: one trial that fails does not end
        a study.
    """
    started = time.perf_counter()
    scores: list[float] = []
    means: list[float] = []
    error = None
    pruned = False

    def score(fold: Fold) -> float:
        unfitted = unfitted_model(estimator, parameters, task, data, seed)
        with limited_threads(threads):
            found = score_fold(unfitted, data, fold, task, metric)
        if not math.isfinite(found):
            raise ValueError(f"{metric} is {found}")
        return found

    steps = [[fold] for fold in folds]
    if rungs:
        steps = [
            [_part(data, fold, rows / rungs[-1], latest, seed) for fold in folds] for rows in rungs
        ]
    try:
        for number, step in enumerate(steps):
            if rungs:
                scores = []
            scores += [score(fold) for fold in step]
            means.append(float(np.mean(scores)))
            if number < min(len(steps) - 1, len(cutoffs)) and means[-1] > cutoffs[number]:
                pruned = True
                break
    except Exception as raised:
        error = f"{type(raised).__name__}: {raised}"
    seconds = time.perf_counter() - started
    return TrialScore(means, pruned, seconds, error, scores if rungs else [])


def _part(data: TrainingRows, fold: Fold, share: float, latest: bool, seed: int) -> Fold:
    """Return a fold with a share of the rows to fit on: the latest ones, or a sample."""
    count = math.ceil(len(fold.fitted) * share)
    if count >= len(fold.fitted):
        return fold
    if latest:
        kept = fold.fitted[-count:]
    else:
        kept = np.sort(np.random.default_rng(seed).choice(fold.fitted, count, replace=False))
    if data.classes is not None and len(np.unique(data.target[kept])) < 2:
        # A single class cannot be fitted.
        return fold
    return Fold(kept, fold.scored)
