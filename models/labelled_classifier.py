"""Gives classifiers that want classes 0 to k-1, or answer in another shape, any labels and scikit-learn's shapes.

Logged models name this module and its class: both must keep their names.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from ..metrics.losses import Floats


class LabelledClassifier(ClassifierMixin, BaseEstimator):
    """A classifier that numbers its classes for the one inside.

    XGBoost takes classes 0 to k-1 only; CatBoost answers several classes as a matrix of one column.

    Args:
        classifier: Unfitted; has `predict_proba`.

    Attributes:
        classes_: Labels, sorted.
        classifier_: The fitted classifier of their numbers.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> model = LabelledClassifier(LogisticRegression()).fit([[0.0], [1.0]], ["no", "yes"])
        >>> model.predict([[2.0]]).tolist()
        ['yes']
    """

    def __init__(self, classifier: Any) -> None:
        self.classifier = classifier

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> LabelledClassifier:
        """Fit the classifier inside.

        Args:
            X: Rows, n.
            y: Labels, shape (n,).
            sample_weight: Weight of each row, shape (n,). None: all the same.
        """
        self.classes_, numbers = np.unique(np.asarray(y), return_inverse=True)
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        self.classifier_ = deepcopy(self.classifier).fit(X, numbers, **weights)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Return the probability of each class, shape (n, classes)."""
        return np.asarray(self.classifier_.predict_proba(X), dtype=float)

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row, shape (n,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_clone__(self) -> LabelledClassifier:
        """Copy: CatBoost with categories cannot be cloned, as it hands out copies of its parameters."""
        return LabelledClassifier(deepcopy(self.classifier))

    def __sklearn_tags__(self) -> Any:
        """Say about rows what the classifier inside says."""
        tags = super().__sklearn_tags__()
        inside = getattr(self.classifier, "__sklearn_tags__", None)
        if inside is not None:
            tags.input_tags.allow_nan = inside().input_tags.allow_nan
        return tags
