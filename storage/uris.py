"""Checks the URI and the client options of a prediction log, without connecting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import ConfigurationError
from ..core.secret_text import SECRET_OPTIONS

_EXPECTED = (
    "expected sqlite:///relative/path, sqlite:////absolute/path or mongodb://host:port/database"
)


def check_uri(uri: str) -> str:
    """Check a prediction log's URI without connecting.

    Args:
        uri: `sqlite:///path`, `mongodb://…/database` or `mongodb+srv://…/database`.

    Returns:
        Which store it is for: `sqlite` or `mongodb`.

    Raises:
        ConfigurationError: If it is neither; the message never quotes the URI, which may hold a
            password.
    """
    scheme = uri.partition("://")[0] if "://" in uri else ""
    if scheme == "sqlite":
        path = uri.removeprefix("sqlite:///")
        if not uri.startswith("sqlite:///") or not path or path == ":memory:":
            raise ConfigurationError(f"a SQLite prediction log needs a file: {_EXPECTED}")
        return "sqlite"
    if scheme in ("mongodb", "mongodb+srv"):
        try:
            database = urlsplit(uri).path.strip("/")
        except ValueError:
            database = ""
        if not database:
            raise ConfigurationError(f"the MongoDB URI names no database: {_EXPECTED}")
        # Part of the password would be taken for the host's name, and shown.
        if "@" in database:
            raise ConfigurationError(
                "the MongoDB URI has an @ after the host: percent-encode user and password; "
                f"{_EXPECTED}"
            )
        return "mongodb"
    raise ConfigurationError(f"scheme {scheme!r} is no prediction log: {_EXPECTED}")


def public_name(uri: str) -> str:
    """Return hosts and database of a MongoDB URI, without user, password and options."""
    return uri.partition("://")[2].partition("?")[0].rpartition("@")[2]


def check_collection(name: str) -> str:
    """Check a prefix of tables or collections, which becomes part of database commands.

    Returns:
        The prefix.

    Raises:
        ConfigurationError: If it could be anything but the beginning of a name.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ConfigurationError(
            f"collection {name!r} is no prefix: expected a lowercase letter, then up to 39 lowercase "
            "letters, digits and underscores"
        )
    return name


def check_not_secret(options: Mapping[str, Any]) -> None:
    """Refuse client options that hold secrets, where options are shown.

    Raises:
        ConfigurationError: If one is a secret; it is not quoted.
    """
    for name in options:
        if name.lower() in SECRET_OPTIONS:
            raise ConfigurationError(
                f"option {name!r} is a secret, and options are not kept as secrets: put it into the URI, "
                "percent-encoded"
            )


def check_options(options: Mapping[str, Any]) -> None:
    """Ask pymongo whether it takes client options, without connecting.

    Raises:
        ConfigurationError: If it does not take one.
    """
    from pymongo import common
    from pymongo.errors import PyMongoError

    for name, setting in options.items():
        if name.lower().endswith("file"):
            # The file may only be where the client is made.
            if name.lower() not in common.VALIDATORS or not isinstance(setting, str):
                raise ConfigurationError(
                    f"option {name!r} is no path of a file that pymongo.MongoClient takes"
                )
            continue
        try:
            common.validate(name, setting)
        except (PyMongoError, ValueError, TypeError) as error:
            # What it says of a secret quotes it.
            reason = type(error).__name__ if name.lower() in SECRET_OPTIONS else error
            raise ConfigurationError(
                f"pymongo.MongoClient does not take option {name!r}: {reason}"
            ) from None


def check_sqlite_options(options: Mapping[str, Any]) -> None:
    """Refuse client options of a SQLite log.

    Raises:
        ConfigurationError: If there are any.
    """
    if options:
        raise ConfigurationError(f"SQLite takes no client options, got {sorted(options)}")
