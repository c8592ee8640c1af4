"""Validates the input of blocks: refuses unknown keys, and keeps secrets out of error messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from .secret_text import SECRET_OPTIONS, as_secret, names_a_secret

_SECRETS = {"uri", "url", "tracking_uri", "registry_uri", "key"} | SECRET_OPTIONS
_NESTED = {"dataset", "source", "registry", "predictions", "redaction", "options"}


def without_slug(data: Any) -> Any:
    """Drop the block type's slug that Prefect stores with nested blocks; it has checked it by then.

    URIs and keys are wrapped before anything is validated: pydantic quotes its input when it refuses
    something, and a URI holds a password.

    Args:
        data: What a block is made of.

    Returns:
        The same without `block_type_slug`, its URIs and keys and those of its parts as secrets.

    Example:
        >>> without_slug({"block_type_slug": "prediction-log", "uri": "mongodb://me:secret@host/db"})
        {'uri': SecretStr('**********')}
    """
    if not isinstance(data, dict):
        return data
    return {key: hidden(key, value) for key, value in data.items() if key != "block_type_slug"}


@contextmanager
def unquoted() -> Iterator[None]:
    """Refuse a block as a whole without quoting what it was made of, as pydantic would.

    Raises:
        pydantic.ValidationError: Instead of a `ValueError` inside the `with`.
    """
    try:
        yield
    except ValueError as error:
        reason = PydanticCustomError("value_error", "Value error, {reason}", {"reason": str(error)})
        details = InitErrorDetails(type=reason, input="not shown")
        raise ValidationError.from_exception_data("block", [details]) from None


def hidden(key: Any, value: Any) -> Any:
    """Return the value of a key, wrapped where it is a secret or holds some."""
    if key in _NESTED and isinstance(value, dict):
        return {name: hidden(name, part) for name, part in value.items()}
    secret = str(key).lower() in _SECRETS or names_a_secret(str(key))
    return as_secret(value) if secret else value
