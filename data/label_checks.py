"""Refuses arriving labels that the model cannot predict: unknown classes, or no numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pandas.api import types as ptypes

from ..core.errors import DataRejected
from .class_labels import class_text, match_classes

_EXAMPLES = 5


def refuse_new_classes(labels: pd.Series, classes: Sequence[object]) -> None:
    """Refuse labels of classes that a model does not know.

    Args:
        labels: Labels, without missing ones; the name is the column's.
        classes: The model's classes.

    Raises:
        DataRejected: Naming the other classes, and how many labels are of each.

    Example:
        >>> refuse_new_classes(pd.Series([1.0, "0", True]), [0, 1])
    """
    known = [class_text(name) for name in classes]
    matched = match_classes(labels, known)
    strange = Counter(
        class_text(label) for label, name in zip(labels, matched, strict=True) if name is None
    )
    if strange:
        shown = ", ".join(f"{name!r} ({n})" for name, n in strange.most_common(_EXAMPLES))
        raise DataRejected(
            f"target {labels.name!r} has {strange.total()} of {len(labels)} labels of classes that the "
            f"champion does not know: {shown}; it knows {known}. None was attached. Mend them at the "
            "source or, if they are right, attach them with new_classes=True and train on them",
            column=str(labels.name),
        )


def finite_numbers(labels: pd.Series) -> pd.Series:
    """Return the labels of a regression as numbers.

    Args:
        labels: Labels, without missing ones; the name is the column's.

    Returns:
        The labels; text that is a number as a float.

    Raises:
        DataRejected: If some are no numbers, or infinite.

    Example:
        >>> finite_numbers(pd.Series(["1.5", "2"])).tolist()
        [1.5, 2.0]
    """
    if ptypes.is_numeric_dtype(labels.dtype):
        numbers = labels.astype(float)
    elif ptypes.is_object_dtype(labels.dtype) or ptypes.is_string_dtype(labels.dtype):
        numbers = pd.to_numeric(labels, errors="coerce").astype(float)
    else:
        numbers = pd.Series(np.nan, index=labels.index)
    wrong = labels[~np.isfinite(numbers)]
    if len(wrong):
        raise DataRejected(
            f"target {labels.name!r} has {len(wrong)} of {len(labels)} labels that are no finite numbers, "
            f"such as {wrong.iloc[0]!r}; none was attached. Mend them at the source, or leave them out",
            column=str(labels.name),
        )
    return labels if ptypes.is_numeric_dtype(labels.dtype) else numbers
