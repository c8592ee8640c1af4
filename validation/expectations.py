"""Infers a Great Expectations suite from known rows, which people can edit.

The bounds are wide on purpose. They are for **broken** data: a column that is gone, empty, of another
type, or far away. That values move is drift, and the monitor's business. What a suite cannot express,
how the new rows differ from the known ones, is judged beside it (`validation.broken_data`), and a range that was
left for good is widened by that judgement.

| expectation | bound |
| --- | --- |
| columns | all those with a role |
| rows | at least `minimum_rows` |
| values present | null rate up to twice the known one plus 0.1, at least up to 0.4, never all |
| one type | the known one |
| numbers | finite, and within the known range widened by its size or by its largest magnitude, whichever is more; ten times that for columns of few values or with a heavy tail; with what moved; finite only for what only rises |
| categories | at least half of the values are known ones; columns of more than 100 categories are skipped |
| classes | known ones: always for `binary`, 0.95 of the rows for `multiclass` |
| ids | unique |
| more than one value | advisory: reported, never in the way |
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..core.settings import Columns, TaskType
from ..data.schema import FeatureType, infer_feature_types

LARGEST_NUMBER = float(np.finfo(np.float64).max)

_NULL_RATE = 0.4
_NULL_SLACK = 0.1
_ROOM = 0.01
_KNOWN_CATEGORIES = 0.5
_KNOWN_CLASSES = 0.95
_MAXIMUM_CATEGORIES = 100
_FEW_VALUES = 10
_WIDE = 10.0
_HEAVY_TAIL = 10.0

_NUMBER_TYPES = [
    *("float64", "float32", "int64", "int32", "int16", "int8"),
    *("uint64", "uint32", "uint16", "uint8", "bool"),
]

Expectation = dict[str, Any]


def infer_suite(
    name: str,
    rows: pd.DataFrame,
    known: pd.DataFrame | None = None,
    *,
    columns: Columns,
    task: TaskType,
    minimum_rows: int,
    moved: Mapping[str, pd.Series] | None = None,
    rising: Collection[str] = (),
) -> dict[str, Any]:
    """Infer a suite.

    Args:
        name: Name of the suite.
        rows: Rows the suite is for.
        known: Rows that were good enough: those the champion was trained on. Columns they lack are
            inferred from `rows`, as all are without them.
        columns: Roles.
        task: Task type.
        minimum_rows: Fewest rows.
        moved: Features that left what was known of them for good, with the values they took.
        rising: Numbers that only rise, and so have no range.

    Returns:
        A suite in Great Expectations' own JSON form.

    Example:
        >>> frame = pd.DataFrame({"age": [20, 30] * 10, "y": ["no", "yes"] * 10})
        >>> suite = infer_suite(
        ...     "people", frame, columns=Columns(target="y"), task="binary", minimum_rows=10
        ... )
        >>> [e["type"] for e in suite["expectations"]][:2]
        ['expect_table_columns_to_match_set', 'expect_table_row_count_to_be_between']
    """
    trusted = pd.DataFrame() if known is None else known
    available = [str(name) for name in dict.fromkeys([*trusted, *rows])]
    features = columns.feature_names(available)
    roles = [columns.id, columns.timestamp, columns.target, columns.weight, columns.group]
    expectations = [
        _expect(
            "expect_table_columns_to_match_set",
            column_set=[*(role for role in roles if role is not None), *features],
            exact_match=False,
        ),
        _expect("expect_table_row_count_to_be_between", min_value=minimum_rows),
    ]
    for role in roles:
        if role is not None:
            expectations.append(_expect("expect_column_values_to_not_be_null", role))
    if columns.id is not None:
        expectations.append(_expect("expect_column_values_to_be_unique", columns.id))
    target = trusted[columns.target] if columns.target in trusted else rows[columns.target]
    ranges = _Ranges(moved or {}, rising)
    expectations += _of_target(target, task, ranges)
    for feature in features:
        values = trusted[feature] if feature in trusted else rows[feature]
        if feature not in trusted and values.isna().all():
            expectations.append(_of_presence(feature, values))
        expectations += _of_feature(values, feature in columns.categorical, ranges)
    return {"name": name, "expectations": expectations, "meta": {}}


def _expect(
    kind: str, column: str | None = None, *, severity: str = "critical", **kwargs: Any
) -> Expectation:
    named = kwargs if column is None else {"column": column, **kwargs}
    return {"type": kind, "kwargs": named, "severity": severity, "meta": {}}


def _of_target(values: pd.Series, task: TaskType, ranges: _Ranges) -> list[Expectation]:
    name = str(values.name)
    if task == "regression":
        return [_of_type(name, values), ranges.expect(name, values)]
    classes = _plain(values)
    share = 1.0 if task == "binary" else _KNOWN_CLASSES
    return [_expect("expect_column_values_to_be_in_set", name, value_set=classes, mostly=share)]


def _of_feature(values: pd.Series, categorical: bool, ranges: _Ranges) -> list[Expectation]:
    name = str(values.name)
    present = values.dropna()
    varied = _expect(
        "expect_column_unique_value_count_to_be_between", name, severity="warning", min_value=2
    )
    if present.empty:
        return [varied]
    kind: FeatureType = (
        "category" if categorical else infer_feature_types(present.to_frame(), [name])[name]
    )
    expectations = [_of_presence(name, values), varied]
    if kind != "datetime":
        expectations.append(_of_type(name, present))
    if kind == "number":
        expectations.append(ranges.expect(name, present))
    if kind == "category":
        moved = ranges.moved.get(name)
        known = _plain(present if moved is None else pd.concat([present, moved]))
        # One category says nothing about which others there are.
        if 1 < len(known) <= _MAXIMUM_CATEGORIES:
            expectations.append(
                _expect(
                    "expect_column_values_to_be_in_set",
                    name,
                    value_set=known,
                    mostly=_KNOWN_CATEGORIES,
                )
            )
    return expectations


def _of_presence(name: str, values: pd.Series) -> Expectation:
    rate = float(values.isna().mean())
    allowed = min(max(2 * rate + _NULL_SLACK, _NULL_RATE), (1 + rate) / 2)
    mostly = max(round(1 - allowed, 4), 1e-6)
    return _expect("expect_column_values_to_not_be_null", name, mostly=mostly)


def _of_type(name: str, present: pd.Series) -> Expectation:
    if types.is_numeric_dtype(present.dtype):
        allowed = _NUMBER_TYPES
    elif types.infer_dtype(present, skipna=True) == "boolean":
        allowed = ["bool"]
    else:
        allowed = ["str"]
    return _expect("expect_column_values_to_be_in_type_list", name, type_list=allowed)


@dataclass(frozen=True)
class _Ranges:
    moved: Mapping[str, pd.Series]
    rising: Collection[str]

    def expect(self, name: str, present: pd.Series) -> Expectation:
        low, high = number_bounds(present)
        if name in self.rising:
            low, high = -LARGEST_NUMBER, LARGEST_NUMBER
        elif name in self.moved:
            reached = self.moved[name]
            least, most = min(low, float(reached.min())), max(high, float(reached.max()))
            room = _ROOM * (most - least)
            # Only the side that was left: the other one still tells broken values.
            low = low if least == low else least - room
            high = high if most == high else most + room
        return _expect(
            "expect_column_values_to_be_between",
            name,
            min_value=_rounded(low),
            max_value=_rounded(high),
        )


def number_bounds(values: pd.Series) -> tuple[float, float]:
    """Return the range of numbers, widened so that drift fits in.

    Args:
        values: Known numbers.

    Returns:
        Lowest and highest value to expect: the known range widened by its size or its largest
        magnitude, whichever is more, and ten times as much for few values or a heavy tail. The largest
        numbers there are when nothing is known.

    Example:
        >>> number_bounds(pd.Series(range(20, 60)))
        (-39.0, 118.0)
    """
    numbers = values.dropna().astype(float)
    numbers = numbers[np.isfinite(numbers)]
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 0.0)
    slack = max(high - low, abs(low), abs(high)) * (_WIDE if _says_little(numbers) else 1.0)
    if slack == 0.0 or not np.isfinite(slack):
        return -LARGEST_NUMBER, LARGEST_NUMBER
    return low - slack, high + slack


def _says_little(numbers: pd.Series) -> bool:
    # A rate that was 1.1 and 1.4 for a year may be -3.4 in the next; a sum with a heavy tail has its
    # largest value still to come.
    if numbers.nunique() < _FEW_VALUES:
        return True
    lower, middle, upper = numbers.quantile([0.05, 0.5, 0.95])
    farthest = max(numbers.max() - middle, middle - numbers.min())
    return farthest > _HEAVY_TAIL * max(upper - middle, middle - lower)


def _rounded(value: float) -> float:
    bounded = min(max(value, -LARGEST_NUMBER), LARGEST_NUMBER)
    return bounded if abs(bounded) == LARGEST_NUMBER else float(f"{bounded:.6g}")


def _plain(values: pd.Series) -> list[Any]:
    found = pd.unique(values.dropna())
    plain = [value.item() if isinstance(value, np.generic) else value for value in found]
    return sorted(plain, key=lambda value: (str(type(value)), value))


def describe(kind: str, kwargs: dict[str, Any]) -> str:
    """Say in a few words what an expectation wants: the name of its gate.

    Example:
        >>> describe(
        ...     "expect_column_values_to_be_between",
        ...     {"column": "age", "min_value": 10, "max_value": 110},
        ... )
        'age: values between 10 and 110'
    """
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    match kind:
        case "expect_column_values_to_be_between" if high == LARGEST_NUMBER:
            said = "finite values"
        case "expect_column_values_to_be_between":
            said = f"values {_span(low, high)}"
        case "expect_column_values_to_not_be_null":
            said = "values present"
        case "expect_column_values_to_be_unique":
            said = "unique values"
        case "expect_column_values_to_be_in_set":
            said = f"values among {_some(kwargs.get('value_set'))}"
        case "expect_column_values_to_be_in_type_list":
            said = f"values of type {_some(kwargs.get('type_list'))}"
        case "expect_column_unique_value_count_to_be_between":
            said = f"distinct values {_span(low, high)}"
        case "expect_table_row_count_to_be_between":
            said = f"rows {_span(low, high)}"
        case "expect_table_columns_to_match_set":
            said = "expected columns"
        case _:
            said = kind.removeprefix("expect_").replace("_", " ")
    column = kwargs.get("column") or ", ".join(kwargs.get("column_list") or [])
    return f"{column}: {said}" if column else said


def _span(low: Any, high: Any) -> str:
    if low is None or high is None:
        return f"up to {_text(high)}" if low is None else f"of at least {_text(low)}"
    return f"between {_text(low)} and {_text(high)}"


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _some(values: Any) -> str:
    listed = [str(value) for value in values or []]
    return ", ".join(listed[:3]) + (", …" if len(listed) > 3 else "")
