"""Prepares what blocks are made of: unknown keys are refused, and secrets stay out of error messages."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr

_SECRETS = {"uri", "url", "tracking_uri", "registry_uri"}
_NESTED = {"dataset", "source", "registry", "predictions"}


def without_slug(data: Any) -> Any:
    """Drop the block type's slug that Prefect stores with nested blocks; it has checked it by then.

    URIs are wrapped before anything is validated: pydantic quotes its input when it refuses something,
    and a URI holds a password.

    Args:
        data: What a block is made of.

    Returns:
        The same without `block_type_slug`, its URIs and those of its parts as secrets.

    Example:
        >>> without_slug({"block_type_slug": "prediction-log", "uri": "mongodb://me:secret@host/db"})
        {'uri': SecretStr('**********')}
    """
    if not isinstance(data, dict):
        return data
    return {key: _hidden(key, value) for key, value in data.items() if key != "block_type_slug"}


def _hidden(key: Any, value: Any) -> Any:
    if key in _NESTED and isinstance(value, dict):
        return {name: _hidden(name, part) for name, part in value.items()}
    return SecretStr(value) if key in _SECRETS and isinstance(value, str) else value
