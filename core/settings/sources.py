"""Settings of data sources: CSV, Parquet, SQL, MongoDB, a function and the prediction log."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, Secret, SecretStr, field_validator, model_validator

from ..import_paths import ImportPath
from ..secret_input import without_slug
from ..secret_text import as_secret, names_a_secret
from .base import Settings


class CsvSource(Settings):
    """A CSV file, or several by a glob, local or behind any fsspec URL."""

    type: Literal["csv"] = "csv"
    path: str = Field(
        min_length=1,
        description="Path, URL or glob of the file or files.",
        examples=["s3://bucket/calls/*.csv"],
    )
    separator: str = Field(
        default=",", min_length=1, max_length=1, description="Character between two values."
    )
    encoding: str = Field(default="utf-8", description="Encoding of the text.")
    decimal: Literal[".", ","] = Field(
        default=".", description="Character between a number and its fraction."
    )
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None,
        description="Character between the thousands of a number. None: there is none.",
    )
    null_words: list[str] = Field(
        default_factory=list,
        description="Words that stand for a missing value in columns of text. An empty field always does; in "
        "columns of numbers so do NA, N/A, NaN, null, None and the like.",
        examples=[["unknown", "?"]],
    )
    skip_lines: int = Field(
        default=0,
        ge=0,
        description="Lines above the header to leave out. Empty lines, and comments that begin with `#`, are "
        "left out there anyway.",
    )
    storage_options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the fsspec file system, without secrets."
    )

    @model_validator(mode="after")
    def _distinct_marks(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(
                f"decimal and thousands are both {self.decimal!r}: no number could be read"
            )
        return self


class ParquetSource(Settings):
    """A Parquet file, or several by a glob, read in order of their names."""

    type: Literal["parquet"] = "parquet"
    path: str = Field(
        min_length=1,
        description="Path, URL or glob of the file or files.",
        examples=["warehouse/calls/*.parquet"],
    )
    storage_options: dict[str, Any] = Field(
        default_factory=dict, description="Options of the fsspec file system, without secrets."
    )


class SqlSource(Settings):
    """The rows of a query, through SQLAlchemy."""

    _strict = model_validator(mode="before")(without_slug)

    type: Literal["sql"] = "sql"
    url: SecretStr = Field(
        description="SQLAlchemy URL of the database.",
        examples=["postgresql://user:password@host/db"],
    )
    query: str = Field(
        min_length=1,
        description="Query that gives the rows, in time order where that matters. `:start` and `:end` are "
        "bound to the dataset's time window.",
        examples=["select * from calls order by called_at"],
    )

    @field_validator("url")
    @classmethod
    def _well_formed(cls, value: SecretStr) -> SecretStr:
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            make_url(value.get_secret_value())
        except (ArgumentError, ValueError):
            # The original message quotes the URL, or what it takes for the port: a password's end.
            raise ValueError(
                "not a SQLAlchemy URL: expected dialect://user:password@host/database"
            ) from None
        return value

    _hidden = field_validator("url", mode="before")(as_secret)


class MongoSource(Settings):
    """The documents of a MongoDB collection."""

    _strict = model_validator(mode="before")(without_slug)

    type: Literal["mongodb"] = "mongodb"
    uri: SecretStr = Field(
        description="Connection string with the database's name.", examples=["mongodb://host/shop"]
    )
    collection: str = Field(min_length=1, description="Name of the collection.")
    filter: dict[str, Any] = Field(
        default_factory=dict, description="Query filter, JSON.", examples=[{"country": "PT"}]
    )
    sort: str | None = Field(default=None, description="Field to sort by, ascending.")

    @field_validator("uri")
    @classmethod
    def _well_formed(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("not a MongoDB connection string: expected mongodb://host/database")
        return value

    _hidden = field_validator("uri", mode="before")(as_secret)


class FunctionSource(Settings):
    """The rows that a function of your own returns: a pandas frame, an Arrow table, or an iterator of them."""

    _strict = model_validator(mode="before")(without_slug)

    type: Literal["function"] = "function"
    function: ImportPath = Field(
        description="The function: `package.module:name`. It is called with the options as keywords.",
        examples=["my_rows:calls"],
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        description="Keywords of the function, without secrets: load those inside of it, from a block.",
        examples=[{"country": "PT"}],
    )

    @field_validator("options", mode="before")
    @classmethod
    def _without_secrets(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        secrets = [str(name) for name in value if names_a_secret(str(name))]
        if secrets:
            raise ValueError(
                f"options {secrets} are secrets, and whoever reads the block reads its options: load them "
                "inside the function, such as from a Secret block"
            )
        # A URL or a key of columns was wrapped with what might be one.
        return {name: _unwrapped(part) for name, part in value.items()}


def _unwrapped(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, Secret | SecretStr) else value


class PredictionsSource(Settings):
    """The labelled predictions of the project's own prediction log, as training rows."""

    type: Literal["predictions"] = "predictions"
    history: CsvSource | ParquetSource | None = Field(
        default=None,
        description="Rows from before the log began, with the same columns. They come first.",
    )


Source = Annotated[
    CsvSource | ParquetSource | SqlSource | MongoSource | FunctionSource | PredictionsSource,
    Field(discriminator="type"),
]
