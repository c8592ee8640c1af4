"""Finds the champion to go back to. Pure: the promotion log in, a version out.

The log is read as a path: a promotion goes one step on, a roll back goes back to an earlier step and
leaves what came after it for good. A version that was rolled back from is no place to go back to, until
somebody makes it the champion again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ROLLED_BACK = "rolled back: "


def is_rollback(entry: Mapping[str, Any]) -> bool:
    """Return whether an entry of the promotion log is a roll back."""
    return str(entry.get("reason", "")).startswith(ROLLED_BACK)


def champion_before(entries: Iterable[Mapping[str, Any]], current: str | None) -> str | None:
    """Return the champion before the current one that nobody rolled back from.

    Args:
        entries: The promotion log, oldest first: `version`, `previous` and `reason`.
        current: Version that is the champion now, or None. Where a person has moved the alias it is
            not the log's last one.

    Returns:
        A version, or None when there is none to go back to.

    Example:
        >>> log = [
        ...     {"previous": None, "version": "1", "reason": "first model"},
        ...     {"previous": "1", "version": "2", "reason": "better"},
        ...     {"previous": "2", "version": "3", "reason": "better"},
        ... ]
        >>> champion_before(log, "3")
        '2'
        >>> log.append({"previous": "3", "version": "2", "reason": "rolled back: complaints"})
        >>> champion_before(log, "2")
        '1'
    """
    path: list[str] = []
    left: set[str] = set()
    for entry in entries:
        version, previous = entry["version"], entry["previous"]
        if previous is not None and (not path or path[-1] != previous):
            # Moved by a person, before this entry.
            path.append(previous)
        if is_rollback(entry) and previous is not None:
            left.add(previous)
            path.pop()
            _cut(path, version)
        left.discard(version)
        path.append(version)
    _cut(path, current)
    return next((v for v in reversed(path) if v not in left and v != current), None)


def _cut(path: list[str], version: str | None) -> None:
    """Leave what came before the last time that a version was the champion."""
    if version in path:
        del path[len(path) - 1 - path[::-1].index(version) :]
