"""Recommends a policy of a backtest, for the user's own costs."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.errors import ConfigurationError
from ..core.results.backtest import PolicyCost, PolicyReplay

_NEAR = 0.05


def check_costs(
    error_cost: float | None, retraining_cost: float | None
) -> tuple[float, float] | None:
    """Return both costs, or None when neither was given.

    Raises:
        ConfigurationError: If one is missing or negative.
    """
    if error_cost is None and retraining_cost is None:
        return None
    if error_cost is None or retraining_cost is None or min(error_cost, retraining_cost) < 0:
        raise ConfigurationError(
            f"error_cost={error_cost} and retraining_cost={retraining_cost}: give both, 0 or more, in "
            "the same unit"
        )
    return error_cost, retraining_cost


def costs_of(
    replays: Sequence[PolicyReplay], *, error_cost: float, retraining_cost: float
) -> list[PolicyCost]:
    """Return what every policy would have cost.

    Args:
        replays: The policies.
        error_cost: Cost of one unit of the metric in one prediction.
        retraining_cost: Cost of one retraining, in the same unit.

    Example:
        >>> costs_of([], error_cost=1.0, retraining_cost=10.0)
        []
    """
    return [
        PolicyCost(
            name=replay.name,
            errors=error_cost * replay.value * sum(window.rows for window in replay.windows),
            retrainings=retraining_cost * replay.retrainings,
        )
        for replay in replays
    ]


def recommend(
    replays: Sequence[PolicyReplay], costs: Sequence[PolicyCost], metric: str
) -> tuple[str, str]:
    """Return the recommended policy, and why.

    Args:
        replays: The policies, at least one.
        costs: What each would have cost; empty when the user did not say what an error costs.
        metric: Name of the metric.

    Returns:
        With costs the cheapest policy. Without, the one with the fewest retrainings among those whose
        metric is within 5% of the best.
    """
    if costs:
        cheapest = min(costs, key=lambda cost: cost.total)
        others = [cost for cost in costs if cost.name != cheapest.name]
        second = min(others, key=lambda cost: cost.total, default=None)
        said = f"{cheapest.name} costs least: {cheapest.total:,.6g}, of it {cheapest.retrainings:,.6g} for "
        said += "retraining"
        if second is not None:
            said += f"; next is {second.name} with {second.total:,.6g}"
        return cheapest.name, said
    best = min(replays, key=lambda replay: replay.value)
    near = [replay for replay in replays if replay.value <= best.value * (1 + _NEAR)]
    chosen = min(near, key=lambda replay: (replay.retrainings, replay.value))
    said = (
        f"{chosen.name}: {metric} {chosen.value:.4g} with {chosen.retrainings} retrainings. "
        f"The best {metric} is that of {best.name}, {best.value:.4g} with {best.retrainings}; of the "
        f"policies within {_NEAR:.0%} of it this one retrains least. Say what an error and a retraining "
        "cost you for a recommendation of your own"
    )
    return chosen.name, said
