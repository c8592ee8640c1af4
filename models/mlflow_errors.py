"""Turns what MLflow, its database or its artifact store raise into `RegistryUnavailable`."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from ..core.errors import RegistryUnavailable
from ..core.library_switches import MLFLOW_PROGRESS_OFF, MLFLOW_TELEMETRY_OFF, set_defaults
from ..core.secret_text import public_uri, scrubbed

# MLflow would try for minutes to reach a server that is down, and reads these on import or on every
# request: set here, because whatever makes a client imports this module first. Bars of downloads would
# fill the logs.
set_defaults(
    MLFLOW_TELEMETRY_OFF,
    MLFLOW_PROGRESS_OFF,
    {"MLFLOW_HTTP_REQUEST_TIMEOUT": "8", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"},
)

# They tell of every look at a database's tables, and of waiting for what is there already.
for _name in ("mlflow.store.db.utils", "mlflow.store.model_registry.abstract_store"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_ADVICE = "(raised as a result of"
_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def is_database(uri: str) -> bool:
    """Return whether a tracking URI is a database, without a server in front of it.

    Example:
        >>> is_database("postgresql+psycopg2://host/mlflow"), is_database("https://host")
        (True, False)
    """
    return uri.partition(":")[0].partition("+")[0] in _DATABASES


@contextmanager
def mlflow_errors(uri: str, registry_uri: str | None = None) -> Iterator[None]:
    """Raise `RegistryUnavailable` instead of whatever MLflow raises inside the `with`.

    Args:
        uri: MLflow tracking server or database; its password never reaches the message.
        registry_uri: MLflow registry, likewise; None: the tracking server's own.

    Raises:
        RegistryUnavailable: If MLflow cannot be reached or answers with an error.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        if is_database(uri):
            _reach_database(uri)
        yield
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        raise _unavailable(uri, registry_uri, error) from shown_cause(error, uri, registry_uri)


def shown_cause(error: Exception, *uris: str | None) -> Exception | None:
    """Return an error that may be chained: a traceback quotes causes, and they may quote a password."""
    return error if all(public_uri(uri) == uri for uri in uris if uri) else None


@lru_cache(maxsize=32)
def _reach_database(uri: str) -> None:
    """Connect once: MLflow itself retries for 100 seconds when a database cannot be opened."""
    from sqlalchemy import create_engine
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(uri)
    except ValueError:
        # It quotes what it takes for the port, which may be the end of a password.
        raise ArgumentError("not a URL of a database") from None
    dialect = url.get_backend_name()
    if dialect == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    options = {"connect_timeout": 10} if dialect in ("postgresql", "mysql") else {}
    try:
        engine = create_engine(url, connect_args=options)
    except ImportError as error:
        raise ArgumentError(f"its driver is not installed: {error}") from None
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def reason_of(error: Exception, *uris: str | None) -> str:
    """Return the first line of an error's message without the secrets of the URIs it is about."""
    # SQLAlchemy may begin with advice to its programmer.
    lines = [
        line
        for line in scrubbed(str(error), *uris).splitlines()
        if line.strip() and not line.startswith(_ADVICE)
    ]
    return lines[0].strip()[:500] if lines else "no message"


def _unavailable(uri: str, registry_uri: str | None, error: Exception) -> RegistryUnavailable:
    return RegistryUnavailable(
        f"MLflow at {public_uri(uri)} cannot be reached or answered with an error: "
        f"{type(error).__name__}: {reason_of(error, uri, registry_uri)}. Check the address in the registry block, that "
        "the server runs, and that this process may read and write it"
    )
