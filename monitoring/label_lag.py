"""How long labels take: the shortest lag at which a window's labels are complete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


# From an eighth of a window to more than a hundred of them.
_MOST_DOUBLINGS = 12


def shortest_lag(
    complete: Callable[[timedelta], bool | None], length: timedelta
) -> timedelta | None:
    """Return about the shortest lag at which labels are complete.

    Args:
        complete: Says of a lag whether the labels of a window that much earlier are complete; None when
            too little was predicted then: before the log begins, or in a gap of it.
        length: Length of the window.

    Returns:
        The lag, at most an eighth of itself, or of the length, too long; None when there is none. One
        that only lags within less than an eighth of the length have may be missed.

    Example:
        >>> hour = timedelta(hours=1)
        >>> shortest_lag(lambda lag: lag >= 5 * hour, hour) / hour
        5.0
    """
    short, empty = timedelta(0), None
    before = short
    for power in range(_MOST_DOUBLINGS):
        lag = length * 2**power / 8
        found = complete(lag)
        if found:
            return _bisected(complete, before, lag, length)
        before = lag
        if found is None:
            empty = empty or lag
        else:
            short, empty = lag, None
    # The log may go back far enough for a complete window, and not for the next doubling.
    while empty is not None and empty - short > length / 8:
        middle = (short + empty) / 2
        found = complete(middle)
        if found:
            return _bisected(complete, short, middle, length)
        short, empty = (short, middle) if found is None else (middle, empty)
    return None


def _bisected(
    complete: Callable[[timedelta], bool | None],
    short: timedelta,
    long: timedelta,
    length: timedelta,
) -> timedelta:
    while long - short > max(length, long) / 8:
        middle = (short + long) / 2
        short, long = (short, middle) if complete(middle) else (middle, long)
    return long
