"""What a model's own probabilities say its loss will be: tells a part that is hard from one that the model gets wrong."""

from __future__ import annotations

import numpy as np

from .losses import Floats


def expected_losses(metric: str, probabilities: Floats) -> Floats | None:
    """Return the loss of every row that the model itself expects.

    Args:
        metric: Name of a loss.
        probabilities: Of every class, shape (n, classes).

    Returns:
        Shape (n,): the entropy for `log_loss`, the Gini impurity for `brier`, the chance of another class than the
        most probable one for `error_rate`; None for a metric of numbers.

    Example:
        >>> expected_losses("error_rate", np.array([[0.75, 0.25]])).tolist()
        [0.25]
    """
    if metric == "log_loss":
        sure = np.clip(probabilities, np.finfo(float).eps, 1.0)
        return -(probabilities * np.log(sure)).sum(axis=1)
    if metric == "brier":
        return 1.0 - np.square(probabilities).sum(axis=1)
    if metric == "error_rate":
        return 1.0 - probabilities.max(axis=1)
    return None
