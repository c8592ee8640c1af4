"""Column names and tags as text."""

from __future__ import annotations

from typing import Any


def text_of(name: Any) -> str:
    """Return a name or text as Python's own text: of an enumeration's member, its value.

    Example:
        >>> from enum import Enum
        >>> text_of(Enum("Answer", {"YES": "yes"}, type=str).YES), text_of(1)
        ('yes', '1')
    """
    # `str` of such a member is the name that its class has for it.
    return str.__str__(name) if isinstance(name, str) else str(name)
