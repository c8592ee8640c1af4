"""Brings frames and tables into the form in which windows and references are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from ..core.errors import ConfigurationError, DataRejected
from ..core.settings import Columns
from ..core.table_columns import FEATURE_PREFIX
from ..data.class_labels import class_text
from ..data.schema import conform, infer_feature_types
from ..data.tables import refuse_repeated
from .profile import CategoryProfile, Profile, profile_of
from .reference import LABEL, ProfiledRows, sample_of


def named_columns(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows whose columns have names of text, each once.

    Raises:
        DataRejected: If two columns have the same name.
    """
    names = [str(name) for name in rows.columns]
    refuse_repeated(names)
    return rows.set_axis(names, axis=1)


def rows_of_window(window: pd.DataFrame, target: str | None) -> pd.DataFrame:
    """Return logged predictions as rows of a dataset: features under their own names, and the target."""
    features = [name for name in window.columns if name.startswith(FEATURE_PREFIX)]
    rows = window[features].rename(columns=lambda name: name.removeprefix(FEATURE_PREFIX))
    return rows if target is None else rows.assign(**{target: window[LABEL]})


def window_of_rows(
    rows: pd.DataFrame, features: Sequence[str], target: str | None = None
) -> pd.DataFrame:
    """Return rows laid out like logged predictions, without the predictions.

    Args:
        rows: Rows of a dataset.
        features: What to keep.
        target: Target column, kept as the label when it is there.

    Raises:
        DataRejected: If a feature is missing.
    """
    _refuse_missing(rows, features, "data")
    window = rows[list(features)].reset_index(drop=True).add_prefix(FEATURE_PREFIX)
    if target is not None and target in rows:
        window[LABEL] = rows[target].reset_index(drop=True)
    return window


def compared_features(
    rows: pd.DataFrame, reference: pd.DataFrame, columns: Columns | None
) -> list[str]:
    """Return the columns to compare: the features, or without roles all that both sides have.

    Raises:
        DataRejected: If a feature is missing on one side, or the sides have no column in common.
    """
    if columns is not None:
        features = columns.feature_names(_names(reference))
        # A feature that only the rows have would go by unseen where features are not named.
        features += [name for name in columns.feature_names(_names(rows)) if name not in features]
        _refuse_missing(rows, features, "data")
        _refuse_missing(reference, features, "reference")
        return features
    shared = [name for name in _names(reference) if name in rows]
    if not shared:
        raise DataRejected(
            f"data and reference have no column in common: {list(rows)} and {list(reference)}"
        )
    return shared


def profile_rows(
    rows: pd.DataFrame,
    features: Sequence[str],
    *,
    columns: Columns | None = None,
    importance: Mapping[str, float] | None = None,
    seed: int = 0,
) -> ProfiledRows:
    """Profile rows that no model was logged with, for windows to be compared with.

    Args:
        rows: Rows of a dataset, in time order when they have one.
        features: Which of their columns to profile.
        columns: Roles: which features are categories, and the target, profiled when it is there.
        importance: Feature to weight; those that are not named weigh nothing. None: all the same.
        seed: Seed of the sample.

    Returns:
        The profiles, without predictions.

    Raises:
        ConfigurationError: If a weight is of no feature, negative or infinite, or all are 0.
        DataRejected: If a feature is missing or holds values that cannot be compared.
    """
    _refuse_missing(rows, features, "reference")
    weights = _weights(features, importance)
    categorical = columns.categorical if columns else []
    feature_types = infer_feature_types(rows, features, categorical)
    conformed, _ = conform(rows, feature_types)
    sample = conformed.add_prefix(FEATURE_PREFIX)
    classes: list[str] | None = []
    target: Profile = CategoryProfile(rows=0, null_rate=0.0, shares={}, rest=0.0, unseen=0.0)
    if columns is not None and columns.target in rows:
        labels, classes = _labels(rows, columns.target)
        sample = sample.assign(**{LABEL: labels})
        target = profile_of(labels, "number" if classes is None else "category")
    return ProfiledRows(
        classes=classes,
        feature_types=feature_types,
        importance=weights,
        columns={name: profile_of(conformed[name], kind) for name, kind in feature_types.items()},
        predictions={},
        target=target,
        sample=sample_of(sample, seed),
    )


def _names(rows: pd.DataFrame) -> list[str]:
    return [str(name) for name in rows.columns]


def _labels(rows: pd.DataFrame, target: str) -> tuple[pd.Series, list[str] | None]:
    """Return labels as they are profiled, and their classes; None for numbers."""
    kind = infer_feature_types(rows, [target])[target]
    values = rows[target].reset_index(drop=True)
    if kind in ("number", "datetime"):
        return conform(rows[[target]], {target: "number"})[0][target], None
    texts = values.astype(object).map(class_text, na_action="ignore").astype(object)
    return texts, sorted(set(texts.dropna()))


def _weights(features: Sequence[str], importance: Mapping[str, float] | None) -> dict[str, float]:
    if importance is None:
        return dict.fromkeys(features, 1.0 / len(features))
    unknown = [name for name in importance if name not in features]
    if unknown:
        raise ConfigurationError(
            f"importance names {unknown}, which are not compared: name features among {list(features)}"
        )
    wrong = {n: v for n, v in importance.items() if not (math.isfinite(v) and v >= 0)}
    total = sum(importance.values())
    if wrong or not total > 0:
        raise ConfigurationError(
            f"importance {wrong or dict(importance)} is no weight: expected finite numbers, none below 0 "
            "and one above"
        )
    return {name: importance.get(name, 0.0) / total for name in features}


def _refuse_missing(rows: pd.DataFrame, features: Sequence[str], side: str) -> None:
    missing = [name for name in features if name not in rows]
    if missing:
        raise DataRejected(
            f"columns {missing} are missing from {side}; found {list(rows)}. Add them, or leave them out "
            "with columns.features or columns.ignored",
            column=missing[0],
        )
