"""Runs a hyperparameter study in memory, one trial after the other."""

from __future__ import annotations

from typing import Literal

from ..core.settings import TaskType, TrainingSettings
from ..data.training_rows import TrainingRows
from .cross_validation import make_folds, tuning_rows
from .pruning import rungs
from .recipe_evaluation import Recipe
from .study import PersistentStudy
from .thread_limits import threads_per_trial
from .trial_scoring import score_trial
from .weighting import refuse_unweighted


def search_recipe(
    data: TrainingRows,
    method: Literal["time", "hash"],
    settings: TrainingSettings,
    task: TaskType,
    metric: str,
) -> tuple[Recipe, float]:
    """Find the best recipe for training rows, as the task `tune` does with trials one by one.

    Args:
        data: Training rows; in time order for `time`.
        method: How the holdout was split off.
        settings: Estimators, trials, folds, seed and search; no timeout is obeyed, since what a machine
            manages in that time is not repeatable, and nothing but the defaults is started with.
        task: Task type.
        metric: Name of the metric; lower is better.

    Returns:
        The recipe, and its score in cross-validation.

    Raises:
        ConfigurationError: If an estimator cannot be found, or every trial failed.
        DataRejected: If the rows cannot be cross-validated.
    """
    refuse_unweighted(settings.estimators, data, task, settings.seed, settings.search.spaces)
    rows = tuning_rows(data, method, settings.maximum_tuning_rows, settings.seed)
    folds = make_folds(rows, method, settings.folds, settings.seed)
    parts = rungs(settings.search, len(rows.rows))
    study = PersistentStudy(
        None,
        "search",
        settings=settings,
        task=task,
        feature_types=data.model_types,
        steps=len(parts or folds),
    )
    while not study.ended and (begun := study.ask()) is not None:
        trial, estimator, parameters = begun
        score = score_trial(
            rows,
            folds,
            estimator=estimator,
            parameters=parameters,
            task=task,
            metric=metric,
            seed=settings.seed,
            cutoffs=study.cutoffs(trial.number),
            rungs=parts,
            latest=method == "time",
            threads=threads_per_trial(settings.search),
        )
        study.tell(trial, score)
    estimator, parameters, score = study.best()
    return Recipe(estimator, parameters, task, metric, settings.seed), score
