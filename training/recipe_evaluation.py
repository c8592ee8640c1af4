"""Fits a recipe and evaluates it: holdout metrics, promise, feature importance, reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from ..core.errors import DataRejected
from ..core.settings import Columns, TaskType
from ..data.row_weights import weights_of
from ..data.schema import conform
from ..data.training_rows import TrainingRows, labels_of
from ..metrics.calibration import calibration_error
from ..metrics.losses import Floats, metric_value, row_losses
from ..models.evaluation import metrics_of
from ..models.importance import permutation_importance
from ..models.predictor import Predictor
from ..monitoring.reference import Reference, build_reference
from .calibration import DecisionRules, calibrated, out_of_fold, uncalibrated
from .cross_validation import Fold, fold_losses, make_folds, without_shared
from .decision_threshold import decision_for
from .feature_steps import unfitted_model
from .recipes import fit_estimator
from .weighting import fit_parameters

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

    def fitted(self, data: TrainingRows, rules: DecisionRules | None = None) -> Predictor:
        """Return a model fitted on rows.

        Args:
            data: The rows; in time order for rules of `time`.
            rules: How it is calibrated and decides, both on out-of-fold predictions of these rows. None:
                it is not, and decides for the most probable class.

        Raises:
            ConfigurationError: If costs do not fit the classes.
            DataRejected: If the rows cannot be fitted on, or are too few for the rules.
        """
        model = self._model(data)
        if rules is None or not rules.settings.used or data.classes is None:
            return Predictor(model, self.task_type, data.feature_types)
        settings = rules.settings
        folds = make_folds(data, rules.method, rules.folds, self.seed)
        held = out_of_fold(self._model, data, folds, settings)
        probabilities = held.probabilities
        if settings.calibration != "none":
            model, probabilities = calibrated(model, held, data, settings.calibration)
        decision = None
        if settings.costs is not None:
            truth, counted = data.target[held.positions], data.counted(held.positions)
            decision = decision_for(settings.costs, data.classes, probabilities, truth, counted)
        return Predictor(model, self.task_type, data.feature_types, decision)

    def _model(self, data: TrainingRows) -> Any:
        estimator = self.unfitted(data)
        return fit_estimator(estimator, data.rows, data.target, **fit_parameters(estimator, data))


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
    rules: DecisionRules | None = None,
) -> Evaluation:
    """Fit a recipe on training rows and take its evidence.

    Args:
        recipe: What to fit.
        data: Training rows; in time order for `time`.
        holdout: Rows held out, with the target.
        columns: What each column is for.
        method: How the holdout was split off; only rows in time order have earlier periods.
        periods: Most earlier periods to evaluate for the promise.
        rules: How the model is calibrated and decides. None: neither.

    Returns:
        The model and its evidence.

    Raises:
        ConfigurationError: If costs do not fit the classes.
        DataRejected: If rows cannot be fitted or scored on, or are too few for the rules.
    """
    predictor = recipe.fitted(data, rules)
    truth = labels_of(holdout, columns.target, recipe.task_type)
    rows, _ = conform(holdout, data.feature_types)
    predicted = predictor.predict(rows)
    importance = permutation_importance(
        predictor, rows, truth, metric=recipe.metric, seed=recipe.seed
    )
    earlier = earlier_losses(recipe, data, len(rows), periods, rules) if method == "time" else []
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
        decided=None if predictor.decision is None else predictor.labels(predicted),
    )
    weights = weights_of(holdout, columns)
    metrics = metrics_of(predictor, truth, predicted, predictor.classes, weights)
    if rules is not None and rules.settings.calibration != "none":
        metrics |= _calibration_metrics(predictor, rows, truth, predicted, weights)
    return Evaluation(predictor, metrics, importance, reference)


def _calibration_metrics(
    predictor: Predictor,
    rows: pd.DataFrame,
    truth: np.ndarray,
    predicted: Floats,
    weights: Floats | None,
) -> dict[str, float]:
    """Return how far probabilities are off, and the same of the model without its calibration."""
    classes: Any = predictor.classes
    before = np.asarray(uncalibrated(predictor.model).predict_proba(rows), dtype=float)
    found = {"ece": calibration_error(truth, predicted, classes, weights)}
    for name in ("log_loss", "brier"):
        losses = row_losses(name, truth, before, classes)
        found[f"uncalibrated.{name}"] = metric_value(name, losses, weights)
    return {**found, "uncalibrated.ece": calibration_error(truth, before, classes, weights)}


def earlier_losses(
    recipe: Recipe,
    data: TrainingRows,
    size: int,
    periods: int,
    rules: DecisionRules | None = None,
) -> list[Floats]:
    """Return the losses of a recipe on periods before the holdout, each fitted on what came before it.

    Args:
        recipe: What to fit.
        data: Training rows, in time order.
        size: Rows of a period.
        periods: Most periods.
        rules: How models are calibrated. None: they are not.

    Returns:
        Row losses by period, newest first. Periods end where fewer than a third of the rows, or a
        single class, would be left to fit on, or too few to calibrate on.
    """
    rules = rules.without_costs() if rules is not None else None
    rows = len(data.rows)
    found: list[Floats] = []
    for number in range(1, periods + 1):
        end = rows - (number - 1) * size
        begin = end - size
        if size < _FEWEST_ROWS or begin < max(_FEWEST_ROWS, _FITTED_SHARE * rows):
            break
        fold = without_shared(Fold(np.arange(begin), np.arange(begin, end)), data)
        if len(fold.fitted) < _FEWEST_ROWS:
            break
        if data.classes is not None and len(np.unique(data.target[fold.fitted])) < 2:
            break
        if rules is None:
            losses = fold_losses(recipe.unfitted(data), data, fold, recipe.task_type, recipe.metric)
        else:
            try:
                predictor = recipe.fitted(data.take(fold.fitted), rules)
            except DataRejected:
                break
            scored = data.take(fold.scored)
            predicted = predictor.predict_conformed(scored.rows)
            losses = row_losses(recipe.metric, scored.target, predicted, predictor.classes)
        found.append(losses)
    return found
