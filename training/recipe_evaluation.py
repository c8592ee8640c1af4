"""Fits a recipe and evaluates it: holdout metrics, promise, feature importance, reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..core.settings import Columns, TaskType
from ..data.schema import conform
from ..data.training_rows import TrainingRows, labels_of
from ..metrics.losses import Floats, row_losses, scores
from ..models.importance import permutation_importance
from ..models.predictor import Predictor
from ..monitoring.reference import Reference, build_reference
from .cross_validation import Fold, fold_losses
from .feature_steps import unfitted_model
from .recipes import fit_estimator

# Of fewer rows than this, a period says little, and a model fitted on fewer is another one.
_FEWEST_ROWS = 50
_FITTED_SHARE = 1 / 3


@dataclass(frozen=True)
class Recipe:
    """What to fit, and how to tell how good it is.

    Attributes:
        estimator: Name of the estimator.
        parameters: Its hyperparameters.
        task_type: Task type.
        metric: Name of the metric; lower is better.
        seed: Seed of the estimator.
    """

    estimator: str
    parameters: Mapping[str, Any]
    task_type: TaskType
    metric: str
    seed: int

    def unfitted(self, data: TrainingRows) -> Any:
        """Return the unfitted estimator for rows of these feature types, behind their feature steps."""
        return unfitted_model(self.estimator, self.parameters, self.task_type, data, self.seed)

    def fitted(self, data: TrainingRows) -> Predictor:
        """Return a model fitted on rows.

        Raises:
            DataRejected: If they cannot be fitted on.
        """
        model = fit_estimator(self.unfitted(data), data.rows, data.target)
        return Predictor(model, self.task_type, data.feature_types)


@dataclass(frozen=True)
class Evaluation:
    """A recipe fitted on the training rows, and what it is worth on rows it never saw.

    Attributes:
        predictor: The model.
        metrics: Metric name to value on the holdout.
        importance: Input column to share of the permutation importance; sums to 1.
        reference: What windows will be compared with: profile of the holdout, and the promise.
    """

    predictor: Predictor
    metrics: dict[str, float]
    importance: dict[str, float]
    reference: Reference


def evaluate_recipe(
    recipe: Recipe,
    data: TrainingRows,
    holdout: pd.DataFrame,
    columns: Columns,
    *,
    method: Literal["time", "hash"],
    periods: int,
) -> Evaluation:
    """Fit a recipe on training rows and take its evidence.

    Args:
        recipe: What to fit.
        data: Training rows; in time order for `time`.
        holdout: Rows held out, with the target.
        columns: What each column is for.
        method: How the holdout was split off; only rows in time order have earlier periods.
        periods: Most earlier periods to evaluate for the promise.

    Returns:
        The model and its evidence.

    Raises:
        DataRejected: If rows cannot be fitted or scored on.
    """
    predictor = recipe.fitted(data)
    truth = labels_of(holdout, columns.target, recipe.task_type)
    rows, _ = conform(holdout, data.feature_types)
    predicted = predictor.predict(rows)
    importance = permutation_importance(
        predictor, rows, truth, metric=recipe.metric, seed=recipe.seed
    )
    earlier = earlier_losses(recipe, data, len(rows), periods) if method == "time" else []
    reference = build_reference(
        rows,
        predicted,
        pd.Series(truth),
        task_type=recipe.task_type,
        classes=predictor.classes,
        feature_types=data.feature_types,
        importance=importance,
        losses=row_losses(recipe.metric, truth, predicted, predictor.classes),
        metric=recipe.metric,
        earlier=earlier,
    )
    metrics = scores(recipe.task_type, truth, predicted, predictor.classes)
    return Evaluation(predictor, metrics, importance, reference)


def earlier_losses(recipe: Recipe, data: TrainingRows, size: int, periods: int) -> list[Floats]:
    """Return the losses of a recipe on periods before the holdout, each fitted on what came before it.

    Args:
        recipe: What to fit.
        data: Training rows, in time order.
        size: Rows of a period.
        periods: Most periods.

    Returns:
        Row losses by period, newest first. Periods end where fewer than a third of the rows, or a
        single class, would be left to fit on.
    """
    rows = len(data.rows)
    found: list[Floats] = []
    for number in range(1, periods + 1):
        end = rows - (number - 1) * size
        begin = end - size
        if size < _FEWEST_ROWS or begin < max(_FEWEST_ROWS, _FITTED_SHARE * rows):
            break
        if data.classes is not None and len(np.unique(data.target[:begin])) < 2:
            break
        fold = Fold(np.arange(begin), np.arange(begin, end))
        found.append(
            fold_losses(recipe.unfitted(data), data, fold, recipe.task_type, recipe.metric)
        )
    return found
