"""Writes rows as immutable Parquet files named by their digest, and reads them back.

The digest is the SHA-256 of the file's bytes, so `sha256sum` checks it, and equal rows written by the
same version of Arrow get the same name.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..core.errors import ConfigurationError, DataRejected, WorkspaceUnavailable
from ..core.results import Snapshot, Split, WindowData
from ..core.settings import Columns
from ..core.workspace import Workspace, read_uri
from .tables import without_spaces


def save_snapshot(
    workspace: Workspace, table: pa.Table, source: str, timestamp: str | None = None
) -> Snapshot:
    """Write rows once.

    Args:
        workspace: Where to write.
        table: The rows, in order.
        source: What they were read from, without credentials.
        timestamp: Name of the timestamp column, for `first` and `last`.

    Returns:
        The handle.

    Raises:
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    plain = table.replace_schema_metadata(None)
    buffer = io.BytesIO()
    pq.write_table(plain, buffer, compression="zstd", row_group_size=65_536)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    name = f"snapshots/{digest}.parquet"
    if not workspace.exists(name):
        workspace.write_bytes(name, content)
    first = last = None
    if timestamp and plain.num_rows:
        moments = pd.to_datetime(plain.column(timestamp).to_pandas(), utc=True)
        if moments.notna().any():
            first, last = moments.min().to_pydatetime(), moments.max().to_pydatetime()
    return Snapshot(
        uri=workspace.uri(name),
        digest=digest,
        rows=plain.num_rows,
        columns={field.name: str(field.type) for field in plain.schema},
        source=source,
        first=first,
        last=last,
    )


Rows = Snapshot | pd.DataFrame | pa.Table


def as_snapshot(rows: Rows, workspace: Workspace, *, timestamp: str | None = None) -> Snapshot:
    """Return rows as the handle that steps pass on, written once if they are no snapshot yet.

    Args:
        rows: A snapshot, a pandas frame or an Arrow table, in time order when they have one.
        workspace: Where to write.
        timestamp: Name of the timestamp column, for `first` and `last`.

    Returns:
        The handle.

    Raises:
        DataRejected: If a column of a frame holds values of several types, or types that Arrow has not.
        WorkspaceUnavailable: If the workspace cannot be written.

    Example:
        >>> import tempfile
        >>> frame = pd.DataFrame({"age": [41, 37], "y": ["no", "yes"]})
        >>> as_snapshot(frame, Workspace(tempfile.mkdtemp())).columns
        {'age': 'int64', 'y': 'string'}
    """
    if isinstance(rows, Snapshot):
        return rows
    return save_snapshot(workspace, as_table(rows), "rows that were given", timestamp)


def as_frame(rows: Rows | WindowData, name: str = "rows") -> pd.DataFrame:
    """Return rows as a pandas frame.

    Args:
        rows: A snapshot, a window of predictions, a pandas frame or an Arrow table.
        name: What an error calls them.

    Returns:
        The frame; the same one where it is one already.

    Raises:
        ConfigurationError: If they are of another kind.
        WorkspaceUnavailable: See `load_table`.

    Example:
        >>> as_frame(pa.table({"age": [41, 37]}))["age"].tolist()
        [41, 37]
    """
    match rows:
        case pd.DataFrame():
            return rows
        case Snapshot():
            return load_frame(rows)
        case WindowData():
            return load_frame(rows.snapshot)
        case pa.Table():
            return rows.to_pandas()
        case _:
            raise ConfigurationError(
                f"{name} is a {type(rows).__name__}: give a pandas.DataFrame, a pyarrow.Table or a Snapshot"
            )


def train_and_holdout(split: Split | Sequence[Rows]) -> tuple[Rows, Rows]:
    """Return both parts of a split, or of a pair of rows.

    Raises:
        ConfigurationError: If it is neither.
    """
    if isinstance(split, Split):
        return split.train, split.holdout
    if isinstance(split, tuple | list) and len(split) == 2:
        return split[0], split[1]
    raise ConfigurationError(
        f"split is a {type(split).__name__}: give a Split, or a pair of the rows to fit on and the rows "
        "held out"
    )


