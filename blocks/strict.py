"""Refuses unknown keys in blocks, except the one that Prefect itself stores with every block."""

from __future__ import annotations

from typing import Any


def without_slug(data: Any) -> Any:
    """Drop the block type's slug that Prefect stores with nested blocks; it has checked it by then.

    Args:
        data: What a block is made of.

    Returns:
        The same without `block_type_slug`.
    """
    if isinstance(data, dict):
        return {key: value for key, value in data.items() if key != "block_type_slug"}
    return data
