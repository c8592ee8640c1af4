"""Finds the header of a CSV file, below comments and empty lines."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ..core.errors import DataRejected

if TYPE_CHECKING:
    from ..core.settings import Columns, CsvSource

_SEPARATORS = ",;\t|"
_COMMENT = "#"
_NAMED_SEPARATOR = re.compile("sep=.", re.IGNORECASE)
# As many rows tell what the width of a table is.
_LOOKED_AT = 20
# Characters, of a file that may be large, in which the header is looked for.
_HEAD = 1_048_576


@dataclass(frozen=True)
class Header:
    """The header of a CSV file.

    Attributes:
        names: As they are there; a column without a name is the empty text.
        end: Position of the first character after it.
        lines: Lines up to its end.
        comments: Comments and other lines above it that were left out, without empty ones.
    """

    names: list[str]
    end: int
    lines: int
    comments: int


def header_of(text: str, name: str, source: CsvSource, columns: Columns) -> Header:
    """Find the header.

    Lines above it that are empty, or comments that begin with `#`, are passed over, and so is the line
    `sep=;` that spreadsheets write. A line that begins with `#` and has as many values as the next line is
    a header, unless only the next line names columns with a role.

    Args:
        text: The file.
        name: Its name, for messages.
        source: Its separator, and the lines to leave out.
        columns: Roles; the target is the only column that a file may have alone.

    Returns:
        The header.

    Raises:
        DataRejected: If there is none, or the separator is wrong.
    """
    if not text.strip():
        raise DataRejected(f"{name} is empty: expected a header and rows")
    begin, lines, comments = _above(text, source, columns)
    head = text[begin : begin + _HEAD]
    rows = _first_rows(head, source.separator)
    if not rows:
        raise DataRejected(
            f"{name} has no header below its first {lines} lines: expected one, and rows"
        )
    stream = io.StringIO(head, newline="")
    reader = csv.reader(stream, delimiter=source.separator)
    names = next(reader)
    if len(names) == 1 and names[0] != columns.target:
        raise DataRejected(_wrong_separator(name, head, rows, source.separator))
    end = begin + len("".join(islice(io.StringIO(head, newline=""), reader.line_num)))
    return Header(names, end, lines + reader.line_num, comments)


def _above(text: str, source: CsvSource, columns: Columns) -> tuple[int, int, int]:
    """Return position and number of the lines above the header, and how many of them say something."""
    position = comments = 0
    lines = list(islice(io.StringIO(text[:_HEAD], newline=""), 1_000))
    roles = {*columns.roles, *columns.features, *columns.categorical}
    for number, line in enumerate(lines):
        comment = line.startswith(_COMMENT) and not _is_header(
            lines[number:], source.separator, roles
        )
        comment = comment or (number == 0 and _NAMED_SEPARATOR.fullmatch(line.strip()) is not None)
        if number >= source.skip_lines and line.strip() and not comment:
            return position, number, comments
        comments += bool(line.strip())
        position += len(line)
    return position, len(lines), comments


def _is_header(lines: list[str], separator: str, roles: set[str]) -> bool:
    below = next((line for line in lines if line.strip() and not line.startswith(_COMMENT)), "")
    here, there = _values(lines[0], separator), _values(below, separator)
    if roles & {*there} and not roles & {*here}:
        return False
    return len(here) > 1 and len(here) == len(there)


def _values(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _first_rows(text: str, separator: str) -> list[list[str]]:
    def rows() -> Iterator[list[str]]:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if any(value.strip() for value in row):
                yield row

    try:
        return list(islice(rows(), _LOOKED_AT))
    except csv.Error as error:
        # A field of 128 KiB or more: a quote that is never closed.
        raise DataRejected(f"cannot tell the rows of the file apart: {error}") from error


def _wrong_separator(name: str, text: str, rows: list[list[str]], separator: str) -> str:
    column = rows[0][0]
    widest = max(len(row) for row in rows)
    if widest > 1:
        return (
            f"{name} begins with a line of one value, {column[:80]!r}, above rows of {widest}: take out the "
            "lines above its header, or set dataset.source.skip_lines"
        )
    found = f"{name} has one column, {column[:80]!r}, when separated by {separator!r}"
    widths = {
        mark: [len(row) for row in _first_rows(text, mark)]
        for mark in _SEPARATORS
        if mark != separator
    }
    likely = {
        mark: found[0] for mark, found in widths.items() if found[0] > 1 and len(set(found)) == 1
    }
    if not likely:
        return f"{found}: expected a header of several; set dataset.source.separator"
    probable = max(likely, key=lambda mark: likely[mark])
    return f"{found}: it is probably separated by {probable!r}, set dataset.source.separator"
