"""Searches rows for segments with large losses: a shallow tree on the losses, its leaves in words.

Deepchecks' `WeakSegmentsPerformance` searches pairs of features with trees, too, and reports what is worst on the rows
that it searched: of many segments the worst is bad by chance. Here segments are found on some rows to be tested on
others, so the search is by itself: a `DecisionTreeRegressor` of scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

from ..data.schema import FeatureType
from ..data.slice_values import MISSING
from ..metrics.losses import Floats

_EDGES = 16
_MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Condition:
    """One question to a row.

    Attributes:
        feature: Column.
        kind: Whether the value is at most, above, the same as or another than `value`.
        value: Number, moment in seconds, or category.
        missing: Whether a row without a value is in.
        date: Whether the value is a moment.
    """

    feature: str
    kind: Literal["<=", ">", "=", "!="]
    value: Any
    missing: bool = False
    date: bool = False

    def holds(self, rows: pd.DataFrame) -> np.ndarray:
        """Return for which conformed rows it holds, booleans of shape (n,)."""
        values = rows[self.feature]
        if self.kind in ("=", "!="):
            gap = self.value == MISSING and values.dtype != object
            same = (values.isna() if gap else _texts(values) == self.value).to_numpy()
            return same if self.kind == "=" else ~same
        numbers = _numbers(values)
        with np.errstate(invalid="ignore"):
            side = numbers <= self.value if self.kind == "<=" else numbers > self.value
        return np.where(np.isnan(numbers), self.missing, side).astype(bool)


@dataclass(frozen=True)
class Segment:
    """Rows for which some conditions hold."""

    conditions: tuple[Condition, ...]

    def holds(self, rows: pd.DataFrame) -> np.ndarray:
        """Return which conformed rows are in it, booleans of shape (n,)."""
        return np.all([condition.holds(rows) for condition in self.conditions], axis=0)

    def __str__(self) -> str:
        """Return it in words.

        Example:
            >>> str(Segment((Condition("age", "<=", 30), Condition("job", "=", "student"))))
            'age <= 30 and job = student'
        """
        by_feature: dict[str, list[Condition]] = {}
        for condition in self.conditions:
            by_feature.setdefault(condition.feature, []).append(condition)
        return " and ".join(_in_words(name, conditions) for name, conditions in by_feature.items())


def _in_words(name: str, conditions: list[Condition]) -> str:
    same = [condition.value for condition in conditions if condition.kind == "="]
    if same:
        return f"{name} = {same[-1]}"
    other = [condition.value for condition in conditions if condition.kind == "!="]
    numbers = [condition for condition in conditions if condition.kind in ("<=", ">")]
    said = [f"{name} != {value}" for value in other]
    # A row with a number has a value.
    return " and ".join([_interval(name, numbers, gaps=MISSING not in other)] if numbers else said)


def _interval(name: str, conditions: list[Condition], *, gaps: bool) -> str:
    low = max((c.value for c in conditions if c.kind == ">"), default=None)
    high = min((c.value for c in conditions if c.kind == "<="), default=None)
    date = conditions[0].date
    if low is not None and high is not None:
        said = f"{_shown(low, date)} < {name} <= {_shown(high, date)}"
    elif low is not None:
        said = f"{name} > {_shown(low, date)}"
    else:
        said = f"{name} <= {_shown(high, date)}"
    return f"({said} or {MISSING})" if gaps and all(c.missing for c in conditions) else said


def _shown(value: Any, date: bool) -> str:
    return str(pd.Timestamp(value, unit="s")) if date else f"{value:.12g}"


def find_segments(
    rows: pd.DataFrame,
    losses: Floats,
    types: Mapping[str, FeatureType],
    *,
    depth: int,
    minimum_rows: int,
    weights: Floats | None = None,
    seed: int = 0,
) -> list[Segment]:
    """Fit a tree on losses and return its leaves.

    Args:
        rows: Conformed features, n rows.
        losses: Loss of every row, shape (n,).
        types: Column to feature type.
        depth: Depth of the tree.
        minimum_rows: Fewest rows of a leaf.
        weights: What rows count, shape (n,). None: all the same.
        seed: Seed of ties between splits.

    Returns:
        One a leaf; nothing where no split parts the losses.
    """
    questions, encoded = _encode(rows, types, minimum_rows)
    if not questions:
        return []
    tree = DecisionTreeRegressor(
        max_depth=depth, min_samples_leaf=minimum_rows, random_state=seed
    ).fit(encoded, losses, sample_weight=weights)
    found: Any = tree.tree_
    gaps = [bool(np.isnan(column).any()) for column in encoded.T]
    segments: list[Segment] = []

    def walk(node: int, so_far: tuple[Condition, ...]) -> None:
        if found.children_left[node] < 0:
            if so_far:
                segments.append(Segment(so_far))
            return
        at = int(found.feature[node])
        feature, kind, values = questions[at]
        missing_left = gaps[at] and bool(found.missing_go_to_left[node])
        missing_right = gaps[at] and not missing_left
        if kind == "category" or np.isinf(found.threshold[node]):
            # A split of rows with a number from those without one is at infinity.
            value = values if kind == "category" else MISSING
            sides = (Condition(feature, "!=", value), Condition(feature, "=", value))
        else:
            edge, date = values[int(np.floor(found.threshold[node]))], kind == "datetime"
            sides = (
                Condition(feature, "<=", edge, missing_left, date),
                Condition(feature, ">", edge, missing_right, date),
            )
        walk(int(found.children_left[node]), (*so_far, sides[0]))
        walk(int(found.children_right[node]), (*so_far, sides[1]))

    walk(0, ())
    return segments


def _encode(
    rows: pd.DataFrame, types: Mapping[str, FeatureType], minimum_rows: int
) -> tuple[list[tuple[str, str, Any]], Floats]:
    """Return what each column of the matrix asks, and the matrix.

    Numbers become the number of edges below them, so that a split lies at a value that rows have: it can be
    written down exactly, and outliers and magnitudes play no part.
    """
    questions: list[tuple[str, str, Any]] = []
    columns: list[Floats] = []
    for name, kind in types.items():
        if kind in ("category", "boolean"):
            texts = _texts(rows[name])
            counts = texts.value_counts()
            for value in counts[counts >= minimum_rows].index[:_MOST_CATEGORIES]:
                questions.append((name, "category", value))
                columns.append((texts == value).to_numpy(dtype=float))
            continue
        numbers = _numbers(rows[name])
        present = numbers[~np.isnan(numbers)]
        if not len(present):
            continue
        shares = np.arange(1, _EDGES) / _EDGES
        edges = np.unique(np.quantile(present, shares, method="inverted_cdf"))
        edges = edges[edges < present.max()]
        if not len(edges):
            continue
        codes = np.searchsorted(edges, numbers).astype(float)
        questions.append((name, kind, edges))
        columns.append(np.where(np.isnan(numbers), np.nan, codes))
    return questions, np.column_stack(columns) if columns else np.empty((len(rows), 0))


def _texts(values: pd.Series) -> pd.Series:
    if values.dtype == float:
        return values.map({0.0: "false", 1.0: "true"}).fillna(MISSING)
    return values.astype(object).where(values.notna(), MISSING)


def _numbers(values: pd.Series) -> Floats:
    if values.dtype == float:
        return values.to_numpy()
    since: Any = values - pd.Timestamp(0)
    return (since / pd.Timedelta(1, "s")).to_numpy(dtype=float)
