"""Checks that a holdout has enough rows of every class to evaluate a model on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..core.results import Gate
from ..core.settings import TaskType
from ..data.schema import category_text

NAME = "holdout classes"
_MOST_SHOWN = 5


def holdout_classes(target: pd.Series, task: TaskType, needed: int) -> list[Gate]:
    """Judge whether a holdout's labels differ enough to decide on.

    With one class, or one number, a model that guesses is as good as any other.

    Args:
        target: Labels of the holdout.
        task: Task type.
        needed: Fewest rows that each of two classes must have; for numbers, that must differ from the
            most frequent one.

    Returns:
        A gate that is `not_run` when the holdout cannot tell; for `multiclass`, another that does not
        block when there are classes with fewer rows.

    Example:
        >>> rare = pd.Series(["no"] * 98 + ["yes"] * 2)
        >>> holdout_classes(rare, "binary", 5)[0].verdict
        'not_run'
    """
    counts = _counts(target, task)
    # Of numbers, what counts is how many are another than the most frequent one.
    second = int(counts.iloc[1:].sum()) if task == "regression" else _at(counts, 1)
    enough = second >= needed
    shown = _shown(counts) if task != "regression" else _numbers(counts)
    reason = f"{len(target)} rows are held out, {shown}; "
    if task == "regression":
        reason += f"{needed} that differ from the most frequent value are needed"
    else:
        reason += f"{needed} rows of at least two classes each are needed"
    reason += " (gates.minimum_class_rows)"
    if not enough:
        reason += (
            ": a model that guesses is as good as any here. Raise data.holdout_rows or "
            "data.holdout_share, or bring more rows"
        )
    gates = [
        Gate(
            name=NAME,
            verdict="passed" if enough else "not_run",
            reason=reason,
            value=float(second),
            threshold=float(needed),
        )
    ]
    rare = counts[counts < needed]
    if enough and task == "multiclass" and len(rare):
        gates.append(
            Gate(
                name="rare classes in the holdout",
                verdict="not_run",
                reason=f"fewer than {needed} rows (gates.minimum_class_rows) are held out of {_shown(rare)}: "
                "nothing is said about how well they are predicted",
                value=float(len(rare)),
                blocking=False,
            )
        )
    return gates


def _counts(target: pd.Series, task: TaskType) -> pd.Series:
    if task == "regression":
        return pd.Series(np.asarray(target, dtype=float)).value_counts()
    return target.map(category_text).value_counts()


def _at(counts: pd.Series, position: int) -> int:
    return int(counts.iloc[position]) if len(counts) > position else 0


def _shown(counts: pd.Series) -> str:
    # The rarest ones are those that lack rows.
    rarest = counts.sort_values(kind="stable").head(_MOST_SHOWN)
    named = ", ".join(f"{count} of {name!r}" for name, count in rarest.items())
    return named + (", …" if len(counts) > _MOST_SHOWN else "")


def _numbers(counts: pd.Series) -> str:
    value, count = next(iter(counts.items()), ("none", 0))
    return f"{count} of them with the target {value:g}" if counts.size else "none with a target"
