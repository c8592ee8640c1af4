"""Makes the client of a MongoDB prediction log, without waiting for the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient, ReadPreference
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.write_concern import WriteConcern

from ..core.errors import ConfigurationError


def connect(
    uri: str, timeout_seconds: float, options: Mapping[str, Any]
) -> MongoClient[dict[str, Any]]:
    """Make a client, which connects in the background.

    Args:
        uri: `mongodb://…/database` or `mongodb+srv://…/database`.
        timeout_seconds: Longest wait for the server to be found, to connect and to reply, seconds.
        options: Passed through to `pymongo.MongoClient`.

    Returns:
        The client.

    Raises:
        ConfigurationError: If the URI or an option cannot be used; neither is quoted.
    """
    milliseconds = max(1, round(timeout_seconds * 1000))
    limits = {
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": milliseconds,
        "socketTimeoutMS": milliseconds,
    }
    client: MongoClient[dict[str, Any]] | None = None
    try:
        client = MongoClient(uri, **{**limits, **options})
        acknowledged = database_of(client).write_concern.acknowledged
    except (PyMongoError, ValueError, TypeError, OSError) as error:
        if client is not None:
            client.close()
        # pymongo's own message may quote the URI.
        raise ConfigurationError(
            f"the MongoDB URI or an option cannot be used ({type(error).__name__}): expected "
            "mongodb://user:password@host:port/database, user and password percent-encoded; "
            f"options given: {sorted(options)}"
        ) from None
    if not acknowledged:
        client.close()
        raise ConfigurationError(
            "w=0 asks MongoDB not to say whether it took a prediction, and those that it did not take "
            "would be lost: leave it out, or set w=1 or w=majority"
        )
    return client


def database_of(client: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    """Return the database that the URI names."""
    # Replies of a secondary may lack the latest writes: a window would be short.
    database = client.get_default_database(read_preference=ReadPreference.PRIMARY)
    if "w" in client.write_concern.document:
        return database
    return database.with_options(write_concern=WriteConcern("majority"))
