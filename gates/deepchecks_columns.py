"""Limits the columns of the slow default Deepchecks checks, a tenth of a second a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.results import Gate

# What they find is about single columns, and needs no model: both hold for a part of the columns too.
BY_COLUMN = frozenset({"FeatureLabelCorrelationChange", "FeatureDrift"})


def most_important(
    features: Sequence[str], importance: Mapping[str, float], most: int | None
) -> list[str]:
    """Return the most important features, in their own order.

    Args:
        features: All of them.
        importance: Feature to its share of the model's importance; without it a feature counts as 0.
        most: How many at most. None: all.

    Example:
        >>> most_important(["a", "b", "c"], {"a": 0.1, "b": 0.2, "c": 0.7}, 2)
        ['b', 'c']
    """
    if most is None or len(features) <= most:
        return list(features)
    ranked = sorted(features, key=lambda name: -importance.get(name, 0.0))
    kept = set(ranked[:most])
    return [name for name in features if name in kept]


def columns_gate(features: Sequence[str], checked: Sequence[str]) -> Gate:
    """Return the gate that says which columns were left out; it does not block."""
    return Gate(
        name="deepchecks columns",
        verdict="not_run",
        reason=f"{len(features)} features, the {len(checked)} most important were checked by "
        f"{' and '.join(sorted(BY_COLUMN))} (gates.deepchecks_columns)",
        value=float(len(checked)),
        threshold=float(len(features)),
        blocking=False,
    )
