"""Expected calibration error: how far probabilities are from the frequencies that they announce."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..core.errors import DataRejected
from .losses import Floats

BINS = 10


def calibration_error(
    truth: npt.ArrayLike,
    probabilities: Floats,
    classes: npt.ArrayLike,
    weights: Floats | None = None,
    bins: int = BINS,
) -> float:
    """Return the expected calibration error: the mean gap between probability and frequency over bins.

    Of two classes the second one's probability is looked at, of several that of the most probable class
    (Guo, Pleiss, Sun and Weinberger, *On Calibration of Modern Neural Networks*, ICML 2017). Bins hold
    equally many rows (Nguyen and O'Connor, EMNLP 2015): of equal width most would be empty where
    probabilities are small. Chance alone gives a small positive value.

    Args:
        truth: True labels, shape (n,).
        probabilities: Shape (n, classes).
        classes: Class of each probability column.
        weights: What each row counts, shape (n,). None: all the same.
        bins: Number of bins.

    Returns:
        0 to 1.

    Raises:
        DataRejected: If there are no rows.

    Example:
        >>> round(calibration_error(["a", "b"], np.array([[0.4, 0.6], [0.4, 0.6]]), ["a", "b"], bins=1), 3)
        0.1
    """
    actual, names = np.asarray(truth), np.asarray(classes)
    if len(actual) == 0:
        raise DataRejected("no rows to take the calibration error of")
    if len(names) == 2:
        said, right = probabilities[:, 1], actual == names[1]
    else:
        said, right = probabilities.max(axis=1), actual == names[probabilities.argmax(axis=1)]
    counted = np.ones(len(actual)) if weights is None else np.asarray(weights, dtype=float)
    order = np.argsort(said, kind="stable")
    gaps = [
        abs(float((counted[part] * (said[part] - right[part])).sum()))
        for part in np.array_split(order, min(bins, len(order)))
    ]
    return float(sum(gaps) / counted.sum())
