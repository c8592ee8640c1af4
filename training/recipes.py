"""Recipes: what a study chooses from, and how a chosen one becomes an unfitted estimator.

A **recipe** is a function `recipe(trial, task_type, feature_types, seed)` that asks the trial for hyperparameters and
returns an unfitted scikit-learn estimator. The estimator takes a conformed frame (`data.schema`), so it
is usually a pipeline that starts with `training.preprocessing.default_preprocessor`. Classifiers need
`predict_proba`. Types beyond scikit-learn, NumPy and SciPy must be trusted, see `models.trusted_types`. The trial
is Optuna's; later, the same function is called with the chosen values. A **class** is a recipe, too: it is constructed
with the values chosen from the space declared for it, its seed, and behind the default preprocessor.

| name | classes | numbers |
| --- | --- | --- |
| `hist_gradient_boosting` | `HistGradientBoostingClassifier` | `HistGradientBoostingRegressor` |
| `random_forest` | `RandomForestClassifier` | `RandomForestRegressor` |
| `linear` | `LogisticRegression` | `Ridge` |
| `lightgbm` (an extra) | `LGBMClassifier` | `LGBMRegressor` |
| `xgboost` (an extra) | `XGBClassifier` | `XGBRegressor` |
| `catboost` (an extra) | `CatBoostClassifier` | `CatBoostRegressor` |
| `package.module:name` | yours | yours |
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from ..core.errors import ConfigurationError
from ..core.import_paths import is_import_path, load_function
from ..core.settings import TaskType
from ..data.schema import FeatureType
from .boosted_trees import LIBRARIES, catboost, library_of, lightgbm, xgboost
from .estimator_classes import EstimatorClass
from .search_spaces import Trial, hist_gradient_boosting, linear, random_forest

Recipe = Callable[[Any, TaskType, Mapping[str, FeatureType], int], Any]


class ScopedTrial:
    """A trial whose names start with a scope, so that recipes may use the same names.

    Args:
        trial: Optuna's trial.
        scope: Name of the estimator.
    """

    def __init__(self, trial: Trial, scope: str) -> None:
        self._trial = trial
        self._scope = scope

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Ask for a float in `[low, high]`."""
        return self._trial.suggest_float(f"{self._scope}.{name}", low, high, step=step, log=log)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Ask for an integer in `[low, high]`."""
        return self._trial.suggest_int(f"{self._scope}.{name}", low, high, step=step, log=log)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices."""
        return self._trial.suggest_categorical(f"{self._scope}.{name}", choices)


class GivenTrial:
    """A trial that answers with given values, whatever the recipe would choose from: a space may have widened it.

    Args:
        parameters: Values by the names that the recipe asks for.
        estimator: Name of the estimator, for the message.

    Raises:
        ConfigurationError: When it is asked for something else.
    """

    def __init__(self, parameters: Mapping[str, Any], estimator: str) -> None:
        self._parameters = parameters
        self._estimator = estimator

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Return the value that is given."""
        return self._given(name)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return the value that is given."""
        return self._given(name)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the value that is given."""
        return self._given(name)

    def _given(self, name: str) -> Any:
        if name not in self._parameters:
            raise ConfigurationError(
                f"estimator {self._estimator!r} asks for {name!r}, which is not among the parameters that "
                f"it is built with, {sorted(self._parameters)}: give it, too"
            )
        return self._parameters[name]


_RECIPES: dict[str, Recipe] = {
    "hist_gradient_boosting": hist_gradient_boosting,
    "random_forest": random_forest,
    "linear": linear,
    "lightgbm": lightgbm,
    "xgboost": xgboost,
    "catboost": catboost,
}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name.

    Args:
        name: A built-in name, or `package.module:name` of a function or an estimator's class.

    Returns:
        The recipe.

    Raises:
        ConfigurationError: If there is none: unknown name, library that is not installed, module that does not import, nothing of that
            name in it, or a class that is no estimator.
    """
    if name in _RECIPES:
        if name in LIBRARIES:
            library_of(name)
        return _RECIPES[name]
    if not is_import_path(name):
        raise ConfigurationError(
            f"estimator {name!r} is unknown: choose one of {sorted(_RECIPES)}, or give your own as "
            "package.module:name"
        )
    found = load_function(
        name,
        "estimator",
        "(trial, task_type, feature_types, seed) that returns an unfitted estimator, or an estimator's class",
    )
    if not inspect.isclass(found):
        return found
    for method in ("fit", "predict"):
        if not callable(getattr(found, method, None)):
            raise ConfigurationError(
                f"estimator {name!r} is a class without {method}(): expected scikit-learn's interface"
            )
    return EstimatorClass(name, found)


def suggest(
    trial: Any,
    name: str,
    task_type: TaskType,
    feature_types: Mapping[str, FeatureType],
    seed: int,
) -> dict[str, Any]:
    """Let a trial choose the hyperparameters of an estimator.

    Args:
        trial: Optuna's trial.
        name: Name of the estimator.
        task_type: Task type.
        feature_types: Input column to feature type.
        seed: Seed of the estimator.

    Returns:
        The hyperparameters, to be passed to `build`. A class has none of its own, see
        `training.declared_recipes.choose`.

    Raises:
        ConfigurationError: See `find_recipe`.
    """
    recipe = find_recipe(name)
    if isinstance(recipe, EstimatorClass):
        return {}
    recipe(ScopedTrial(trial, name), task_type, feature_types, seed)
    scope = f"{name}."
    return {
        key.removeprefix(scope): value
        for key, value in trial.params.items()
        if key.startswith(scope)
    }


def build(
    name: str,
    parameters: Mapping[str, Any],
    task_type: TaskType,
    feature_types: Mapping[str, FeatureType],
    seed: int,
) -> Any:
    """Return the unfitted estimator of a recipe.

    Args:
        name: Name of the estimator.
        parameters: Hyperparameters by the names that the recipe asks for, or that the class takes; also ones
            beyond what the recipe would choose from.
        task_type: Task type.
        feature_types: Input column to feature type.
        seed: Seed of the estimator.

    Returns:
        The estimator; it takes a conformed frame.

    Raises:
        ConfigurationError: If there is no such recipe, it asks for something else, or what it
            returns cannot fit or predict.

    Example:
        >>> build("linear", {"C": 1.0}, "binary", {"age": "number"}, 0).named_steps["model"].C
        1.0
    """
    recipe = find_recipe(name)
    if isinstance(recipe, EstimatorClass):
        estimator = recipe.make(parameters, feature_types, seed)
    else:
        estimator = recipe(GivenTrial(parameters, name), task_type, feature_types, seed)
    needed = "predict" if task_type == "regression" else "predict_proba"
    for method in ("fit", needed):
        if not callable(getattr(estimator, method, None)):
            raise ConfigurationError(
                f"estimator {name!r} returned a {type(estimator).__name__} without {method}(): a "
                f"{task_type} model needs it"
            )
    return estimator


def fit_estimator(estimator: Any, rows: pd.DataFrame, target: np.ndarray, **parameters: Any) -> Any:
    """Fit an estimator.

    Args:
        estimator: Unfitted, see `build`.
        rows: Conformed rows, n.
        target: True labels, shape (n,).
        parameters: Further keywords of its `fit`, see `training.weighting.fit_parameters`.

    Returns:
        The same estimator, fitted.
    """
    model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
    rarest = np.unique(target, return_counts=True)[1].min()
    if isinstance(model, HistGradientBoostingClassifier) and rarest < 2:
        # Above 10,000 rows it sets a stratified tenth aside, which needs two rows of every class.
        model.set_params(early_stopping=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(rows, target, **parameters)
