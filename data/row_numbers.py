"""Finds and drops row number columns, such as a saved pandas index."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from ..core.errors import DataRejected
from ..core.settings import Columns

_UNNAMED = re.compile(r"Unnamed: \d+(?:\.\d+)?")


def unnamed(position: int) -> str:
    """Return what pandas calls a column that has no name.

    Example:
        >>> unnamed(0)
        'Unnamed: 0'
    """
    return f"Unnamed: {position}"


def without_row_numbers(
    table: pa.Table, source: str, columns: Columns | None = None
) -> tuple[pa.Table, list[str]]:
    """Leave out columns without a name that only number the rows, or hold nothing.

    Args:
        table: The rows of one file, in its order.
        source: The file's name, for messages.
        columns: Roles: what has one is kept, and what is ignored is left to the roles.

    Returns:
        The rows, and the columns that were left out.

    Raises:
        DataRejected: If a column without a name and without a role holds anything else.

    Example:
        >>> without_row_numbers(pa.table({"Unnamed: 0": [0, 1], "x": [5, 6]}), "rows.csv")[1]
        ['Unnamed: 0']
    """
    dropped = []
    for name in table.column_names:
        if not _UNNAMED.fullmatch(name) or (columns is not None and _has_role(name, columns)):
            continue
        values = table.column(name)
        if values.null_count < len(values) and not _counts(values):
            raise DataRejected(
                f"{source} has a column without a name ({name!r}), first value {_first(values)!r}: name it "
                "at the source, leave it out there (pandas: index=False), or list it in "
                "columns.features or columns.ignored",
                column=name,
            )
        dropped.append(name)
    return table.drop_columns(dropped), dropped


def _has_role(name: str, columns: Columns) -> bool:
    # With features named, other columns reach no model.
    return name in (*columns.roles, *columns.features, *columns.ignored) or bool(columns.features)


def _counts(values: pa.ChunkedArray) -> bool:
    try:
        numbers = values.cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    if numbers.null_count:
        return False
    found = numbers.to_numpy()
    return found[0] in (0, 1) and bool(np.array_equal(found, found[0] + np.arange(len(found))))


def _first(values: pa.ChunkedArray) -> object:
    return next(value for value in values.to_pylist() if value is not None)
