"""The built-in recipes of other libraries: LightGBM, XGBoost and CatBoost, each an extra to install.

Each takes one thread, gives the same model for the same seed, takes missing values as they are and
categories as categories. Spaces are bounded like those of `training.search_spaces`. CatBoost is the slowest,
about 4 seconds of a core for two classes: it begins with 100 rounds instead of its own 1,000.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from ..core.errors import ConfigurationError
from ..core.settings import TaskType
from ..data.schema import FeatureType
from ..models.labelled_classifier import LabelledClassifier
from .preprocessing import default_preprocessor
from .search_spaces import Trial

LIBRARIES = {"lightgbm": "LightGBM", "xgboost": "XGBoost", "catboost": "CatBoost"}


def lightgbm(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: LightGBM, categories as categories."""
    library = library_of("lightgbm")
    family = library.LGBMRegressor if task_type == "regression" else library.LGBMClassifier
    codes = list(range(_count(feature_types, "category")))
    model = family(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
        n_estimators=trial.suggest_int("n_estimators", 50, 200, log=True),
        num_leaves=trial.suggest_int("num_leaves", 4, 63, log=True),
        min_child_samples=trial.suggest_int("min_child_samples", 5, 200, log=True),
        reg_lambda=trial.suggest_float("reg_lambda", 0.0, 10.0),
        # An alias: LightGBM warns of a parameter of the usual name, and obeys it all the same.
        **({"categorical_column": codes} if codes else {}),
        deterministic=True,
        force_col_wise=True,
        n_jobs=1,
        random_state=seed,
        verbosity=-1,
    )
    return _behind(default_preprocessor(feature_types, "trees"), model)


def xgboost(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: XGBoost, categories as categories."""
    library = library_of("xgboost")
    family = library.XGBRegressor if task_type == "regression" else library.XGBClassifier
    # The preprocessor puts the categories' columns first, and makes four of a moment.
    codes = _count(feature_types, "category")
    others = len(feature_types) - codes + 3 * _count(feature_types, "datetime")
    model = family(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        n_estimators=trial.suggest_int("n_estimators", 50, 200, log=True),
        max_depth=trial.suggest_int("max_depth", 2, 8),
        min_child_weight=trial.suggest_float("min_child_weight", 1.0, 100.0, log=True),
        reg_lambda=trial.suggest_float("reg_lambda", 0.0, 10.0),
        enable_categorical=codes > 0,
        feature_types=["c"] * codes + ["q"] * others if codes else None,
        tree_method="hist",
        n_jobs=1,
        random_state=seed,
        verbosity=0,
    )
    preprocessor = default_preprocessor(feature_types, "trees")
    return _behind(preprocessor, model if task_type == "regression" else LabelledClassifier(model))


def catboost(
    trial: Trial, task_type: TaskType, feature_types: Mapping[str, FeatureType], seed: int
) -> Pipeline:
    """Recipe: CatBoost, categories as text, of which it takes any that comes."""
    library = library_of("catboost")
    family = library.CatBoostRegressor if task_type == "regression" else library.CatBoostClassifier
    categories = _count(feature_types, "category")
    model = family(
        learning_rate=trial.suggest_float("learning_rate", 0.02, 0.3, log=True),
        iterations=trial.suggest_int("iterations", 25, 100, log=True),
        depth=trial.suggest_int("depth", 3, 6),
        l2_leaf_reg=trial.suggest_float("l2_leaf_reg", 1.0, 30.0, log=True),
        cat_features=list(range(categories)) or None,
        allow_writing_files=False,
        thread_count=1,
        random_seed=seed,
        verbose=False,
    )
    preprocessor = default_preprocessor(feature_types, "trees")
    if categories:
        preprocessor = _with_text(preprocessor)
    return _behind(preprocessor, model if task_type == "regression" else LabelledClassifier(model))


def _with_text(preprocessor: ColumnTransformer) -> ColumnTransformer:
    """Return a preprocessor that keeps categories as text: CatBoost takes no codes among floats."""
    missing_values: Any = None
    filled = SimpleImputer(
        missing_values=missing_values,
        strategy="constant",
        fill_value="",
        # A column without any value in a fold is still a column: CatBoost is told positions.
        keep_empty_features=True,
    )
    return ColumnTransformer(
        [
            (name, filled if name == "category" else part, columns)
            for name, part, columns in preprocessor.transformers
        ],
        sparse_threshold=0.0,
    )


def _count(feature_types: Mapping[str, FeatureType], wanted: FeatureType) -> int:
    return list(feature_types.values()).count(wanted)


def _behind(preprocessor: Any, model: Any) -> Pipeline:
    return Pipeline([("preprocessor", preprocessor), ("model", model)])


def library_of(module: str) -> Any:
    """Import the library of a recipe of this module.

    Args:
        module: Name of the recipe, which is that of the library.

    Raises:
        ConfigurationError: If it is not installed; the message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConfigurationError(
            f"estimator {module!r} needs {LIBRARIES[module]}, which is not installed here ({error}): "
            f"pip install 'prefect-mlops[{module}]', also where models are served"
        ) from error
