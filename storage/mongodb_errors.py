"""Turns what pymongo raises into errors of the prediction log, without a row or password in the message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bson.errors import BSONError
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError

from ..core.errors import LogUnavailable
from .base import PartlyWritten, RowRefused

_DUPLICATE = 11000
# BadValue, FailedToParse, TypeMismatch, InvalidBSON, DollarPrefixedFieldName, EmptyFieldName,
# DottedFieldName, DocumentValidationFailure, BSONObjectTooLarge, KeyTooLong:
# https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
_WRONG_DOCUMENT = {2, 9, 14, 22, 52, 56, 57, 121, 10334, 17280}


@contextmanager
def mongodb_errors(name: str) -> Iterator[None]:
    """Turn what pymongo raises inside the block into `LogUnavailable`.

    Args:
        name: What messages call the log.

    Raises:
        LogUnavailable: For every error of pymongo and bson.
    """
    try:
        yield
    except (PyMongoError, BSONError) as error:
        # Not chained: pymongo's full message quotes whole documents.
        raise LogUnavailable(_message(name, error)) from None


def inserted_rows(name: str, error: BSONError | BulkWriteError) -> int:
    """Return how many rows an insert wrote that failed for duplicates alone.

    Args:
        name: What messages call the log.
        error: What the insert raised.

    Raises:
        RowRefused: If the database said that there is something wrong with a row.
        PartlyWritten: If it failed for another reason.
    """
    if isinstance(error, BSONError):
        raise RowRefused(_message(name, error)) from None
    inserted = error.details["nInserted"]
    codes = _codes(error) - {_DUPLICATE}
    if codes:
        kind = RowRefused if codes <= _WRONG_DOCUMENT else PartlyWritten
        raise kind(_message(name, error), inserted) from None
    return inserted


def only_duplicates(error: BulkWriteError) -> bool:
    """Whether an insert failed for nothing but rows that are there already."""
    return _codes(error) == {_DUPLICATE}


def _codes(error: BulkWriteError) -> set[int]:
    return {failure["code"] for failure in _failures(error)}


def _failures(error: BulkWriteError) -> list[dict[str, Any]]:
    return [*error.details["writeErrors"], *error.details["writeConcernErrors"]]


def _message(name: str, error: Exception) -> str:
    return (
        f"prediction log {name}: {_reason(error)}; expected a MongoDB server that answers and lets this "
        "user read and write"
    )


def _reason(error: Exception) -> str:
    if isinstance(error, BulkWriteError):
        messages = [failure["errmsg"] for failure in _failures(error)]
        reason = f"{len(messages)} writes failed, first: {messages[0] if messages else 'unknown'}"
    elif isinstance(error, OperationFailure) and error.details:
        reason = str(error.details.get("errmsg", error.code))
    else:
        reason = str(error).partition(" (configured")[0].partition(", Timeout:")[0]
    return f"{type(error).__name__}: {reason[:300]}"
