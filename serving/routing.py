"""Canary routing: which requests the challenger answers."""

from __future__ import annotations

from hashlib import blake2b

_SPACE = 2**64


def routes_to_challenger(request: str, share: float) -> bool:
    """Decide whether the challenger answers a request.

    The decision depends on the id alone: a repeated request goes where it went before, on every server,
    and raising the share keeps those that went to the challenger there.

    Args:
        request: The request's id.
        share: Share of requests for the challenger, 0 to 1.

    Returns:
        Whether the challenger answers.

    Example:
        >>> routes_to_challenger("call-1", 1.0), routes_to_challenger("call-1", 0.0)
        (True, False)
    """
    # A key of its own: the log samples rows by another hash of their ids.
    digest = blake2b(request.encode("utf-8", "surrogatepass"), digest_size=8, key=b"canary")
    return int.from_bytes(digest.digest(), "big") < share * _SPACE
