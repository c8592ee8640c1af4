"""Checks whether a target fits the task type, and names the one that would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import DataRejected

if TYPE_CHECKING:
    import pandas as pd

    from ..core.settings import TaskType

# Whole numbers of more different values than this count or measure something.
_MOST_CLASSES = 20
_SHOWN = 6


def check_target(task: TaskType, target: pd.Series) -> None:
    """Refuse a target that the task cannot learn.

    Args:
        task: The project's task.
        target: True labels.

    Raises:
        DataRejected: If labels are missing, mixed, infinite, or do not fit the task; it says which task
            they fit.
    """
    import numpy as np
    from pandas.api import types

    from ..data.number_text import is_plain_number

    name = str(target.name)
    empty = int(target.isna().sum())
    if empty:
        raise DataRejected(
            f"target {name!r} is empty in {empty} of {len(target)} rows: leave rows without a label out "
            "at the source",
            column=name,
        )
    kinds = {type(value).__name__ for value in target.unique()} if target.dtype == object else set()
    if len(kinds) > 1:
        raise DataRejected(f"target {name!r} mixes {sorted(kinds)}: use one type", column=name)
    if task == "regression":
        if not types.is_numeric_dtype(target.dtype) or types.is_bool_dtype(target.dtype):
            advice = _instead(target)
            if target.dtype == object and target.astype(str).map(is_plain_number).all():
                advice = ", and these are text: store them as numbers, without leading zeros"
            raise DataRejected(
                f"target {name!r} holds {target.dtype}, such as {target.iloc[0]!r}: regression needs "
                f"numbers{advice}",
                column=name,
            )
        endless = int(np.isinf(target.to_numpy(dtype=float)).sum())
        if endless:
            raise DataRejected(
                f"target {name!r} is infinite in {endless} rows: leave them out at the source",
                column=name,
            )
        return
    classes = sorted(target.unique())
    shown = [value.item() if isinstance(value, np.generic) else value for value in classes[:_SHOWN]]
    if len(classes) > 1 and _has_fractions(target):
        raise DataRejected(
            f"target {name!r} holds numbers with fractions, such as {_fraction(target)}: {task} needs classes"
            f"{_instead(target)}",
            column=name,
        )
    if task == "binary" and len(classes) != 2:
        raise DataRejected(
            f"target {name!r} has {len(classes)} classes, {shown}: binary needs exactly two"
            f"{_instead(target)}",
            column=name,
        )
    if len(classes) < 2:
        raise DataRejected(
            f"target {name!r} has one class, {shown}: there is nothing to tell apart", column=name
        )


def fitting_task(target: pd.Series) -> TaskType | None:
    """Return the task that a target fits, or None where it fits none.

    Args:
        target: True labels, none missing, of one type.

    Example:
        >>> import pandas as pd
        >>> [fitting_task(pd.Series(v)) for v in ([0.5, 1.5], [0, 1], [*"abcabc"], range(60))]
        ['regression', 'binary', 'multiclass', 'regression']
    """
    from pandas.api import types

    different = target.nunique()
    if different < 2:
        return None
    is_number = types.is_numeric_dtype(target.dtype) and not types.is_bool_dtype(target.dtype)
    if is_number and (_has_fractions(target) or different > _MOST_CLASSES):
        return "regression"
    if different == 2:
        return "binary"
    # Text of which every second value is there once names rows, and no classes.
    return "multiclass" if is_number or 2 * different <= len(target) else None


def _instead(target: pd.Series) -> str:
    task = fitting_task(target)
    if task is None:
        return ""
    return f"; these {target.nunique()} values fit task_type {task!r}"


def _has_fractions(target: pd.Series) -> bool:
    import numpy as np
    from pandas.api import types

    if not types.is_float_dtype(target.dtype):
        return False
    numbers = target.to_numpy(dtype=float)
    return bool((np.isfinite(numbers) & (numbers != np.floor(numbers))).any())


def _fraction(target: pd.Series) -> float:
    import numpy as np

    return float(target[target != np.floor(target)].iloc[0])
