"""The trivial models that a candidate must be better than: a constant guess, and a linear model as it comes."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

from ..core.settings import Columns, TaskType
from ..data.training_rows import TrainingRows, training_rows
from ..models.adopted_model import AdoptedModel
from ..models.predictor import Predictor
from .recipe_evaluation import Recipe
from .search_spaces import default_parameters

LINEAR = "linear"


def constant_guess(data: TrainingRows, task_type: TaskType, metric: str) -> Predictor:
    """Return the best guess that looks at no feature.

    For classes that is their shares among the training rows; for numbers, their median where `mae` decides,
    else their mean: what minimises the metric, rows counting what they weigh.

    Args:
        data: Training rows.
        task_type: What is predicted.
        metric: Name of the loss that decides.

    Example:
        >>> frame = pd.DataFrame({"age": [1.0, 2.0, 3.0, 4.0], "y": ["no", "no", "no", "yes"]})
        >>> rows = training_rows(frame, Columns(target="y"), "binary")
        >>> constant_guess(rows, "binary", "log_loss").predict(frame)[0].tolist()
        [0.75, 0.25]
    """
    model: Any
    if task_type == "regression":
        model = DummyRegressor(strategy="median" if metric == "mae" else "mean")
    else:
        model = DummyClassifier(strategy="prior")
    # Fitting may weigh classes; what is judged, and so the best guess, knows only what rows count.
    model.fit(data.rows, data.target, sample_weight=data.weights)
    return Predictor(model, task_type, data.feature_types)


def linear_model(
    train: pd.DataFrame,
    columns: Columns,
    task_type: TaskType,
    *,
    metric: str,
    rows: int | None,
    seed: int,
) -> Predictor:
    """Return the recipe `linear` with the parameters that it has by default, fitted.

    Args:
        train: Training rows, in time order if they have one.
        columns: What each column is for.
        task_type: What is predicted.
        metric: Name of the loss that decides.
        rows: Latest rows to fit on. None: all.
        seed: Seed of the estimator.

    Raises:
        DataRejected: If the rows cannot be fitted on.
    """
    data = training_rows(train if rows is None else train.tail(rows), columns, task_type)
    recipe = Recipe(
        estimator=LINEAR,
        parameters=default_parameters(LINEAR, task_type),
        task_type=task_type,
        metric=metric,
        seed=seed,
    )
    return recipe.fitted(data)


def is_linear(model: Any) -> bool:
    """Say whether a fitted model is one of scikit-learn's linear models, in a pipeline, calibrated or adopted."""
    inside: Any = model
    while inside is not None:
        if type(inside).__module__.startswith("sklearn.linear_model"):
            return True
        if isinstance(inside, Pipeline):
            inside = inside[-1]
        elif isinstance(inside, AdoptedModel):
            inside = inside.classifier
        else:
            # What scikit-learn puts around a model: calibration, a threshold, a frozen model.
            inside = getattr(inside, "estimator", None)
    return False
