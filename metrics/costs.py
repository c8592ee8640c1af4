"""What decisions cost: the cost of every row, the least costly class, and the least costly threshold.

Minimum expected cost after Elkan, *The foundations of cost-sensitive learning* (IJCAI 2001).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .losses import Floats

Positions = npt.NDArray[np.intp]


def row_costs(truth: Positions, decided: Positions, costs: Floats) -> Floats:
    """Return what the decision on every row costs.

    Args:
        truth: Position of the true class, shape (n,).
        decided: Position of the class decided on, shape (n,).
        costs: True class by class decided on, shape (classes, classes).

    Returns:
        Shape (n,).

    Example:
        >>> row_costs(np.array([0, 1]), np.array([1, 1]), np.array([[0.0, 1.0], [5.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    return costs[truth, decided]


def even_threshold(costs: Floats) -> float:
    """Return the probability of the second class from which on deciding for it costs less, in expectation.

    Args:
        costs: True class by class decided on, shape (2, 2); being wrong costs more than being right.

    Example:
        >>> round(even_threshold(np.array([[0.0, 1.0], [4.0, 0.0]])), 9)
        0.2
    """
    negative = costs[0, 1] - costs[0, 0]
    return float(negative / (negative + costs[1, 0] - costs[1, 1]))


def best_threshold(
    probability: Floats,
    positive: npt.NDArray[np.bool_],
    costs: Floats,
    weights: Floats | None = None,
) -> float:
    """Return the threshold that would have cost least on rows whose labels are known.

    Every threshold between two neighbouring probabilities decides alike; of equally good ones it is the
    one nearest to `even_threshold`, which is best where probabilities are right.

    Args:
        probability: Probability of the second class, shape (n,).
        positive: Whether a row is of the second class, shape (n,).
        costs: True class by class decided on, shape (2, 2).
        weights: What each row counts, shape (n,). None: all the same.

    Returns:
        A row is decided to be of the second class if its probability is at least this. Above 1: none is.

    Example:
        >>> found = best_threshold(
        ...     np.array([0.1, 0.3, 0.6]), np.array([False, True, True]), np.array([[0, 1.0], [5, 0]])
        ... )
        >>> 0.1 < found <= 0.3
        True
    """
    counted = np.ones(len(probability)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(probability, kind="stable")
    values: Any = np.asarray(probability, dtype=float)[order]
    # What deciding for the first class instead of the second adds, row by row.
    added = np.where(positive, costs[1, 0] - costs[1, 1], costs[0, 0] - costs[0, 1]) * counted
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True)) + 1
    totals = np.concatenate([[0.0], np.cumsum(added[order])[ends - 1]])
    least = totals.min()
    # Sums of the same numbers in another order differ by rounding alone.
    tied = np.flatnonzero(totals <= least + 1e-12 * np.abs(added).sum())
    bounds = np.concatenate([[min(0.0, values[0])], values[ends - 1], [max(1.0, values[-1])]])
    even = even_threshold(costs)
    found = [
        _within(float(bounds[k]), float(bounds[k + 1]), k, len(ends), even) for k in tied.tolist()
    ]
    return min(found, key=lambda threshold: abs(threshold - even))


def _within(low: float, high: float, number: int, last: int, even: float) -> float:
    """Return the threshold above `low`, and up to `high`, that is nearest to the even one, or half-way."""
    if number == last and low >= high:
        return float(np.nextafter(high, np.inf))
    if low < even <= high:
        return even
    middle = low + (high - low) / 2
    # Between two neighbouring floats there is none.
    return middle if middle > low else high


def least_costly(probabilities: Floats, costs: Floats) -> Positions:
    """Return the position of the class with the least expected cost; of equal ones the first.

    Args:
        probabilities: Shape (n, classes).
        costs: True class by class decided on, shape (classes, classes).

    Example:
        >>> least_costly(np.array([[0.7, 0.3]]), np.array([[0.0, 1.0], [5.0, 0.0]])).tolist()
        [1]
    """
    return (probabilities @ -costs).argmax(axis=1)
