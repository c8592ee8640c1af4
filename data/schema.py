"""Feature types of a model's input columns, and frames conformed to them.

Every frame that reaches a model, at training, in a gate, at scoring or in monitoring, passes through
`conform`, so that a type that changed on the way (integers that became floats with a null, numbers
as text, booleans as objects) never changes a prediction.

| feature type | dtype in a conformed frame | missing |
| --- | --- | --- |
| `number` (integers too) | float64 | NaN; infinities become NaN |
| `boolean` | float64, 0 or 1 | NaN |
| `category` | object of str | None |
| `datetime` | datetime64[ns], UTC without zone | NaT |

Text is a datetime as ISO 8601 only; a number is none, and neither is a moment that nanoseconds cannot
hold, such as the year 9999.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import numpy as np
import pandas as pd
from pandas.api import types as ptypes
from pydantic import BaseModel, ConfigDict

from ..core.errors import DataRejected
from .timestamps import parse_timestamps

FeatureType = Literal["number", "boolean", "category", "datetime"]


class Coercion(BaseModel):
    """What `conform` had to change.

    Attributes:
        unreadable: Column to the number of values that are not of its feature type; they became missing.
        infinite: Column to the number of infinities; they became missing.
        extra: Columns that the schema does not know; they were left out.
    """

    model_config = ConfigDict(frozen=True)

    unreadable: dict[str, int]
    infinite: dict[str, int]
    extra: list[str]


def infer_feature_types(
    frame: pd.DataFrame, features: Sequence[str], categorical: Sequence[str] = ()
) -> dict[str, FeatureType]:
    """Infer the type of every feature from its values.

    Args:
        frame: Rows.
        features: Columns to look at.
        categorical: Columns to treat as categories whatever their values look like.

    Returns:
        Column to feature type. A column without any value counts as `number`.

    Raises:
        DataRejected: If a column is missing, or holds lists, dicts or other values no model takes.

    Example:
        >>> infer_feature_types(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), ["a", "b"])
        {'a': 'number', 'b': 'category'}
    """
    feature_types: dict[str, FeatureType] = {}
    for name in features:
        if name not in frame:
            raise DataRejected(f"column {name!r} is missing", column=name)
        feature_types[name] = "category" if name in categorical else _feature_type_of(frame[name])
    return feature_types


def _feature_type_of(values: pd.Series) -> FeatureType:
    present = values.dropna()
    if ptypes.is_bool_dtype(values.dtype):
        return "boolean"
    if ptypes.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    if ptypes.is_numeric_dtype(values.dtype) or present.empty:
        return "number"
    inferred = pd.api.types.infer_dtype(present, skipna=True)
    if inferred == "boolean":
        return "boolean"
    if inferred in ("integer", "floating", "mixed-integer-float", "decimal"):
        return "number"
    if inferred in ("datetime", "datetime64", "date"):
        return "datetime"
    if inferred in ("string", "categorical"):
        return "category"
    shown = sorted({type(value).__name__ for value in present.head(1000)})
    raise DataRejected(
        f"column {values.name!r} mixes {', '.join(shown)}: give it one type at its source, or list it "
        "in columns.categorical or columns.ignored",
        column=str(values.name),
    )


def conform(
    frame: pd.DataFrame, feature_types: Mapping[str, FeatureType]
) -> tuple[pd.DataFrame, Coercion]:
    """Bring a frame to the columns, order and dtypes that a model expects.

    Args:
        frame: Rows; its index is dropped.
        feature_types: Column to feature type, in the model's order.

    Returns:
        The frame, and what had to be changed.

    Raises:
        DataRejected: If a column is missing or appears twice.
    """
    names = list(frame.columns)
    for name in feature_types:
        if names.count(name) != 1:
            found = "missing" if name not in names else f"there {names.count(name)} times"
            raise DataRejected(
                f"column {name!r} is {found}; expected once. Columns found: {names}", column=name
            )
    unreadable: dict[str, int] = {}
    infinite: dict[str, int] = {}
    columns: dict[str, pd.Series] = {}
    rows = frame[list(feature_types)].reset_index(drop=True)
    for name, feature_type in feature_types.items():
        before = rows[name]
        # Nothing to convert: of hundreds of such columns, asking each takes longer than a prediction.
        ready = feature_type == "number" and before.dtype == np.float64
        after = before if ready else _CONVERT[feature_type](before)
        if feature_type == "number":
            endless = np.isinf(after.to_numpy())
            if endless.any():
                infinite[name] = int(endless.sum())
                after = after.mask(endless)
        lost = 0 if ready else int((after.isna() & before.notna()).sum()) - infinite.get(name, 0)
        if lost > 0:
            unreadable[name] = lost
        columns[name] = after
    extra = [name for name in names if name not in feature_types]
    report = Coercion(unreadable=unreadable, infinite=infinite, extra=extra)
    return pd.DataFrame(columns, columns=list(feature_types)), report


def _to_number(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype("float64")


def _to_boolean(values: pd.Series) -> pd.Series:
    if ptypes.is_object_dtype(values.dtype) or ptypes.is_string_dtype(values.dtype):
        words = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
        return values.map(lambda v: words.get(str(v).strip().lower(), np.nan)).astype("float64")
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    return numbers.where(numbers.isin([0.0, 1.0]))


def _to_category(values: pd.Series) -> pd.Series:
    return values.map(category_text, na_action="ignore").astype(object).where(values.notna(), None)


def category_text(value: object) -> str:
    """Return a category as text: 1 and 1.0 are the same one, and " yes" and "yes" are.

    A null elsewhere in a column of whole numbers turns them into floats, and must not rename them; nor
    may the spaces after a file's separators.

    Example:
        >>> [category_text(value) for value in (1, 1.0, " yes", "1.0")]
        ['1', '1', 'yes', '1.0']
    """
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    # Through a float, the last digits of a long decimal would go.
    if isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value():
        return str(int(value))
    return str(value).strip()


def _to_datetime(values: pd.Series) -> pd.Series:
    return parse_timestamps(values).dt.tz_convert(None)


_CONVERT = {
    "number": _to_number,
    "boolean": _to_boolean,
    "category": _to_category,
    "datetime": _to_datetime,
}
