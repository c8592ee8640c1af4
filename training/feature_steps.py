"""Loads the feature steps of a project and finds out, on training rows, what they make and whether they may serve.

A step may serve if it gives one row what it gives that row among others: its rows, its columns, its values.
Otherwise a model would be asked in production about rows that it never saw the like of.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from ..core.errors import ConfigurationError, DataRejected
from ..core.import_paths import load_object
from ..core.settings import FeatureStep, TaskType, TrainingSettings
from ..data.schema import FeatureType, conform, infer_feature_types
from ..data.training_rows import TrainingRows
from ..models.feature_steps import (
    FeatureSteps,
    fit_step,
    refuse_other_columns,
    run_step,
    same_values,
)
from ..models.trusted_types import how_to_trust, untrusted
from .estimator_classes import EstimatorClass
from .preprocessing import without_counting
from .recipes import build, find_recipe

_WHAT = "feature step"
# Asked for one by one: enough to meet what depends on the rows beside it.
_SINGLE_ROWS = 20
_NAME_OF_STEPS = "feature_steps"


def with_features(data: TrainingRows, settings: TrainingSettings) -> TrainingRows:
    """Add a project's feature steps to its training rows, once all that it names is trusted.

    Args:
        data: All training rows.
        settings: Which steps, and what is trusted.

    Returns:
        The rows as they are, with the steps that every model of them begins with; the same object
        when there are no steps.

    Raises:
        ConfigurationError: If a step or an estimator's class cannot be loaded or is not trusted, or a step
            raises, drops or reorders rows, or gives one row something else than among others.
    """
    for name in settings.estimators:
        recipe = find_recipe(name)
        if isinstance(recipe, EstimatorClass):
            # Before hours of trials, instead of when the best model is logged.
            _refuse_untrusted("estimator", name, recipe.family, settings.trusted_types)
    if not settings.features:
        return data
    loaded = [(step.step, load_step(step, settings.trusted_types)) for step in settings.features]
    types: list[dict[str, FeatureType]] = []
    rows = data.rows
    for name, step in loaded:
        fitted, made = fit_step(name, step, rows, data.target)
        found = _types_of(name, made)
        whole = _conformed(name, run_step(name, fitted, rows), found)
        _check_rows_alone(name, fitted, rows, whole, found)
        types.append(found)
        rows = _conformed(name, made, found)
    return replace(data, steps=FeatureSteps(loaded, types))


def unfitted_model(
    name: str, parameters: Mapping[str, Any], task_type: TaskType, data: TrainingRows, seed: int
) -> Any:
    """Return the unfitted estimator of a recipe, behind the feature steps of the rows.

    Args:
        name: Name of the estimator.
        parameters: Its hyperparameters.
        task_type: Task type.
        data: Rows with their feature types and steps.
        seed: Seed of the estimator.

    Returns:
        The estimator; it is fitted on rows of `data`, and takes any conformed to `data.feature_types`.

    Raises:
        ConfigurationError: See `training.recipes.build`.
    """
    model = build(name, parameters, task_type, data.model_types, seed)
    if data.steps is None:
        return without_counting(model, data.most_categories)
    # Fresh: scikit-learn's pipelines fit the steps that they are given, and the models of other rows would
    # share these with this one.
    first = (_NAME_OF_STEPS, clone(data.steps))
    # Flat, so that the estimator is the last step of any pipeline.
    parts = model.steps if type(model) is Pipeline else [("model", model)]
    return Pipeline([first, *parts])


def load_step(step: FeatureStep, trusted: Sequence[str] = ()) -> Any:
    """Import a feature step.

    Args:
        step: Its import path and parameters.
        trusted: Types that a person declared, see `models.trusted_types`.

    Returns:
        An unfitted transformer.

    Raises:
        ConfigurationError: If it cannot be imported, is neither a function nor a transformer, does not take the
            parameters, or is not trusted.
    """
    found = load_object(step.step, _WHAT)
    is_class = inspect.isclass(found)
    made: Any = found
    if is_class:
        try:
            made = found(**step.parameters)
        except Exception as error:
            raise ConfigurationError(
                f"{_WHAT} {step.step!r} cannot be made with the parameters {sorted(step.parameters)}: "
                f"{type(error).__name__}: {error}"
            ) from error
    code = type(made)
    if not callable(getattr(made, "transform", None)):
        if is_class or not inspect.isroutine(found):
            raise ConfigurationError(
                f"{_WHAT} {step.step!r} is a {getattr(found, '__name__', type(found).__name__)} without "
                "transform(): expected a function rows -> rows, or a transformer"
            )
        code, made = found, FunctionTransformer(found, kw_args=step.parameters or None)
    elif step.parameters and not is_class:
        raise ConfigurationError(
            f"{_WHAT} {step.step!r} is an instance, and takes no parameters: name its class"
        )
    _refuse_untrusted(_WHAT, step.step, code, trusted)
    if hasattr(made, "set_output") and not isinstance(made, FunctionTransformer):
        made.set_output(transform="pandas")
    return made


def _refuse_untrusted(what: str, path: str, code: Any, trusted: Sequence[str]) -> None:
    name = f"{code.__module__}.{code.__qualname__}"
    if "<" in name or code.__module__ == "__main__":
        raise ConfigurationError(
            f"{what} {path!r} is {name}: whoever loads the model could not import it. Define it by name in a "
            "module of its own"
        )
    if untrusted([name], trusted):
        raise ConfigurationError(
            f"{what} {path!r} is {name}, which nobody declared to trust: whoever loads the model runs it. "
            f"Set {how_to_trust([name], trusted)}"
        )


def _types_of(name: str, made: pd.DataFrame) -> dict[str, FeatureType]:
    try:
        return infer_feature_types(made, list(made.columns))
    except DataRejected as error:
        raise ConfigurationError(
            f"feature step {name!r} returned what no model takes: {error}"
        ) from error


def _conformed(name: str, made: pd.DataFrame, types: dict[str, FeatureType]) -> pd.DataFrame:
    refuse_other_columns(name, list(made.columns), list(types), ConfigurationError)
    return conform(made, types)[0]


def _check_rows_alone(
    name: str,
    step: Any,
    rows: pd.DataFrame,
    whole: pd.DataFrame,
    types: dict[str, FeatureType],
) -> None:
    """Refuse a step that gives a row alone something else than among all."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, _SINGLE_ROWS).astype(int))
    for position in chosen:
        alone = rows.iloc[[position]].reset_index(drop=True)
        made = run_step(name, step, alone)
        lost = sorted(set(types) - set(made.columns))
        added = sorted(set(made.columns) - set(types))
        if lost or added:
            raise ConfigurationError(
                f"feature step {name!r} gives one row other columns than many: without {lost}, with {added} "
                "beside them. The model is asked about single rows: name every column that there can be"
            )
        among = whole.iloc[[position]].reset_index(drop=True)
        other = same_values(conform(made, types)[0], among)
        if other:
            raise ConfigurationError(
                f"feature step {name!r} gives row {position} other values in {other} alone than among all "
                "rows: it reorders rows, or computes from the rows beside it. Learn such numbers in fit() of a "
                "transformer, so that every row is treated alike"
            )
