"""What rows count: sample weights, and the groups that rows belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.errors import DataRejected

if TYPE_CHECKING:
    import pandas as pd

    from ..core.settings import Columns

# Of fewer clusters, intervals that draw clusters are too narrow (Cameron and Miller, *A Practitioner's
# Guide to Cluster-Robust Inference*, J. Human Resources 50, 2015: 20 to 50 are few).
FEWEST_GROUPS = 20


def weights_of(frame: pd.DataFrame, columns: Columns) -> np.ndarray | None:
    """Return what each row counts.

    Args:
        frame: Rows.
        columns: Roles.

    Returns:
        Shape (n,), none negative, not all 0; None where no column is the weight.

    Raises:
        DataRejected: If the column is missing, or holds something else.

    Example:
        >>> import pandas as pd
        >>> from prefect_mlops.core.settings import Columns
        >>> weights_of(pd.DataFrame({"w": [1, 2.5]}), Columns(target="y", weight="w")).tolist()
        [1.0, 2.5]
    """
    import pandas as pd

    name = columns.weight
    if name is None:
        return None
    values = _column(frame, name, "weight")
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)
    for wrong, what in (
        (~np.isfinite(numbers), "no finite number"),
        (numbers < 0, "negative"),
    ):
        if wrong.any():
            shown = values[wrong].iloc[0]
            raise DataRejected(
                f"weight {name!r} is {what} in {int(wrong.sum())} of {len(frame)} rows, for example "
                f"{str(shown)!r}: expected numbers from 0 on, mend them at the source",
                column=name,
            )
    if len(frame) and not numbers.sum() > 0:
        raise DataRejected(
            f"weight {name!r} is 0 in all {len(frame)} rows: nothing counts, expected some above 0",
            column=name,
        )
    return numbers


def counting_rows(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return the rows that count anything: the others are no evidence, and must not be taken for some.

    Args:
        frame: Rows.
        columns: Roles.

    Returns:
        Those of a weight above 0, as they are; the same frame where no column is the weight.

    Raises:
        DataRejected: As `weights_of` does.
    """
    weights = weights_of(frame, columns)
    return frame if weights is None else frame[weights > 0]


def groups_of(frame: pd.DataFrame, columns: Columns) -> np.ndarray | None:
    """Return the group of each row.

    Args:
        frame: Rows.
        columns: Roles.

    Returns:
        Text, shape (n,); None where no column is the group.

    Raises:
        DataRejected: If the column is missing, or empty somewhere.
    """
    from .identifiers import id_texts

    name = columns.group
    if name is None:
        return None
    texts = id_texts(_column(frame, name, "group"))
    empty = int(texts.isna().sum())
    if empty:
        raise DataRejected(
            f"group {name!r} is empty in {empty} of {len(frame)} rows: every row needs one, a row that "
            "belongs to no other one of its own",
            column=name,
        )
    return texts.to_numpy(dtype=object)


def refuse_few_groups(groups: np.ndarray, column: str, where: str) -> None:
    """Refuse rows of too few groups.

    Raises:
        DataRejected: If there are fewer than 20.
    """
    found = len(set(groups))
    if found < FEWEST_GROUPS:
        raise DataRejected(
            f"{where} are of {found} groups of {column!r}, and {FEWEST_GROUPS} are needed: of fewer nobody "
            "can tell chance from a difference. Bring rows of more groups, hold out more or fewer rows "
            "(data.holdout_share, data.holdout_rows), or choose a finer columns.group",
            column=column,
        )


def refuse_straddling(train: pd.DataFrame, holdout: pd.DataFrame, columns: Columns) -> None:
    """Refuse rows to fit on and held out that share a group.

    Raises:
        DataRejected: If they do, or the column is missing or empty somewhere.
    """
    fitted, held = groups_of(train, columns), groups_of(holdout, columns)
    if fitted is None or held is None:
        return
    both = sorted(set(fitted) & set(held))
    if both:
        raise DataRejected(
            f"{len(both)} groups of {columns.group!r} have rows to fit on and rows held out, such as "
            f"{both[:3]}: the task split puts each on one side",
            column=columns.group,
        )


def _column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    if name not in frame:
        raise DataRejected(
            f"{role} column {name!r} is missing; found {list(frame)}: bring it, or change "
            f"columns.{role}",
            column=name,
        )
    return frame[name]
