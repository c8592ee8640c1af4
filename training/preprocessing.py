"""Preprocessing of a conformed frame into the matrix that an estimator takes.

Missing values, categories never seen, columns without any value and constant columns are all
expected. The transformers are scikit-learn's own, so that a served model needs no package of ours and
skops can persist it.

| feature type | for trees | for linear models |
| --- | --- | --- |
| number, boolean | as it is, missing stays missing | median for missing + indicator, standardised, clipped to 5 standard deviations |
| category | a code; missing and unknown are missing | one-hot; rare ones share a column; unknown counts as rare |
| datetime | days since 1970, and the phase of day, week and year | the same, the phases as sine and cosine |
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from ..core.errors import ConfigurationError
from ..data.schema import FeatureType

# HistGradientBoosting takes codes below 255; the one column of rare categories takes one of them.
TREE_CATEGORIES = 254
ONE_HOT_CATEGORIES = 50
_RARE_ROWS = 10
_PERIODS_DAYS = {"day": 1.0, "week": 7.0, "year": 365.2425}
_NANOSECONDS_A_DAY = 86_400e9
# What pandas stores for a missing moment.
_NOT_A_TIME = np.iinfo(np.int64).min
# Beyond what was seen a line goes on for ever: one shifted column must not decide alone.
_STANDARD_DEVIATIONS = 5.0


def default_preprocessor(
    feature_types: Mapping[str, FeatureType], style: Literal["trees", "linear"] = "trees"
) -> ColumnTransformer:
    """Return an unfitted preprocessor.

    Args:
        feature_types: Input column to feature type, see `data.schema`.
        style: For trees that take missing values, or for linear models.

    Returns:
        Takes a conformed frame, gives a float matrix without infinities. For `trees` the categories'
        columns come first, in the order of `feature_types`.

    Raises:
        ConfigurationError: If there is no input column.

    Example:
        >>> import pandas as pd
        >>> rows = pd.DataFrame({"a": [1.0, np.nan], "b": ["x", np.nan]})
        >>> default_preprocessor({"a": "number", "b": "category"}).fit_transform(rows).tolist()
        [[0.0, 1.0], [nan, nan]]
    """
    if not feature_types:
        raise ConfigurationError(
            "there is no feature: every column has another role. Name some in columns.features"
        )
    transformers = {
        "category": _categories(style),
        "number": _numbers(style),
        "boolean": _numbers(style),
        "datetime": _moments(style),
    }
    chosen = [
        (kind, transformer, [name for name, found in feature_types.items() if found == kind])
        for kind, transformer in transformers.items()
    ]
    return ColumnTransformer([part for part in chosen if part[2]], sparse_threshold=0.0)


def without_counting(model: Any, most_categories: int) -> Any:
    """Let the encoder of a default preprocessor not count how often each category comes, where they are so few.

    Which ones are rare matters to an encoder only beyond its `max_categories`; below, counting them takes
    longer than all else that it does, and changes no code.

    Args:
        model: Unfitted.
        most_categories: Most values that a category column has among the rows to fit on, missing included.

    Returns:
        The same model, which takes rows with no more categories than that.
    """
    first = model.steps[0][1] if isinstance(model, Pipeline) else None
    if isinstance(first, ColumnTransformer):
        for name, part, _ in first.transformers:
            ours = name == "category" and isinstance(part, OrdinalEncoder)
            if ours and part.max_categories == TREE_CATEGORIES > most_categories:
                part.set_params(max_categories=None)
    return model


def _categories(style: str) -> Any:
    if style == "trees":
        return OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=TREE_CATEGORIES,
        )
    return OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=_RARE_ROWS,
        max_categories=ONE_HOT_CATEGORIES,
        sparse_output=False,
    )


def _numbers(style: str) -> Any:
    if style == "trees":
        # Random forests compute in float32, in which the largest floats become infinite.
        return FunctionTransformer(np.clip, kw_args={"a_min": -1e37, "a_max": 1e37})
    return _standardised()


def _standardised() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        FunctionTransformer(np.clip, kw_args={"a_min": -1e100, "a_max": 1e100}),
        StandardScaler(),
        FunctionTransformer(
            np.clip, kw_args={"a_min": -_STANDARD_DEVIATIONS, "a_max": _STANDARD_DEVIATIONS}
        ),
    )


def _call(method: str, *arguments: Any) -> FunctionTransformer:
    """Return a transformer that calls a method: skops persists these, not functions of ours."""
    return FunctionTransformer(operator.methodcaller(method, *arguments))


def _moments(style: str) -> Pipeline:
    days = [
        _call("astype", "int64"),
        _call("replace", _NOT_A_TIME, np.nan),
        _call("__truediv__", _NANOSECONDS_A_DAY),
    ]
    parts: list[tuple[str, Any]] = [
        ("days", FunctionTransformer() if style == "trees" else _standardised())
    ]
    for name, period in _PERIODS_DAYS.items():
        if style == "trees":
            parts.append((name, _call("__mod__", period)))
            continue
        for function in (np.sin, np.cos):
            turn = _call("__mul__", 2.0 * np.pi / period)
            # A missing moment has no phase: the middle of the circle.
            middle = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
            parts.append(
                (
                    f"{name}_{function.__name__}",
                    make_pipeline(turn, FunctionTransformer(function), middle),
                )
            )
    return make_pipeline(*days, FeatureUnion(parts))
