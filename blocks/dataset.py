"""The `Dataset` block: where rows come from and what each column is for."""

from __future__ import annotations

from typing import Any

from prefect.blocks.core import Block
from pydantic import ConfigDict, Field, model_validator

from ..core.results import UtcDatetime
from ..core.secret_input import unquoted, without_slug
from ..core.settings import Columns, Source
from .links import DOCUMENTATION_URL, LOGO_URL


class Dataset(Block):
    """Where rows come from and what each column is for.

    Attributes:
        source: A CSV or Parquet file (local or any fsspec URL), a SQL query, a MongoDB collection, a
            function of your own, or the labelled prediction log.
        columns: The role of each column.
        start: Rows before this moment are left out.
        end: Rows from this moment on are left out.

    Raises:
        pydantic.ValidationError: On construction, for unknown keys, a bad URL, or a column with two
            roles.

    Example:
        Load a configured dataset:
        ```python
        from prefect_mlops.blocks import Dataset

        dataset = Dataset.load("BLOCK_NAME")
        ```
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    _block_type_name = "ML Dataset"
    _block_type_slug = "ml-dataset"
    _logo_url = LOGO_URL  # pyright: ignore[reportAssignmentType]
    _documentation_url = DOCUMENTATION_URL  # pyright: ignore[reportAssignmentType]

    _strict = model_validator(mode="before")(without_slug)

    source: Source = Field(description="Where the rows come from.")
    columns: Columns = Field(description="What each column is for.")
    start: UtcDatetime | None = Field(
        default=None,
        description="Rows before this moment are left out. Needs a timestamp column.",
    )
    end: UtcDatetime | None = Field(
        default=None,
        description="Rows from this moment on are left out. Needs a timestamp column.",
    )

    def model_post_init(self, context: Any, /) -> None:
        """Refuse a time window on rows without timestamps."""
        super().model_post_init(context)
        with unquoted():
            if (self.start or self.end) and not self.columns.timestamp:
                raise ValueError(
                    "start and end need a timestamp column: set columns.timestamp, or remove them"
                )
