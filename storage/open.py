"""Opens a prediction store by its URI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .uris import check_sqlite_options, check_uri

if TYPE_CHECKING:
    from pymongo import MongoClient

    from .interface import PredictionStore


class StoreOpener:
    """Opens a prediction store, as often as it takes.

    What needs no answer of the database is done at once: mistakes in the URI show, and pymongo starts
    the threads that it could not start any more while the interpreter ends.

    Args:
        uri: See `open_store`.
        collection: Prefix of the tables or collections.
        timeout_seconds: Longest wait for the database, seconds.
        options: Passed through to `pymongo.MongoClient`.

    Raises:
        ConfigurationError: If the URI or an option cannot be used.
    """

    def __init__(
        self, uri: str, collection: str, timeout_seconds: float, options: Mapping[str, Any]
    ) -> None:
        self._uri, self._options = uri, dict(options)
        self._common = {"collection": collection, "timeout_seconds": timeout_seconds}
        self._client: MongoClient[dict[str, Any]] | None = None
        # Who made this client would wait for the name server.
        if check_uri(uri) == "mongodb" and not uri.startswith("mongodb+srv"):
            from .mongodb_client import connect

            self._client = connect(uri, timeout_seconds, options)

    def open(self) -> PredictionStore:
        """Open the store. See `open_store`."""
        if self._client is None:
            return open_store(self._uri, **self._common, **self._options)
        from .mongodb import MongoStore

        return MongoStore(self._uri, **self._common, client=self._client)

    def close(self) -> None:
        """Release the connections of every store that was opened."""
        if self._client is not None:
            self._client.close()


def open_store(
    uri: str,
    *,
    collection: str = "mlops",
    timeout_seconds: float = 10.0,
    retention_days: float | None = None,
    upgrade: bool = False,
    **options: Any,
) -> PredictionStore:
    """Open the store behind a URI.

    Args:
        uri: See `check_uri`.
        collection: Prefix of tables or collections.
        timeout_seconds: Longest wait for the database to answer, seconds.
        retention_days: Days after which MongoDB deletes predictions by itself; on SQLite, and on
            servers that cannot, `prune` does. Infinite: it deletes none from now on. None: as it was.
        upgrade: Whether to bring a log that an earlier version wrote to the present schema.
        options: Passed through to `pymongo.MongoClient`.

    Returns:
        The store, a context manager.

    Raises:
        ConfigurationError: If the URI is neither SQLite's nor MongoDB's.
        LogOutdated: If another version of the package wrote the log.
        LogUnavailable: If the database cannot be opened.
    """
    if check_uri(uri) == "sqlite":
        from .sqlite import SqliteStore

        check_sqlite_options(options)
        return SqliteStore(
            uri.removeprefix("sqlite:///"), collection, timeout_seconds, upgrade=upgrade
        )
    from .mongodb import MongoStore

    return MongoStore(uri, collection, timeout_seconds, retention_days, upgrade=upgrade, **options)
