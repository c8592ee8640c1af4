"""Extracts a project's rows into a snapshot, and refuses rows that nobody could train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect import task
from prefect.cache_policies import NO_CACHE

from ..core.errors import DataRejected, LogUnavailable, SourceUnavailable
from ..core.results import Snapshot
from .run_log import retry_on, run_logger
from .sources import describe_source, read_source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..blocks.project import MLProject

_SHOWN = 3
# A text column with this share of numbers is a number column with something wrong in it.
_MOSTLY_NUMBERS = 0.9


@task(
    name="extract",
    task_run_name="extract {project.name}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retries=1,
    retry_delay_seconds=5,
    retry_condition_fn=retry_on(SourceUnavailable, LogUnavailable),
)
def extract(project: MLProject) -> Snapshot:
    """Read a project's dataset and keep it as a snapshot.

    Rows are cut to the dataset's time window and sorted by time. The same rows give the same digest.
    Infinities in features are left to `validate_data`.

    Args:
        project: The project.

    Returns:
        The rows, as a handle.

    Raises:
        SourceUnavailable: If the source cannot be reached or read; retried, as it may come back.
        DataRejected: If a column with a role is missing, repeated or mixes types, the target is
            empty somewhere or has too few classes, a timestamp has no time zone, an id is there
            twice, or there are too few rows.
        WorkspaceUnavailable: If the snapshot cannot be written.
    """
    from ..core.snapshots import save_snapshot

    dataset = project.dataset
    table = read_source(project, dataset)
    described = describe_source(project, dataset)
    check_rows(project, table, described)
    snapshot = save_snapshot(
        project.open_workspace(), table, described, timestamp=dataset.columns.timestamp
    )
    run_logger().info(
        "%d rows of %s are snapshot %s", snapshot.rows, described, snapshot.digest[:12]
    )
    return snapshot


def check_rows(project: MLProject, table: pa.Table, described: str) -> None:
    """Refuse rows that nobody could train on.

    Args:
        project: The project.
        table: The rows as `read_source` gives them.
        described: What they were read from, for messages.

    Raises:
        DataRejected: See `extract`.
    """
    from ..core.schema import infer_kinds

    columns = project.dataset.columns
    if table.num_rows < project.data.minimum_rows:
        raise DataRejected(
            f"{described} gave {table.num_rows} rows, and training needs {project.data.minimum_rows} "
            "(data.minimum_rows): check dataset.start, dataset.end and the source"
        )
    required = [columns.target, columns.timestamp, columns.id, *columns.features]
    missing = [name for name in required if name is not None and name not in table.column_names]
    if missing:
        raise DataRejected(
            f"{described} has no columns {missing}; found {table.column_names}: rename them at the "
            "source, or change dataset.columns",
            column=missing[0],
        )
    features = columns.feature_names(table.column_names)
    if not features:
        raise DataRejected(
            f"{described} has no features; found {table.column_names}: name some in columns.features"
        )
    unknown = [n for n in (*columns.slices, *columns.categorical) if n not in features]
    if unknown:
        raise DataRejected(
            f"slices or categorical name {unknown}, which {described} has not; features are {features}: "
            "change dataset.columns",
            column=unknown[0],
        )
    frame = table.to_pandas()
    infer_kinds(frame, features, columns.categorical)
    for name in features:
        if name not in columns.categorical:
            _refuse_stray_text(frame[name])
    _check_target(project, frame[columns.target])
    if columns.id is not None:
        _check_ids(frame[columns.id])


def _refuse_stray_text(values: pd.Series) -> None:
    import pandas as pd

    if values.dtype != object:
        return
    present = values.dropna()
    strays = present[pd.to_numeric(present, errors="coerce").isna()]
    if 0 < len(strays) <= (1 - _MOSTLY_NUMBERS) * len(present):
        shown = ", ".join(map(repr, strays.unique()[:_SHOWN]))
        raise DataRejected(
            f"column {values.name!r} holds numbers and, in {len(strays)} of {len(present)} rows, text "
            f"such as {shown}: mend it at the source, or list it in columns.categorical",
            column=str(values.name),
        )


def _check_target(project: MLProject, target: pd.Series) -> None:
    import numpy as np
    from pandas.api import types

    name = str(target.name)
    empty = int(target.isna().sum())
    if empty:
        raise DataRejected(
            f"target {name!r} is empty in {empty} of {len(target)} rows: leave rows without a label out "
            "at the source",
            column=name,
        )
    if project.task == "regression":
        if not types.is_numeric_dtype(target.dtype) or types.is_bool_dtype(target.dtype):
            raise DataRejected(
                f"target {name!r} holds {target.dtype}, such as {target.iloc[0]!r}: regression needs "
                "numbers, or set task to binary or multiclass",
                column=name,
            )
        endless = int(np.isinf(target.to_numpy(dtype=float)).sum())
        if endless:
            raise DataRejected(
                f"target {name!r} is infinite in {endless} rows: leave them out at the source",
                column=name,
            )
        return
    kinds = {type(value).__name__ for value in target.unique()} if target.dtype == object else set()
    if len(kinds) > 1:
        raise DataRejected(f"target {name!r} mixes {sorted(kinds)}: use one type", column=name)
    classes = sorted(target.unique())
    shown = [value.item() if isinstance(value, np.generic) else value for value in classes[:6]]
    if project.task == "binary" and len(classes) != 2:
        raise DataRejected(
            f"target {name!r} has {len(classes)} classes, {shown}: binary needs exactly two",
            column=name,
        )
    if len(classes) < 2:
        raise DataRejected(
            f"target {name!r} has one class, {shown}: there is nothing to tell apart", column=name
        )


def _check_ids(ids: pd.Series) -> None:
    name = str(ids.name)
    empty = int(ids.isna().sum())
    if empty:
        raise DataRejected(
            f"id column {name!r} is empty in {empty} of {len(ids)} rows: every row needs one",
            column=name,
        )
    repeated = ids[ids.duplicated()]
    if len(repeated):
        shown = ", ".join(map(str, repeated.unique()[:_SHOWN]))
        raise DataRejected(
            f"id column {name!r} has {len(repeated)} duplicates, such as {shown}: an id identifies one "
            "row, remove the duplicates at the source",
            column=name,
        )
