"""Gives a foreign model its columns in the data types it was trained with."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from pandas.api import types as ptypes

_CATEGORY = "category:"


def dtype_names(frame: pd.DataFrame) -> dict[str, str]:
    """Return the name of each column's data type; categories with the type of what they hold.

    Args:
        frame: Rows as the model is given them where it was trained.

    Returns:
        Column to name, such as `int64`, `category:object` or `datetime64[ns, Europe/Berlin]`.

    Example:
        >>> dtype_names(pd.DataFrame({"a": [1], "b": pd.Categorical(["x"])}))
        {'a': 'int64', 'b': 'category:object'}
    """
    return {str(name): _dtype_name(values) for name, values in frame.items()}


def _dtype_name(values: pd.Series) -> str:
    if isinstance(values.dtype, pd.CategoricalDtype):
        return f"{_CATEGORY}{values.dtype.categories.dtype}"
    return str(values.dtype)


def with_dtypes(rows: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Return conformed rows in the data types a model was trained with, as far as no value is lost.

    A column stays as it is where the type cannot hold its values: whole numbers, for instance, where some
    are missing. The model then says whether it takes them.

    Args:
        rows: Conformed rows (see `data.schema.conform`).
        names: Column to the name of its type, see `dtype_names`.

    Returns:
        The rows.

    Example:
        >>> with_dtypes(pd.DataFrame({"a": [1.0, 2.0]}), {"a": "int8"})["a"].dtype
        dtype('int8')
    """
    return pd.DataFrame(
        {name: _with_dtype(values, names[str(name)]) for name, values in rows.items()}
    )


def _with_dtype(values: pd.Series, name: str) -> pd.Series:
    if name.startswith(_CATEGORY):
        return _with_dtype(values, name.removeprefix(_CATEGORY)).astype("category")
    if name == str(values.dtype):
        return values
    dtype = pd.api.types.pandas_dtype(name)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return values.dt.tz_localize("UTC").dt.tz_convert(dtype.tz).astype(dtype)
    if ptypes.is_datetime64_dtype(dtype) or not ptypes.is_numeric_dtype(dtype):
        return values
    # A category that was a number where the model was trained.
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.isna().sum() > values.isna().sum():
        return values
    if (
        numbers.isna().any()
        and not ptypes.is_float_dtype(dtype)
        and not ptypes.is_extension_array_dtype(dtype)
    ):
        return numbers
    cast = numbers.astype(dtype)
    return (
        cast
        if ptypes.is_float_dtype(dtype) or (cast.dropna() == numbers.dropna()).all()
        else numbers
    )
