"""The database that a study is kept in, and what goes wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ..core.errors import WorkspaceUnavailable


def open_storage(url: str | None) -> optuna.storages.BaseStorage:
    """Open the database of a study, or make it.

    Args:
        url: SQLAlchemy URL of the database. None: kept in memory.

    Raises:
        WorkspaceUnavailable: If it is no database of a study, or cannot be written.
    """
    if url is None:
        return optuna.storages.InMemoryStorage()
    with database_errors(url):
        try:
            return optuna.storages.RDBStorage(
                url, engine_kwargs={"connect_args": {"timeout": 60, "factory": _Connection}}
            )
        except RuntimeError as error:
            # Optuna's, of a table that another version of it made.
            raise WorkspaceUnavailable(
                f"the study in {_path(url)} cannot be used: {error}. Delete the file: the study then begins anew"
            ) from error


@contextmanager
def database_errors(url: str | None) -> Iterator[None]:
    """Raise what a study's database raises as an error that says what to do.

    Args:
        url: SQLAlchemy URL of the database.

    Raises:
        WorkspaceUnavailable: If it cannot be read or written.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        cause = error.__cause__ if isinstance(error, StorageInternalError) else error
        reason = str(getattr(cause, "orig", None) or cause or error)
        todo = (
            "Check that its folder exists, has room and may be written by this process"
            if isinstance(cause, OperationalError)
            else "It is damaged, or another program's: delete the file; the study then begins anew"
        )
        raise WorkspaceUnavailable(
            f"cannot use the study's database {_path(url)}: {reason}. {todo}"
        ) from error


def _path(url: str | None) -> str:
    return (url or "in memory").removeprefix("sqlite:///")


class _Connection(sqlite3.Connection):
    """A connection that does not wait for the disk at each of the writes that a trial needs.

    A killed process loses nothing; a machine that loses its power, at most the latest trials.
    """

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self.execute("PRAGMA journal_mode=WAL")
        self.execute("PRAGMA synchronous=NORMAL")
