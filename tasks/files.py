"""Reads CSV and Parquet files, one or many, local or behind any fsspec URL."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from ..core.errors import ConfigurationError, DataRejected, SourceUnavailable

if TYPE_CHECKING:
    import pyarrow as pa

    from ..blocks.dataset import CsvSource, ParquetSource
    from ..core.settings import Columns

_SEPARATORS = ",;\t|"


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


def read_csv(source: CsvSource, columns: Columns) -> pa.Table:
    """Read CSV files; several are read in order of their names.

    Args:
        source: Where and how.
        columns: Roles: the id and the columns listed as categorical stay text, so that 007 stays 007.

    Returns:
        The rows, with the columns as they are called in the header.

    Raises:
        SourceUnavailable: If a file is missing or unreadable, or a glob matches nothing.
        DataRejected: If a column is there twice, the separator is wrong, or rows do not fit the
            header.
    """
    return _read_all(
        source.path,
        source.storage_options,
        lambda content, name: _parse_csv(content, name, source, columns),
    )


def read_parquet(source: ParquetSource) -> pa.Table:
    """Read Parquet files; several are read in order of their names.

    Raises:
        SourceUnavailable: If a file is missing or unreadable, or a glob matches nothing.
        DataRejected: If a column is there twice.
    """
    return _read_all(source.path, source.storage_options, _parse_parquet)


def _read_all(
    path: str, options: dict[str, Any], parse: Callable[[bytes, str], pa.Table]
) -> pa.Table:
    import pyarrow as pa

    tables: dict[str, pa.Table] = {}
    for name, content in _contents(path, options):
        tables[name] = parse(content, name)
        first_name, first = next(iter(tables.items()))
        different = set(first.column_names) ^ set(tables[name].column_names)
        if different:
            raise DataRejected(
                f"{name} and {first_name} differ in columns {sorted(different)}: files of one dataset "
                "need the same columns"
            )
    order = next(iter(tables.values())).column_names
    try:
        return pa.concat_tables(
            [table.select(order) for table in tables.values()],
            promote_options="permissive",
        )
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataRejected(
            f"the files of {public_url(path)} have columns of different types: {error}"
        ) from error


def _contents(path: str, options: dict[str, Any]) -> list[tuple[str, bytes]]:
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


def _parse_csv(content: bytes, name: str, source: CsvSource, columns: Columns) -> pa.Table:
    import pandas as pd
    import pyarrow as pa

    from ..core.tables import refuse_repeated

    try:
        # Spreadsheets write a byte order mark, which would become part of the first name.
        text = content.decode("utf-8-sig" if source.encoding == "utf-8" else source.encoding)
    except UnicodeDecodeError as error:
        raise SourceUnavailable(
            f"{name} is not {source.encoding} (byte {error.start}): set dataset.source.encoding, for "
            "example to latin-1"
        ) from None
    except LookupError as error:
        raise ConfigurationError(f"dataset.source.encoding: {error}") from error
    header = next(csv.reader(io.StringIO(text), delimiter=source.separator), [])
    if not header:
        raise DataRejected(f"{name} is empty: expected a header and rows")
    if len(header) == 1 and header[0] != columns.target:
        raise DataRejected(_wrong_separator(name, text, header[0], source.separator))
    refuse_repeated(header)
    as_text = {c: str for c in (columns.id, *columns.categorical) if c is not None and c in header}
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would lose their last values with no more than a warning.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(text),
                sep=source.separator,
                dtype=as_text,  # pyright: ignore[reportArgumentType]
                index_col=False,
                low_memory=False,
                # The faster parsers miss the last digit of one number in three.
                float_precision="round_trip",
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise DataRejected(
            f"{name} has rows that do not fit its header: {error} Check its quotes and its separator"
        ) from error
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _wrong_separator(name: str, text: str, column: str, separator: str) -> str:
    found = f"{name} has one column, {column[:80]!r}, when separated by {separator!r}"
    try:
        probable = csv.Sniffer().sniff(text[:65_536], _SEPARATORS).delimiter
    except csv.Error:
        return f"{found}: set dataset.source.separator"
    return f"{found}: it is probably separated by {probable!r}, set dataset.source.separator"


def _parse_parquet(content: bytes, name: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ..core.tables import refuse_repeated

    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceUnavailable(f"{name} is no readable Parquet file: {error}") from error
    refuse_repeated(table.column_names)
    # pandas stores the row labels of a filtered or shuffled frame as a column like any other.
    labels = [name for name in table.column_names if name.startswith("__index_level_")]
    table = table.drop_columns(labels)
    return table.replace_schema_metadata(None)
