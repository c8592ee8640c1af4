"""Reads the rows that a user's own function returns: a frame, an Arrow table, or parts of one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError, DataRejected, MLOpsError, SourceUnavailable
from ..core.import_paths import load_function, raised_at
from ..core.secret_text import without_credentials
from .files import say_dropped

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from ..core.settings import Columns, FunctionSource

_RETURNS = "a pandas DataFrame, an Arrow table, or an iterator of them"


def read_function(source: FunctionSource, columns: Columns) -> pa.Table:
    """Read the rows that a function returns.

    Of an iterator, one part at a time is held beside what is kept of those before it: the columns with a
    role.

    Args:
        source: Which function, and its options.
        columns: Roles.

    Returns:
        The rows, in the order that they were returned in.

    Raises:
        ConfigurationError: If the function cannot be imported, does not take the options, or returns
            something else.
        SourceUnavailable: If it raises; what it says is told without what looks like a password.
        DataRejected: If a column is there twice or mixes types, parts differ in their columns or types,
            or there is no part. One that the function itself raises is passed on.
    """
    from ..data.row_numbers import without_row_numbers

    path = source.function
    function = load_function(path, "data source", f"that returns {_RETURNS}")
    try:
        inspect.signature(function).bind(**source.options)
    except TypeError as error:
        raise ConfigurationError(
            f"data source {path!r} does not take its options {sorted(source.options)}: {error}"
        ) from None
    # Builtins and some extensions do not say what they take.
    except ValueError:
        pass
    parts = [
        _with_roles(_table(path, part, columns), columns)
        for part in _parts(source, _asked(source, lambda: function(**source.options)))
    ]
    table, dropped = without_row_numbers(_joined(path, parts), path, columns)
    say_dropped(dropped, path)
    return table


def _asked(source: FunctionSource, ask: Callable[[], Any]) -> Any:
    """Return what the function answers, or raise what it raised as one of ours."""
    try:
        return ask()
    except MLOpsError:
        raise
    except Exception as error:
        said = without_credentials(f"{type(error).__name__}: {error}", source.options)
        # Its own traceback would quote what was taken out of the message.
        raise SourceUnavailable(
            f"data source {source.function!r} raised {said}{raised_at(error, __file__)}"
        ) from None


def _parts(source: FunctionSource, found: Any) -> Iterator[Any]:
    import pandas as pd
    import pyarrow as pa

    if isinstance(found, pd.DataFrame | pa.Table | pa.RecordBatch):
        yield found
        return
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        raise _wrong(source.function, found)
    parts = iter(found)
    ended = object()
    while (part := _asked(source, lambda: next(parts, ended))) is not ended:
        yield part


def _wrong(path: str, found: Any) -> ConfigurationError:
    return ConfigurationError(
        f"data source {path!r} returned {type(found).__name__}: expected {_RETURNS}"
    )


def _table(path: str, part: Any, columns: Columns) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    from ..data.tables import refuse_repeated

    if isinstance(part, pa.RecordBatch):
        part = pa.Table.from_batches([part])
    if isinstance(part, pa.Table):
        refuse_repeated(part.column_names)
        return part.replace_schema_metadata(None)
    if not isinstance(part, pd.DataFrame):
        raise _wrong(path, part)
    refuse_repeated([str(name) for name in part])
    return _of_frame(part, columns)


def _of_frame(frame: pd.DataFrame, columns: Columns) -> pa.Table:
    import pyarrow as pa

    from ..data.tables import table_of

    wanted = _roles([str(name) for name in frame], columns)
    arrays: dict[str, Any] = {}
    for name, values in frame.items():
        key = str(name)
        if key not in wanted:
            continue
        if values.dtype != object:
            arrays[key] = pa.Array.from_pandas(values)
            continue
        # Anything may be in it: read as a database's values are.
        plain = table_of(
            {key: values.tolist()},
            categorical=columns.categorical,
            identifier=columns.id,
        )
        arrays[key] = plain.column(key)
    return pa.table(arrays)


def _roles(available: list[str], columns: Columns) -> set[str]:
    return columns.wanted(available)


def _with_roles(table: pa.Table, columns: Columns) -> pa.Table:
    import pyarrow as pa

    wanted = _roles(table.column_names, columns)
    table = table.select([name for name in table.column_names if name in wanted])
    for position, field in enumerate(table.schema):
        # Parts may know different categories of one column.
        if pa.types.is_dictionary(field.type):
            values = table.column(position).cast(field.type.value_type)
            table = table.set_column(position, field.name, values)
    return table


def _joined(path: str, parts: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    if not parts:
        raise DataRejected(
            f"data source {path!r} gave no part: yield one without rows to say which columns there are"
        )
    first = parts[0]
    for number, table in enumerate(parts[1:], start=2):
        different = sorted(set(first.column_names) ^ set(table.column_names))
        if different:
            raise DataRejected(
                f"part {number} of data source {path!r} differs from the first in columns {different}: "
                "parts of one dataset need the same columns",
                column=different[0],
            )
    try:
        return pa.concat_tables(
            [table.select(first.column_names) for table in parts], promote_options="permissive"
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataRejected(
            f"parts of data source {path!r} have columns of different types: {error}"
        ) from error
