"""Reads files, one or many, local or behind any fsspec URL; Parquet files here, CSV in `csv_files`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ..core.errors import ConfigurationError, DataRejected, SourceUnavailable
from ..runs.run_logger import run_logger

if TYPE_CHECKING:
    import pyarrow as pa

    from ..core.settings import Columns, ParquetSource


def public_url(path: str) -> str:
    """Return a path or URL without user, password and query, which may hold a signature.

    Example:
        >>> public_url("https://me:secret@host/rows.csv?signature=abc")
        'https://host/rows.csv'
    """
    if "://" not in path:
        return path
    parts = urlsplit(path)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def read_parquet(source: ParquetSource, columns: Columns | None = None) -> pa.Table:
    """Read Parquet files; several are read in order of their names.

    Args:
        source: Where.
        columns: Roles: a column of row numbers is dropped unless it has one.

    Raises:
        SourceUnavailable: If a file is missing or unreadable, or a glob matches nothing.
        DataRejected: If a column is there twice, or files differ in columns or types.
    """
    from ..data.row_numbers import without_row_numbers

    path = source.path
    parts: dict[str, pa.Table] = {}
    for name, content in contents_of(path, source.storage_options):
        parts[name], dropped = without_row_numbers(_parse_parquet(content, name), name, columns)
        say_dropped(dropped, name)
    return joined(parts, path)


def say_dropped(dropped: list[str], name: str) -> None:
    """Say in the run's log which columns of row numbers were left out."""
    if dropped:
        run_logger().info("%s: columns %s only number the rows, left out", name, dropped)


def joined(parts: dict[str, pa.Table], path: str) -> pa.Table:
    """Put the rows of several files together.

    Args:
        parts: Name of a file to its rows, in order.
        path: What they were read from.

    Raises:
        DataRejected: If they differ in columns, or in types that do not widen into each other.
    """
    import pyarrow as pa

    first_name, first = next(iter(parts.items()))
    for name, table in parts.items():
        different = set(first.column_names) ^ set(table.column_names)
        if different:
            raise DataRejected(
                f"{name} and {first_name} differ in columns {sorted(different)}: files of one dataset "
                "need the same columns"
            )
    try:
        return pa.concat_tables(
            [table.select(first.column_names) for table in parts.values()],
            promote_options="permissive",
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataRejected(
            f"the files of {public_url(path)} have columns of different types: {error}"
        ) from error


def contents_of(path: str, options: dict[str, Any]) -> list[tuple[str, bytes]]:
    """Return names and bytes of the files of a path, URL or glob, in order of their names.

    Raises:
        ConfigurationError: If fsspec does not know the URL, or lacks a package for it.
        SourceUnavailable: If a file is missing or unreadable, or a glob matches nothing.
    """
    from fsspec.core import OpenFile, get_compression, has_magic, url_to_fs

    shown = public_url(path)
    try:
        fs, inside = url_to_fs(path, **options)
    except (ValueError, ImportError) as error:
        raise ConfigurationError(
            f"{shown}: {error}. Use a local path or a URL that fsspec knows, and install the file "
            "system's package (extras s3, gcs, azure)"
        ) from error
    try:
        # A file whose name happens to hold [ or ? is a file, not a glob.
        if has_magic(path) and not fs.exists(inside):
            found = sorted(name for name in fs.glob(inside) if not fs.isdir(name))
            if not found:
                raise SourceUnavailable(f"no file matches {shown}: check the path and its glob")
        elif fs.isdir(inside):
            raise SourceUnavailable(f"{shown} is a folder: name its files, such as {shown}/*.csv")
        else:
            found = [inside]
        contents: list[tuple[str, bytes]] = []
        for name in found:
            with OpenFile(fs, name, "rb", compression=get_compression(name, "infer")) as file:
                contents.append((name.rpartition("/")[2], bytes(file.read())))
    except FileNotFoundError as error:
        raise SourceUnavailable(f"{shown} does not exist: check dataset.source.path") from error
    except OSError as error:
        reason = str(error).replace(path, shown)
        raise SourceUnavailable(f"cannot read {shown}: {type(error).__name__}: {reason}") from None
    return contents


def _parse_parquet(content: bytes, name: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ..data.tables import refuse_repeated

    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceUnavailable(f"{name} is no readable Parquet file: {error}") from error
    refuse_repeated(table.column_names)
    # pandas stores the row labels of a filtered or shuffled frame as a column like any other.
    labels = [name for name in table.column_names if name.startswith("__index_level_")]
    table = table.drop_columns(labels)
    return table.replace_schema_metadata(None)
