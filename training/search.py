"""Runs a hyperparameter study in memory, one trial after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from ..core.settings import TaskType, TrainingSettings
from ..data.training_rows import TrainingRows
from .cross_validation import make_folds, score_trial, tuning_rows
from .recipe_evaluation import Recipe
from .study import PersistentStudy
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
        settings: Estimators, trials, folds and seed; `timeout_seconds` is not obeyed, since what a
            machine manages in that time is not repeatable.
        task: Task type.
        metric: Name of the metric; lower is better.

    Returns:
        The recipe, and its score in cross-validation.

    Raises:
        ConfigurationError: If an estimator cannot be found, or every trial failed.
        DataRejected: If the rows cannot be cross-validated.
    """
    refuse_unweighted(settings.estimators, data, task, settings.seed)
    rows = tuning_rows(data, method, settings.maximum_tuning_rows, settings.seed)
    folds = make_folds(rows, method, settings.folds, settings.seed)
    with tempfile.TemporaryDirectory() as folder:
        study = PersistentStudy(
            f"sqlite:///{Path(folder) / 'study.db'}",
            "search",
            estimators=settings.estimators,
            task=task,
            feature_types=data.feature_types,
            seed=settings.seed,
            trials=settings.trials,
        )
        while not study.ended:
            cutoffs = study.cutoffs()
            trial, estimator, parameters = study.ask()
            score = score_trial(
                rows,
                folds,
                estimator=estimator,
                parameters=parameters,
                task=task,
                metric=metric,
                seed=settings.seed,
                cutoffs=cutoffs,
            )
            study.tell(trial, score)
        estimator, parameters, score = study.best()
    return Recipe(estimator, parameters, task, metric, settings.seed), score