def as_split(split: Split | Sequence[Rows], workspace: Workspace, columns: Columns) -> Split:
    """Return a split as the handles that steps pass on, written once if it is a pair of rows.

    Args:
        split: A split, or the rows to fit on and the rows held out, each in time order when they have one.
        workspace: Where to write.
        columns: What each column is for.

    Returns:
        The split. By time if the rows have an order, of which the held out ones must be the later part.

    Raises:
        ConfigurationError: If it is neither.
        DataRejected: If a timestamp is missing, or held out rows are earlier than the others.
        WorkspaceUnavailable: If the workspace cannot be written.
    """
    if isinstance(split, Split):
        return split
    parts = train_and_holdout(split)
    name = columns.timestamp
    for part, side in zip(parts, ("split[0]", "split[1]"), strict=True):
        found = part.columns if isinstance(part, Snapshot) else as_frame(part, side).columns
        if name is not None and name not in found:
            raise DataRejected(
                f"columns.timestamp names {name!r}, not among {list(found)} of {side}", column=name
            )
    train, holdout = (as_snapshot(part, workspace, timestamp=name) for part in parts)
    if train.last and holdout.first and holdout.first < train.last:
        raise DataRejected(
            f"held out rows begin at {holdout.first}, before the rows to fit on end at {train.last}: hold "
            "out the latest rows, or leave columns.timestamp out",
            column=name,
        )
    return Split(
        train=train,
        holdout=holdout,
        method="time" if columns.has_order else "hash",
        boundary=holdout.first,
        first_holdout_row=train.rows if columns.has_order else None,
    )


def as_table(rows: Rows) -> pa.Table:
    """Return rows as an Arrow table.

    Args:
        rows: A snapshot, a pandas frame or an Arrow table.

    Returns:
        The table, without a frame's index; the same one where it is one already.

    Raises:
        ConfigurationError: If they are of another kind.
        DataRejected: If a column of a frame holds values of several types, or types that Arrow has not.
        WorkspaceUnavailable: See `load_table`.

    Example:
        >>> as_table(pd.DataFrame({"age": [41, 37]})).column_names
        ['age']
    """
    if isinstance(rows, pa.Table):
        return rows
    if isinstance(rows, Snapshot):
        return load_table(rows)
    if not isinstance(rows, pd.DataFrame):
        raise ConfigurationError(
            f"rows is a {type(rows).__name__}: give a pandas.DataFrame, a pyarrow.Table or a Snapshot"
        )
    rows = as_frame(rows)
    columns: dict[str, pa.Array] = {}
    for name, values in rows.items():
        try:
            columns[str(name)] = pa.Array.from_pandas(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            raise DataRejected(
                f"column {name!r} is no column of a table: {error}. Give it one type",
                column=str(name),
            ) from error
    return pa.table(columns)


def load_table(snapshot: Snapshot) -> pa.Table:
    """Read a snapshot as an Arrow table, and check that it is the one that was written.

    Raises:
        WorkspaceUnavailable: If the file is missing, or its content is not what was written.
    """
    content = read_uri(snapshot.uri)
    found = hashlib.sha256(content).hexdigest()
    if found != snapshot.digest:
        raise WorkspaceUnavailable(
            f"{snapshot.uri} has changed: digest {found[:12]}… instead of {snapshot.digest[:12]}…. "
            "Snapshots are immutable: delete the file and extract again"
        )
    return pq.read_table(io.BytesIO(content))


def load_frame(snapshot: Snapshot, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a snapshot as a pandas frame with a fresh index.

    Text loses the spaces around it, which snapshots of earlier versions still have.

    Args:
        snapshot: The handle.
        columns: Columns to read, in this order. None: all.

    Raises:
        DataRejected: If a column is missing.
        WorkspaceUnavailable: See `load_table`.
    """
    table = load_table(snapshot)
    if columns is not None:
        missing = [name for name in columns if name not in table.column_names]
        if missing:
            raise DataRejected(
                f"columns {missing} are not in the snapshot; it has {table.column_names}",
                column=missing[0],
            )
        table = table.select(columns)
    return without_spaces(table).to_pandas()


def open_snapshot(workspace: Workspace, digest: str) -> Snapshot:
    """Return the handle of a snapshot that was written earlier.

    Args:
        workspace: Where it was written.
        digest: Its digest.

    Returns:
        The handle, without `first` and `last`.

    Raises:
        WorkspaceUnavailable: If it is not there any more.
    """
    name = f"snapshots/{digest}.parquet"
    schema_of = pq.ParquetFile(io.BytesIO(workspace.read_bytes(name)))
    return Snapshot(
        uri=workspace.uri(name),
        digest=digest,
        rows=schema_of.metadata.num_rows,
        columns={field.name: str(field.type) for field in schema_of.schema_arrow},
        source="an earlier snapshot",
    )
