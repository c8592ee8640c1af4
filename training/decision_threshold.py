"""The rule that decides by costs: a threshold for two classes, the least expected cost for several.

scikit-learn's `TunedThresholdClassifierCV` would fit every fold anew, average the folds on a grid and know
nothing of the calibrator: here the out-of-fold predictions that calibrated the model are decided on, and
the threshold is exact. Its `FixedThresholdClassifier` is what is shipped (`models.decision`).
"""

from __future__ import annotations

import numpy as np

from ..core.settings.decisions import Costs
from ..data.class_labels import class_text
from ..metrics.costs import best_threshold
from ..metrics.losses import Floats
from ..models.decision import Decision, cost_matrix


def decision_for(
    costs: Costs,
    classes: np.ndarray,
    probabilities: Floats,
    truth: np.ndarray,
    weights: Floats | None = None,
) -> Decision:
    """Return the rule for declared costs.

    Args:
        costs: As in `training.decisions.costs`.
        classes: The model's classes, in its order.
        probabilities: Out-of-fold predictions as the model gives them, calibrated if it is, shape
            (m, classes).
        truth: True labels of the same rows, shape (m,).
        weights: What each of these rows counts. None: all the same.

    Raises:
        ConfigurationError: If the costs do not fit the classes.

    Example:
        >>> rule = decision_for(
        ...     {"false_positive": 1, "false_negative": 5},
        ...     np.array(["no", "yes"]),
        ...     np.array([[0.9, 0.1], [0.7, 0.3]]),
        ...     np.array(["no", "yes"]),
        ... )
        >>> rule.choose(np.array([[0.7, 0.3]])).tolist()
        [1]
    """
    matrix = cost_matrix(costs, classes)
    threshold = None
    if len(classes) == 2:
        threshold = _single_precision(
            best_threshold(probabilities[:, 1], truth == classes[1], matrix, weights)
        )
    rows = tuple(tuple(row) for row in matrix.tolist())
    return Decision(tuple(class_text(value) for value in classes), rows, threshold)


def _single_precision(threshold: float) -> float:
    """Return the next threshold below that single precision has.

    Some models answer in single precision, and NumPy then compares in it: only of such a threshold do a
    probability and its double say the same.
    """
    found = np.float32(threshold)
    return float(found if found <= threshold else np.nextafter(found, np.float32(-np.inf)))
