"""Splits a snapshot into rows to fit on and rows to decide on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import DataRejected
from ..core.results import Split
from ..core.settings import DataSettings
from ..core.settings.gates import MINIMUM_HOLDOUT_ROWS
from ..core.settings.monitoring import WINDOW_ROWS
from ..core.workspace import as_workspace
from ..data.holdout import held_out_by_hash
from ..runs.run_logger import run_logger
from ..runs.step import step

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from ..core.settings import Columns, TaskType
    from ..core.workspace import Workspace
    from ..data.snapshots import Rows


@step()
def split(
    rows: Rows,
    *,
    columns: Columns,
    task_type: TaskType,
    workspace: Workspace | str,
    settings: DataSettings | None = None,
    minimum_holdout_rows: int = MINIMUM_HOLDOUT_ROWS,
    window_rows: int = WINDOW_ROWS,
) -> Split:
    """Hold out rows that nothing is fitted or tuned on.

    With a time order the latest rows are held out, and rows of one moment stay together. Without
    one, a row is held out by the digest of its id (or of its features, when it has no id): it
    lands on the same side in every snapshot, so no later holdout holds rows that a champion saw.

    Rows of one group (`columns.group`) are on one side: a group is held out by its digest, or, in time
    order, earlier rows of a group that is held out are left out.

    Args:
        rows: The rows, in time order when they have one: a snapshot, a pandas frame or an Arrow table.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        workspace: Where both parts are written: a path, a URL or a workspace.
        settings: Data validation and splitting. None: the defaults.
        minimum_holdout_rows: Rows that a decision needs at least.
        window_rows: Rows of a monitoring window.

    Returns:
        Both parts, as snapshots.

    Raises:
        DataRejected: If a part is too small, or the training rows lack a class.
        WorkspaceUnavailable: If the snapshot cannot be read, or the parts cannot be written.
    """
    import numpy as np

    from ..data.holdout import first_held_out, straddling, wanted_holdout
    from ..data.row_weights import groups_of, refuse_few_groups
    from ..data.snapshots import as_snapshot, load_table, save_snapshot
    from ..data.tables import without_spaces

    workspace, settings = as_workspace(workspace), settings or DataSettings()
    snapshot = as_snapshot(rows, workspace, timestamp=columns.timestamp)
    table = load_table(snapshot)
    if columns.has_order:
        wanted = wanted_holdout(table.num_rows, settings, window_rows)
        first = first_held_out(table, columns.timestamp, wanted)
        held_out = np.arange(table.num_rows) >= first
    else:
        first = None
        held_out = held_out_by_hash(
            without_spaces(table).to_pandas(),
            columns.group or columns.id,
            columns.feature_names(table.column_names),
            settings.holdout_share,
        )
    groups = groups_of(table.to_pandas(), columns) if columns.group is not None else None
    if groups is not None:
        left_out = straddling(groups, held_out)
        refuse_few_groups(groups[held_out], str(columns.group), "rows held out")
        refuse_few_groups(groups[~held_out & ~left_out], str(columns.group), "rows to fit on")
        if left_out.any():
            run_logger().info("%d rows left out: their groups are held out", int(left_out.sum()))
            table = table.filter(~left_out)
            held_out = held_out[~left_out]
    _check_parts(
        table,
        held_out,
        columns=columns,
        task_type=task_type,
        minimum_holdout_rows=minimum_holdout_rows,
    )
    train, holdout = (
        save_snapshot(workspace, table.filter(part), snapshot.source, timestamp=columns.timestamp)
        for part in (~held_out, held_out)
    )
    method = "hash" if first is None else "time"
    run_logger().info("%d rows to fit on, %d held out by %s", train.rows, holdout.rows, method)
    return Split(
        train=train,
        holdout=holdout,
        method=method,
        boundary=holdout.first,
        first_holdout_row=first,
    )


def _check_parts(
    table: pa.Table,
    held_out: np.ndarray,
    *,
    columns: Columns,
    task_type: TaskType,
    minimum_holdout_rows: int,
) -> None:
    rows = int(held_out.sum())
    if rows < minimum_holdout_rows:
        raise DataRejected(
            f"{rows} of {table.num_rows} rows would be held out, and a promotion needs "
            f"{minimum_holdout_rows} (gates.minimum_holdout_rows): raise "
            "data.holdout_share or data.holdout_rows, or bring more rows"
        )
    left = table.num_rows - rows
    if left < minimum_holdout_rows:
        raise DataRejected(
            f"{left} of {table.num_rows} rows would be left to fit on, fewer than a promotion is decided "
            f"on, {minimum_holdout_rows} (gates.minimum_holdout_rows): lower "
            "data.holdout_share or data.holdout_rows"
        )
    if task_type == "regression":
        return
    name = columns.target
    target = table.column(name).to_pandas()
    lacking = sorted(set(target.unique()) - set(target[~held_out].unique()))
    if lacking:
        raise DataRejected(
            f"target {name!r} has classes {[str(value) for value in lacking[:6]]} in the held out rows "
            "only: hold out fewer rows, or bring more rows of these classes",
            column=name,
        )
