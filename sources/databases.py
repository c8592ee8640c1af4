"""Reads the rows of a SQL query or a MongoDB collection."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..core.errors import ConfigurationError, SourceUnavailable
from ..core.secret_text import public_uri, scrubbed
from ..core.time_bounds import EARLIEST, LATEST

if TYPE_CHECKING:
    import pyarrow as pa

    from ..blocks.dataset import Dataset
    from ..core.settings import Columns, MongoSource, SqlSource

_TIMEOUT_MS = 10_000


def _scrubbed(error: BaseException, url: str) -> str:
    return scrubbed(str(error), url).partition("\n")[0]


def read_sql(source: SqlSource, dataset: Dataset) -> pa.Table:
    """Read the rows of a query.

    Args:
        source: Database and query.
        dataset: Its time window is bound to `:start` and `:end`; an open end is bound to 1970 or 2200.

    Returns:
        The rows.

    Raises:
        ConfigurationError: If the database's driver is not installed.
        SourceUnavailable: If the database cannot be reached or refuses the query.
        DataRejected: If the query gives a column twice, or values no model takes.
    """
    import sqlalchemy as sa
    from sqlalchemy import exc, pool

    url = source.url.get_secret_value()
    shown = public_uri(url)
    try:
        engine = sa.create_engine(url, poolclass=pool.NullPool)
    except (ImportError, exc.ArgumentError) as error:
        raise ConfigurationError(
            f"{shown}: {_scrubbed(error, url)}. Install the database's driver (extra postgresql)"
        ) from None
    query = sa.text(source.query)
    bounds = _bounds(engine.dialect.name, dataset)
    named = {name: bounds[name] for name in query.compile().params if name in bounds}
    try:
        with engine.connect() as connection:
            result = connection.execute(query, named)
            names, rows = list(result.keys()), list(result.fetchall())
    except exc.SQLAlchemyError as error:
        reason = _scrubbed(getattr(error, "orig", None) or error, url)
        raise SourceUnavailable(f"cannot read {shown}: {reason}") from None
    finally:
        engine.dispose()
    return _table(names, rows, dataset.columns)


def _bounds(dialect: str, dataset: Dataset) -> dict[str, datetime | str]:
    start, end = dataset.start or EARLIEST, dataset.end or LATEST
    if dialect != "sqlite":
        return {"start": start, "end": end}
    # SQLite compares moments as text, written with a blank or a T. A blank sorts before a T, so these
    # bounds let rows of either form in; the exact window is cut after reading.
    return {"start": start.isoformat(sep=" "), "end": end.isoformat(sep="T")}


def _table(names: list[str], rows: list[Any], columns: Columns) -> pa.Table:
    from ..data.tables import refuse_repeated, table_of

    refuse_repeated(names)
    wanted = columns.wanted(names)
    return table_of(
        {
            name: [row[position] for row in rows]
            for position, name in enumerate(names)
            if name in wanted
        },
        categorical=columns.categorical,
        identifier=columns.id,
    )


def read_mongo(source: MongoSource, columns: Columns) -> pa.Table:
    """Read the documents of a collection.

    Args:
        source: Where, and which.
        columns: Roles.

    Returns:
        One row a document; a field that a document lacks is null. Object ids become text.

    Raises:
        ConfigurationError: If the connection string names no database or cannot be understood.
        SourceUnavailable: If the server cannot be reached or refuses.
        DataRejected: If a field with a role holds documents or lists, or mixes types.
    """
    from bson import Decimal128, ObjectId
    from pymongo import MongoClient
    from pymongo.errors import ConfigurationError as MongoConfigurationError
    from pymongo.errors import InvalidURI, PyMongoError

    uri = source.uri.get_secret_value()
    shown = public_uri(uri)
    order = [(source.sort, 1)] if source.sort not in (None, "_id") else []
    try:
        with MongoClient(
            uri,
            tz_aware=True,
            serverSelectionTimeoutMS=_TIMEOUT_MS,
            connectTimeoutMS=_TIMEOUT_MS,
        ) as client:
            database = client.get_default_database()
            found = list(database[source.collection].find(source.filter, sort=[*order, ("_id", 1)]))
    except (InvalidURI, MongoConfigurationError) as error:
        raise ConfigurationError(
            f"{shown}: {_scrubbed(error, uri)}. Expected mongodb://host/database"
        ) from None
    except PyMongoError as error:
        # The rest is the driver's view of the cluster.
        reason = _scrubbed(error, uri).partition(" (configured")[0].partition(", Timeout:")[0]
        raise SourceUnavailable(
            f"cannot read {shown}.{source.collection}: {type(error).__name__}: {reason}; expected a "
            "MongoDB server that answers and lets this user read"
        ) from None
    # The server's own key is data only where a role asks for it.
    roles = {*columns.roles, *columns.features}
    names = list(dict.fromkeys(name for row in found for name in row))
    names = [n for n in names if n != "_id" or n in roles]

    def value(row: dict[str, Any], name: str) -> Any:
        held = row.get(name)
        if isinstance(held, Decimal128):
            return held.to_decimal()
        return str(held) if isinstance(held, ObjectId) else held

    return _table(names, [[value(row, name) for name in names] for row in found], columns)
