"""The built-in recipes: spaces of hyperparameters around scikit-learn's defaults.

The spaces are bounded so that one fit on 40,000 rows and 20 columns takes about 2 seconds of one core
at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

from ..core.settings import TaskType
from ..data.schema import FeatureType
from .preprocessing import default_preprocessor


class Trial(Protocol):
    """The part of Optuna's trial that a recipe needs."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Ask for a float in `[low, high]`."""
        ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Ask for an integer in `[low, high]`."""
        ...

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Ask for one of the choices."""
        ...


def hist_gradient_boosting(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: gradient boosting on histograms, categories as categories."""
    family = (
        HistGradientBoostingRegressor
        if task_type == "regression"
        else HistGradientBoostingClassifier
    )
    # The preprocessor puts the categories' columns first.
    codes: Any = list(range(list(feature_types.values()).count("category"))) or None
    model = family(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        max_iter=trial.suggest_int("max_iter", 50, 200, log=True),
        max_leaf_nodes=trial.suggest_int("max_leaf_nodes", 4, 63, log=True),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 5, 200, log=True),
        l2_regularization=trial.suggest_float("l2_regularization", 0.0, 10.0),
        categorical_features=codes,
        random_state=seed,
    )
    return _pipeline(default_preprocessor(feature_types, "trees"), model)


def random_forest(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: a random forest, categories as codes."""
    family = RandomForestRegressor if task_type == "regression" else RandomForestClassifier
    model = family(
        n_estimators=trial.suggest_int("n_estimators", 50, 200, step=50),
        min_samples_leaf=trial.suggest_int("min_samples_leaf", 1, 100, log=True),
        max_features=trial.suggest_categorical("max_features", ["sqrt", 0.3, 0.6, 1.0]),
        random_state=seed,
    )
    return _pipeline(default_preprocessor(feature_types, "trees"), model)


def linear(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: logistic regression, or ridge regression for numbers."""
    if task_type == "regression":
        model = Ridge(alpha=trial.suggest_float("alpha", 1e-3, 1e4, log=True), random_state=seed)
    else:
        model = LogisticRegression(
            C=trial.suggest_float("C", 1e-4, 1e2, log=True), max_iter=300, random_state=seed
        )
    return _pipeline(default_preprocessor(feature_types, "linear"), model)


def _pipeline(preprocessor: Any, model: Any) -> Pipeline:
    return Pipeline([("preprocessor", preprocessor), ("model", model)])


# What each library does by default: every study begins with it, so that it never ends worse.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "hist_gradient_boosting": {
        "learning_rate": 0.1,
        "max_iter": 100,
        "max_leaf_nodes": 31,
        "min_samples_leaf": 20,
        "l2_regularization": 0.0,
    },
    "random_forest": {"n_estimators": 100, "min_samples_leaf": 1, "max_features": "sqrt"},
    "linear": {"C": 1.0},
    "lightgbm": {
        "learning_rate": 0.1,
        "n_estimators": 100,
        "num_leaves": 31,
        "min_child_samples": 20,
        "reg_lambda": 0.0,
    },
    "xgboost": {
        "learning_rate": 0.3,
        "n_estimators": 100,
        "max_depth": 6,
        "min_child_weight": 1.0,
        "reg_lambda": 1.0,
    },
    "catboost": {"learning_rate": 0.1, "iterations": 100, "depth": 6, "l2_leaf_reg": 3.0},
}
_REGRESSION_DEFAULTS: dict[str, dict[str, Any]] = {
    "random_forest": {**_DEFAULTS["random_forest"], "max_features": 1.0},
    "linear": {"alpha": 1.0},
}


def default_parameters(name: str, task_type: TaskType) -> dict[str, Any]:
    """Return its library's defaults for a built-in estimator; empty for one of the user's."""
    chosen = _REGRESSION_DEFAULTS if task_type == "regression" else {}
    return dict(chosen.get(name, _DEFAULTS.get(name, {})))
