"""Reads the rows of a dataset, whatever kind of source it has.

| source | reader | order before sorting by time |
| --- | --- | --- |
| CSV | `csv_files` | names of the files, then rows |
| Parquet | `files` | names of the files, then rows |
| SQL | `databases` | the query's |
| MongoDB | `databases` | `sort`, then `_id` |
| function | `functions` | the function's |
| rows that are given | here | as they are |
| predictions | here | history, then the log by time |
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, assert_never

from ..core.errors import DataRejected
from ..core.results import Window
from ..core.secret_text import public_uri
from ..core.table_columns import FEATURE_PREFIX
from ..core.time_bounds import EARLIEST, LATEST
from .csv_files import read_csv
from .databases import read_mongo, read_sql
from .files import public_url, read_parquet
from .functions import read_function
from .given_rows import GivenRows

if TYPE_CHECKING:
    import pyarrow as pa

    from ..blocks.dataset import Dataset
    from ..blocks.model_registry import ModelRegistry
    from ..blocks.stores import Stores
    from ..core.settings import Columns, CsvSource, ParquetSource, TaskType
    from ..storage.redaction import Redaction


def read_source(
    dataset: Dataset | GivenRows,
    *,
    own: bool = False,
    protected: Sequence[str] = (),
    task_type: TaskType,
    redaction: Redaction | None,
    stores: Stores,
) -> pa.Table:
    """Read a dataset's rows: those of its time window, in time order, columns with a role only.

    Columns with a role may be missing: rows to score have no target. Text has no spaces around it.
    Whatever a column was beside its nulls, ids are text and keep every digit, and so do categories and
    classes.

    Args:
        dataset: The rows, or where they are.
        own: Whether it is the dataset to train on, which every redacted column must be in.
        protected: Columns that are read although they have no role.
        task_type: What is predicted: `binary`, `multiclass` or `regression`.
        redaction: What of a column may be kept in the prediction log. None: everything.
        stores: Where the model's things are kept.

    Returns:
        The rows. The timestamp column, when there is one, is timestamp[us, UTC].

    Raises:
        SourceUnavailable: If the source cannot be reached or read.
        DataRejected: If a column is repeated, nested or mixed, or a timestamp is missing, without
            time zone or unreadable.
        LogUnavailable: If the prediction log cannot be read.
        ConfigurationError: If the project redacts columns that its own rows do not have, rows are read
            from the prediction log whose features are redacted there, or a function cannot be called.
    """
    from ..data.table_timestamps import between, in_order, with_moments

    if protected and not isinstance(dataset, GivenRows):
        columns = dataset.columns.with_beside(protected)
        dataset = dataset.model_copy(update={"columns": columns})
    found = _read(dataset, stores=stores, task_type=task_type, redaction=redaction)
    if own and redaction is not None:
        redaction.check(dataset.columns, found.column_names)
    table = _prepared(found, dataset.columns, task_type=task_type)
    name = dataset.columns.timestamp
    if name is not None and name in table.column_names:
        table = with_moments(table, name)
        table = in_order(between(table, name, dataset.start, dataset.end), name)
    return table


def describe_source(registry: ModelRegistry, dataset: Dataset) -> str:
    """Return what a dataset is read from, without credentials."""
    source = dataset.source
    match source.type:
        case "csv" | "parquet":
            return public_url(source.path)
        case "sql":
            return public_uri(source.url.get_secret_value())
        case "mongodb":
            return f"{public_uri(source.uri.get_secret_value())}.{source.collection}"
        case "function":
            return f"function {source.function}"
        case "predictions":
            return f"predictions of {registry.model_name}"
        case _:
            assert_never(source)


def _read(
    dataset: Dataset | GivenRows,
    *,
    task_type: TaskType,
    redaction: Redaction | None,
    stores: Stores,
) -> pa.Table:
    if isinstance(dataset, GivenRows):
        return dataset.table
    source = dataset.source
    match source.type:
        case "csv" | "parquet":
            return _read_files(source, dataset.columns)
        case "sql":
            return read_sql(source, dataset)
        case "mongodb":
            return read_mongo(source, dataset.columns)
        case "function":
            return read_function(source, dataset.columns)
        case "predictions":
            logged = _read_predictions(dataset, stores=stores, redaction=redaction)
            if source.history is None:
                return logged
            history = _read_files(source.history, dataset.columns)
            history, logged = (
                _prepared(part, dataset.columns, task_type=task_type) for part in (history, logged)
            )
            return _joined(history, logged, dataset.columns)
        case _:
            assert_never(source)


def _read_files(source: CsvSource | ParquetSource, columns: Columns) -> pa.Table:
    return read_csv(source, columns) if source.type == "csv" else read_parquet(source, columns)


def _prepared(table: pa.Table, columns: Columns, *, task_type: TaskType) -> pa.Table:
    from ..data.table_timestamps import with_formats
    from ..data.tables import plain, with_digits

    table = plain(with_digits(_with_roles(table, columns), columns, task_type))
    return with_formats(table, columns.datetime_formats)


def _with_roles(table: pa.Table, columns: Columns) -> pa.Table:
    wanted = columns.wanted(table.column_names)
    return table.select([name for name in table.column_names if name in wanted])


def _read_predictions(dataset: Dataset, *, redaction: Redaction | None, stores: Stores) -> pa.Table:
    from ..data.tables import refuse_repeated

    columns = dataset.columns
    if redaction is not None:
        redaction.check_training(columns)
    window = Window(start=dataset.start or EARLIEST, end=dataset.end or LATEST)
    with stores.predictions.get_client() as store:
        rows = store.read(stores.registry.model_name, window, columns=columns.features or None)
    rows = rows.filter(rows.column("label").is_valid())
    names = {"label": columns.target}
    if columns.timestamp:
        names["at"] = columns.timestamp
    if columns.id:
        names["id"] = columns.id
    for name in rows.column_names:
        if name.startswith(FEATURE_PREFIX):
            names[name] = name.removeprefix(FEATURE_PREFIX)
    refuse_repeated(list(names.values()))
    return rows.select(list(names)).rename_columns(list(names.values()))


def _joined(history: pa.Table, logged: pa.Table, columns: Columns) -> pa.Table:
    import pyarrow as pa

    from ..data.table_timestamps import with_moments

    if logged.num_rows == 0:
        return history
    parts = [history, logged]
    lacking = sorted(set(parts[0].column_names) ^ set(parts[1].column_names))
    if lacking:
        raise DataRejected(
            f"history and prediction log differ in columns {lacking}: list the model's columns in "
            "columns.features, and the others in columns.ignored",
            column=lacking[0],
        )
    if columns.timestamp in parts[0].column_names and columns.timestamp:
        parts = [with_moments(part, columns.timestamp) for part in parts]
    try:
        return pa.concat_tables(
            [part.select(parts[0].column_names) for part in parts], promote_options="permissive"
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataRejected(
            f"history and prediction log have columns of different types: {error}"
        ) from error
