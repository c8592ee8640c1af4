"""Alpha spending: when the next look at a canary is due, and which chance of error it may spend.

Testing again and again until chance obliges errs more often than planned. So the chance of error,
1 - `confidence`, is spent over the looks (alpha spending: Lan and DeMets, *Biometrika* 70, 1983): look k
gets 1 / (k(k + 1)) of it. These shares add up to 1 however many looks there are, and by the union bound the
chance that any look is wrong is at most the sum of theirs, whatever the looks have in common. A look is
taken only once enough labels are new: late shares are small.
"""

from __future__ import annotations

from math import ceil

from ..core.settings import CanarySettings


def alpha_spent(look: int, confidence: float) -> float:
    """Return what a look may spend of the chance of error.

    Args:
        look: Which look it is, from 1.
        confidence: Of all looks together.

    Returns:
        A chance; over all looks they add up to 1 - confidence.

    Example:
        >>> round(sum(alpha_spent(look, 0.95) for look in range(1, 100_000)), 4)
        0.05
    """
    return (1.0 - confidence) / (look * (look + 1))


def labels_needed(settings: CanarySettings, labelled: int | None) -> int:
    """Return how many labelled requests the next look needs.

    Args:
        settings: How many the first needs, and by which share they must grow.
        labelled: How many the last look had; None before the first.

    Returns:
        Labelled requests.

    Example:
        >>> labels_needed(CanarySettings(minimum_labels=200, look_growth=0.2), 400)
        480
    """
    if labelled is None:
        return settings.minimum_labels
    return max(labelled + 1, ceil(labelled * (1 + settings.look_growth)))
