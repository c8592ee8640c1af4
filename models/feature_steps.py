"""Feature steps inside a model: a user's functions and transformers, each checked whenever it runs.

Every step gets a conformed frame (`data.schema`) and must return as many rows in their order, and the columns
that it made of the training rows. What it returns is conformed, too, to the types found on the training
rows: one row alone is brought to the same types as many.

Logged models name this module and its class: both must keep their names.
"""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone

from ..core.errors import ConfigurationError, DataRejected, MLOpsError
from ..data.schema import FeatureType, conform


class FeatureSteps(TransformerMixin, BaseEstimator):
    """Feature steps in their order, as one transformer.

    Args:
        steps: Import path and unfitted transformer of each.
        types: Output column to feature type, of each step.

    Attributes:
        fitted_: The fitted transformers.
    """

    def __init__(self, steps: list[tuple[str, Any]], types: list[dict[str, FeatureType]]) -> None:
        self.steps = steps
        self.types = types

    @property
    def output_types(self) -> dict[str, FeatureType]:
        """Column to feature type of what the last step returns."""
        return self.types[-1]

    def fit(self, X: pd.DataFrame, y: Any = None) -> FeatureSteps:
        """Fit every step on what the one before it returns.

        Args:
            X: Conformed rows.
            y: True labels.

        Raises:
            ConfigurationError: If a step raises, or returns other rows or columns.
        """
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: Any = None, **_: Any) -> pd.DataFrame:
        """Fit every step, and return the rows to fit the estimator on. Raises as `fit` does."""
        fitted: list[Any] = []
        rows = X
        for (name, step), types in zip(self.steps, self.types, strict=True):
            fresh, made = fit_step(name, step, rows, y)
            fitted.append(fresh)
            rows = _as_known(name, made, types, ConfigurationError)
        self.fitted_ = fitted
        return rows

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Run every step.

        Args:
            X: Conformed rows.

        Returns:
            Conformed rows of the output types.

        Raises:
            DataRejected: If a step raises, or returns other rows or columns than it may.
        """
        rows = X
        for (name, _), step, types in zip(self.steps, self.fitted_, self.types, strict=True):
            rows = _as_known(name, run_step(name, step, rows, DataRejected), types, DataRejected)
        return rows


def fit_step(name: str, step: Any, rows: pd.DataFrame, target: Any) -> tuple[Any, pd.DataFrame]:
    """Fit a fresh copy of a step.

    Args:
        name: Its import path.
        step: Unfitted transformer.
        rows: Conformed rows.
        target: True labels.

    Returns:
        The fitted step, and what it makes of these rows.

    Raises:
        ConfigurationError: If it raises, or returns something else than a frame of these rows.
    """
    fresh: Any = clone(step, safe=False)

    def fitted(given: pd.DataFrame) -> Any:
        if hasattr(fresh, "fit_transform"):
            return fresh.fit_transform(given, *_target(fresh.fit_transform, target))
        if hasattr(fresh, "fit"):
            fresh.fit(given, *_target(fresh.fit, target))
        return fresh.transform(given)

    return fresh, _called(name, fitted, rows, ConfigurationError)


def run_step(
    name: str, step: Any, rows: pd.DataFrame, error: type[MLOpsError] = ConfigurationError
) -> pd.DataFrame:
    """Run a fitted step.

    Args:
        name: Its import path.
        step: Fitted transformer.
        rows: Conformed rows.
        error: What to raise.

    Returns:
        What it makes of them; not conformed.

    Raises:
        ConfigurationError: Or another error that was asked for: if it raises, or returns something else than a
            frame of these rows in their order.
    """
    return _called(name, step.transform, rows, error)


def _target(method: Callable[..., Any], target: Any) -> tuple[Any, ...]:
    """Return the labels if a method takes them: by scikit-learn's convention it does."""
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return (target,)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes = len(positional) > 1 or any(p.kind == p.VAR_POSITIONAL for p in parameters)
    return (target,) if takes else ()


def _called(
    name: str,
    function: Callable[[pd.DataFrame], Any],
    rows: pd.DataFrame,
    error: type[MLOpsError],
) -> pd.DataFrame:
    try:
        # A copy: a step that writes into its input must not change what others see.
        made = function(rows.copy())
    except Exception as raised:
        # What it says may quote a value, and ends in logs.
        said = f": {raised}" if error is ConfigurationError else ""
        where = _own_line(raised)
        raise error(
            f"feature step {name!r} raised {type(raised).__name__}{where}{said}"
        ) from raised
    if not isinstance(made, pd.DataFrame):
        raise error(
            f"feature step {name!r} returned a {type(made).__name__}: expected a pandas frame with one row for "
            "each that it was given"
        )
    if len(made) != len(rows):
        raise error(
            f"feature step {name!r} returned {len(made)} rows for {len(rows)}: a step must keep every row; "
            "leave rows out at the source"
        )
    if not made.index.equals(rows.index) and set(made.index) == set(rows.index):
        raise error(
            f"feature step {name!r} returned the rows in another order: a prediction belongs to its row"
        )
    names = [str(column) for column in made.columns]
    if len(set(names)) != len(names) or not names:
        twice = sorted({column for column in names if names.count(column) > 1})
        raise error(f"feature step {name!r} returned columns {twice or names}: expected each once")
    return made.set_axis(names, axis="columns").reset_index(drop=True)


def _own_line(raised: Exception) -> str:
    """Return where the user's code raised: not here, and not in what wraps it."""
    frames = traceback.extract_tb(raised.__traceback__)
    own = [
        frame
        for frame in frames
        if frame.filename != __file__ and "sklearn" not in Path(frame.filename).parts
    ]
    return f" (line {own[0].lineno} of {own[0].filename})" if own else ""


def _as_known(
    name: str,
    made: pd.DataFrame,
    types: dict[str, FeatureType],
    error: type[MLOpsError],
) -> pd.DataFrame:
    refuse_other_columns(name, list(made.columns), list(types), error)
    return conform(made, types)[0]


def refuse_other_columns(
    name: str, found: Sequence[str], known: Sequence[str], error: type[MLOpsError]
) -> None:
    """Refuse a step that returned other columns than it may.

    Args:
        name: Import path of the step.
        found: Columns that it returned.
        known: Columns that it made of the training rows.
        error: What to raise.
    """
    lost, added = sorted(set(known) - set(found)), sorted(set(found) - set(known))
    if lost or added:
        raise error(
            f"feature step {name!r} returned other columns than for all training rows: without {lost}, with "
            f"{added} beside them. Its columns must not depend on which rows it is given"
        )


def same_values(found: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Return the columns in which two conformed frames of the same columns differ.

    Args:
        found: Rows.
        expected: As many rows.
    """
    other = []
    for column in expected:
        left, right = found[column], expected[column]
        if left.dtype == np.float64 and right.dtype == np.float64:
            # In single precision the last digits depend on how many rows are computed at once.
            same = bool(np.allclose(left, right, rtol=1e-5, atol=1e-9, equal_nan=True))
        else:
            same = left.reset_index(drop=True).equals(right.reset_index(drop=True))
        if not same:
            other.append(str(column))
    return other
