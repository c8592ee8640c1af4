"""Rows that a step is given as they are, read like the rows of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..blocks.dataset import Dataset
from ..core.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from ..core.settings import Columns
    from ..data.snapshots import Rows


@dataclass(frozen=True)
class GivenRows:
    """Rows with what each column is for.

    Attributes:
        table: The rows.
        columns: What each column is for.
        start: None: all of them count.
        end: None: all of them count.
    """

    table: pa.Table
    columns: Columns
    start: datetime | None = None
    end: datetime | None = None


def as_dataset(rows: Dataset | Rows, columns: Columns | None) -> Dataset | GivenRows:
    """Return a dataset as it is, and other rows with their columns.

    Args:
        rows: A dataset, a pandas frame, an Arrow table or a snapshot.
        columns: What each column is for; a dataset says so itself.

    Returns:
        What `read_source` takes.

    Raises:
        ConfigurationError: If rows come without `columns`, or are none.
        DataRejected: If a column of a frame holds values of several types.
        WorkspaceUnavailable: If a snapshot cannot be read.
    """
    if isinstance(rows, Dataset):
        return rows
    from ..data.snapshots import as_table

    if columns is None:
        raise ConfigurationError(
            "columns says what each column of the rows is for, the target and the id first: give it"
        )
    return GivenRows(as_table(rows), columns)
