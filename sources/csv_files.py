"""Reads CSV files: what each value says, and not what it looks like.

Every value is read as text first. A column becomes numbers only where all of its values are, see
`data.number_text`; ids, timestamps and columns listed as categorical stay text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from ..core.errors import ConfigurationError, DataRejected, SourceUnavailable
from ..runs.run_logger import run_logger
from .csv_header import Header, header_of
from .files import contents_of, joined, public_url, say_dropped

if TYPE_CHECKING:
    import pyarrow as pa

    from ..core.settings import Columns, CsvSource
    from ..data.number_text import NumberFormat, TextKind

_CHUNK_ROWS = 20_000


def read_csv(source: CsvSource, columns: Columns) -> pa.Table:
    """Read CSV files; several are read in order of their names.

    Spaces around values go, and an empty field is null. In columns of numbers so are words such as NA;
    in columns of text only `null_words` are. A column in which a number has a leading zero, such as
    007, is text.

    Args:
        source: Where and how.
        columns: Roles: the id, the timestamp, columns listed as categorical or with a format for
            datetimes stay text.

    Returns:
        The rows, with the columns as they are called in the header.

    Raises:
        SourceUnavailable: If a file is missing or unreadable, or a glob matches nothing.
        DataRejected: If a column is there twice or has no name, the separator is wrong, rows do not fit
            the header, or files differ in columns or types.
    """
    from ..data.row_numbers import without_row_numbers

    parts: dict[str, pa.Table] = {}
    for name, content in contents_of(source.path, source.storage_options):
        parsed = _parsed(content, name, source, columns)
        parts[name], dropped = without_row_numbers(parsed, name, columns)
        say_dropped(dropped, name)
    return _typed(joined(parts, source.path), parts, source, columns)


def _parsed(content: bytes, name: str, source: CsvSource, columns: Columns) -> pa.Table:
    import pyarrow as pa

    from ..data.number_text import trimmed
    from ..data.row_numbers import unnamed
    from ..data.tables import refuse_repeated

    text = _decoded(content, name, source.encoding)
    header = header_of(text, name, source, columns)
    if header.comments:
        run_logger().info("%s: %d lines above the header left out", name, header.comments)
    names = [column or unnamed(position) for position, column in enumerate(header.names)]
    refuse_repeated(names)
    chunks: list[list[pa.Array]] = [[] for _ in names]
    rows = _rows(text, name, header, source.separator)
    while block := list(islice(rows, _CHUNK_ROWS)):
        for position, values in enumerate(zip(*block, strict=True)):
            chunks[position].append(pa.array(values, pa.string()))
    arrays = [trimmed(pa.chunked_array(chunk, pa.string()), source.null_words) for chunk in chunks]
    return pa.table(dict(zip(names, arrays, strict=True)))


def _decoded(content: bytes, name: str, encoding: str) -> str:
    try:
        # Spreadsheets write a byte order mark, which would become part of the first name.
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise SourceUnavailable(
            f"{name} is not {encoding} (byte {error.start}): set dataset.source.encoding, for "
            "example to latin-1"
        ) from None
    except LookupError as error:
        raise ConfigurationError(f"dataset.source.encoding: {error}") from error


def _rows(text: str, name: str, header: Header, separator: str) -> Iterator[list[str]]:
    lines = io.StringIO(text[header.end :], newline="")
    reader = csv.reader(lines, delimiter=separator, strict=True)
    width = len(header.names)
    unfit = f"{name} has rows that do not fit its header"
    try:
        for row in reader:
            if len(row) == width:
                yield row
            elif any(value.strip() for value in row):
                raise DataRejected(
                    f"{unfit}: line {header.lines + reader.line_num} has {len(row)} values for {width} "
                    f"columns, {separator.join(row)[:80]!r}. Check its quotes and its separator"
                )
    except csv.Error as error:
        raise DataRejected(
            f"{unfit}: line {header.lines + reader.line_num}: {error}. Check its quotes and its separator"
        ) from error


def _typed(
    table: pa.Table, parts: dict[str, pa.Table], source: CsvSource, columns: Columns
) -> pa.Table:
    from ..data.number_text import NumberFormat

    numbers = NumberFormat(source.decimal, source.thousands)
    as_text = {columns.id, columns.timestamp, columns.group}
    as_text |= {*columns.categorical, *columns.datetime_formats}
    for position, name in enumerate(table.column_names):
        if name not in as_text:
            kind = _kind(name, parts, numbers, source)
            table = table.set_column(position, name, _values(table.column(name), kind, numbers))
    return table


def _kind(
    column: str, parts: dict[str, pa.Table], numbers: NumberFormat, source: CsvSource
) -> TextKind:
    """Return what a column is in all files together."""
    from ..data.number_text import kind_of

    kinds: dict[TextKind, str] = {}
    for name, part in parts.items():
        kinds.setdefault(kind_of(part.column(column), numbers), name)
    found = set(kinds) - {"nothing"}
    if not found:
        return "nothing"
    if len(found) == 1:
        return found.pop()
    if found == {"number", "code"}:
        return "code"
    if found == {"code", "text"}:
        return "text"
    said = " and ".join(f"{kind}s in {kinds[kind]}" for kind in sorted(found))
    raise DataRejected(
        f"the files of {public_url(source.path)} have columns of different types: {column!r} holds {said}. "
        "Give it one type at the source, or list it in columns.categorical",
        column=column,
    )


def _values(texts: pa.ChunkedArray, kind: TextKind, numbers: NumberFormat) -> pa.ChunkedArray:
    from ..data.number_text import booleans_of, numbers_of

    if kind == "number" or (kind == "nothing" and texts.null_count == len(texts)):
        return numbers_of(texts, numbers)
    return booleans_of(texts) if kind == "boolean" else texts
