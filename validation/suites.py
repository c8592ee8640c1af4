"""Reads a project's own suite of expectations."""

from __future__ import annotations

import json
from typing import Any

from ..core.errors import ConfigurationError, WorkspaceUnavailable
from ..core.workspace import read_uri


def read_suite(place: str | None) -> dict[str, Any] | None:
    """Return the suite at a path or URL, or None when it is to be inferred.

    Args:
        place: Path or any fsspec URL of a Great Expectations suite as JSON, or None.

    Raises:
        ConfigurationError: If it cannot be read or understood.
    """
    if place is None:
        return None
    try:
        return json.loads(read_uri(place))
    except (WorkspaceUnavailable, ValueError) as error:
        raise ConfigurationError(f"data.suite {place!r} is no readable JSON: {error}") from error
