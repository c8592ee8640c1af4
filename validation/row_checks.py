"""Refuses rows that cannot be trained on, and warns of likely mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import DataRejected
from .feature_checks import check_features
from .target_checks import check_target

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..core.settings import Columns, DataSettings, TaskType


_SHOWN = 3


def check_rows(
    table: pa.Table,
    described: str,
    *,
    columns: Columns,
    task_type: TaskType,
    settings: DataSettings,
    protected: Sequence[str] = (),
) -> list[str]:
    """Refuse rows that cannot be trained on.

    Args:
        table: The rows as `read_source` gives them.
        described: What they were read from, for messages.
        columns: What each column is for.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        settings: Data validation and splitting.
        protected: Columns to compare groups of people by.

    Returns:
        Remarks on columns that can be trained on, and may not be what was meant.

    Raises:
        DataRejected: See `extraction.extract`.
    """
    from ..data.row_weights import groups_of, weights_of

    if table.num_rows < settings.minimum_rows:
        raise DataRejected(
            f"{described} gave {table.num_rows} rows, and training needs {settings.minimum_rows} "
            "(data.minimum_rows): check dataset.start, dataset.end and the source"
        )
    required = [*sorted(columns.roles), *columns.features]
    missing = [name for name in required if name not in table.column_names]
    if missing:
        raise DataRejected(
            f"{described} has no columns {missing}; found {table.column_names}: rename them at the "
            "source, or change dataset.columns",
            column=missing[0],
        )
    missing = [name for name in protected if name not in table.column_names]
    if missing:
        raise DataRejected(
            f"gates.fairness.columns names {missing}, which {described} has not; found {table.column_names}: "
            "bring them, or change gates.fairness.columns",
            column=missing[0],
        )
    features = columns.feature_names(table.column_names)
    if not features:
        raise DataRejected(
            f"{described} has no features; found {table.column_names}: name some in columns.features"
        )
    for roles, names in {
        "slices or categorical": [*columns.slices, *columns.categorical],
        "datetime_formats": [*columns.datetime_formats],
    }.items():
        unknown = [name for name in names if name not in features]
        if unknown:
            raise DataRejected(
                f"{roles} name {unknown}, which {described} has not; features are {features}: "
                "change dataset.columns",
                column=unknown[0],
            )
    frame = table.to_pandas()
    remarks = check_features(table, frame, features, columns)
    check_target(task_type, frame[columns.target])
    weights_of(frame, columns)
    groups_of(frame, columns)
    if columns.id is not None:
        _check_ids(frame[columns.id])
    return remarks


def _check_ids(ids: pd.Series) -> None:
    from ..data.identifiers import id_texts

    name = str(ids.name)
    texts = id_texts(ids)
    empty = int(texts.isna().sum())
    if empty:
        raise DataRejected(
            f"id column {name!r} is empty in {empty} of {len(ids)} rows: every row needs one",
            column=name,
        )
    repeated = texts[texts.duplicated()]
    if len(repeated):
        shown = ", ".join(map(str, repeated.unique()[:_SHOWN]))
        raise DataRejected(
            f"id column {name!r} has {len(repeated)} duplicates, such as {shown}: an id identifies one "
            "row, remove the duplicates at the source",
            column=name,
        )
