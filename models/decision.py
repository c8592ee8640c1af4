"""How a model's probabilities become a label where mistakes do not all cost the same.

The rule is stored twice, and both say the same: in the logged model, as an estimator of scikit-learn around
the probabilities, so that `predict` of a pyfunc decides by it wherever the model is loaded; and in the
model's metadata, for `Predictor`, which has the probabilities at hand already.

| classes | estimator | decides |
| --- | --- | --- |
| two | `FixedThresholdClassifier` | by the threshold that cost least on out-of-fold predictions |
| several | `StackingClassifier` with a linear final estimator of the negative costs | by the least expected cost |

The second has `predict` only: its probabilities are those of `estimators_[0]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..core.errors import ConfigurationError
from ..core.settings.decisions import Costs
from ..data.class_labels import class_text, match_classes
from ..metrics.costs import Positions, least_costly, row_costs
from ..metrics.losses import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Decision:
    """A rule that turns probabilities into labels.

    Attributes:
        classes: The model's classes as text, in its order.
        costs: True class by class decided on; None of an adopted model, of which the threshold alone is known.
        threshold: Least probability of the second of two classes to decide for it; None for several.
    """

    classes: tuple[str, ...]
    costs: tuple[tuple[float, ...], ...] | None
    threshold: float | None = None

    @property
    def matrix(self) -> Floats:
        """The costs, shape (classes, classes)."""
        return np.asarray(self.costs, dtype=float)

    def choose(self, probabilities: Floats) -> Positions:
        """Return the position of the class that is decided on, shape (n,).

        Args:
            probabilities: Shape (n, classes).
        """
        if self.threshold is None:
            return least_costly(probabilities, self.matrix)
        return (probabilities[:, 1] >= self.threshold).astype(np.intp)

    def paired_costs(
        self, truth: np.ndarray, probabilities: Floats
    ) -> tuple[np.ndarray, Floats, Floats]:
        """Return what every row costs, and what the most probable class would have cost.

        Args:
            truth: True labels, shape (n,).
            probabilities: Shape (n, classes).

        Returns:
            Which rows have a known class, shape (n,), and both costs of these.
        """
        named = match_classes(truth.tolist(), list(self.classes))
        known = np.array([name is not None for name in named], dtype=bool)
        true = np.array([self.classes.index(name) for name in named if name is not None], dtype=int)
        rows = probabilities[known]
        decided, probable = self.choose(rows), rows.argmax(axis=1)
        return known, row_costs(true, decided, self.matrix), row_costs(true, probable, self.matrix)

    def metrics(
        self, truth: np.ndarray, probabilities: Floats, weights: Floats | None = None
    ) -> dict[str, float]:
        """Return the mean cost of a row, and what the most probable class would have cost.

        Args:
            truth: True labels, shape (n,); one that is no class of the model is left out.
            probabilities: Shape (n, classes).
            weights: What each row counts. None: all the same.

        Returns:
            `cost` and `cost_of_most_probable`; nothing without costs, or where no row has a known class.
        """
        if self.costs is None:
            return {}
        known, cost, probable = self.paired_costs(truth, probabilities)
        if not known.any():
            return {}
        counted = None if weights is None else weights[known]
        return {
            "cost": float(np.average(cost, weights=counted)),
            "cost_of_most_probable": float(np.average(probable, weights=counted)),
        }

    @property
    def parameters(self) -> dict[str, float]:
        """What is shown among the parameters of a logged model."""
        return {} if self.threshold is None else {"decision_threshold": self.threshold}

    def document(self) -> dict[str, Any]:
        """Return what is stored with a model, as JSON."""
        costs = None if self.costs is None else [list(row) for row in self.costs]
        return {"classes": list(self.classes), "costs": costs, "threshold": self.threshold}

    @classmethod
    def stored(cls, document: Mapping[str, Any]) -> Self:
        """Return the rule of a `document`."""
        costs = document["costs"]
        if costs is not None:
            costs = tuple(tuple(float(cost) for cost in row) for row in costs)
        return cls(tuple(document["classes"]), costs, document["threshold"])


def cost_matrix(costs: Costs, classes: np.ndarray) -> Floats:
    """Return declared costs as a matrix.

    Args:
        costs: As in `training.decisions.costs`.
        classes: The model's classes, in its order.

    Returns:
        True class by class decided on, shape (classes, classes).

    Raises:
        ConfigurationError: If costs are of other classes, leave a mistake out, or make a mistake no
            costlier than being right: no rows could then tell which class to decide for.

    Example:
        >>> cost_matrix({"false_positive": 1, "false_negative": 5}, np.array(["no", "yes"])).tolist()
        [[0.0, 1.0], [5.0, 0.0]]
    """
    names = [class_text(value) for value in classes]
    if any(not isinstance(value, dict) for value in costs.values()):
        costs = _by_class(costs, names)
    found = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(found, 0.0)
    for true, row in costs.items():
        for decided, cost in row.items():  # pyright: ignore[reportAttributeAccessIssue]
            found[_position(true, names), _position(decided, names)] = cost
    for true, decided in zip(*np.nonzero(np.isnan(found)), strict=True):
        raise ConfigurationError(
            f"training.decisions.costs does not say what it costs to take {names[true]!r} for "
            f"{names[decided]!r}: name every pair of {names}"
        )
    for true, row in enumerate(found):
        for decided in np.flatnonzero(row <= row[true]):
            if decided != true:
                raise ConfigurationError(
                    f"training.decisions.costs: taking {names[true]!r} for {names[decided]!r} costs "
                    f"{row[decided]:g}, no more than being right, {row[true]:g}: a mistake must cost more"
                )
    return found


def _by_class(costs: Costs, names: list[str]) -> dict[str, dict[str, float]]:
    if len(names) != 2:
        raise ConfigurationError(
            f"training.decisions.costs names false_positive and false_negative, and the target has "
            f"{len(names)} classes: give true class to predicted class to cost, of {names}"
        )
    negative, positive = names
    flat: Any = costs
    return {
        negative: {negative: flat.get("true_negative", 0.0), positive: flat["false_positive"]},
        positive: {negative: flat["false_negative"], positive: flat.get("true_positive", 0.0)},
    }


def _position(name: str, names: list[str]) -> int:
    (found,) = match_classes([name], names)
    if found is None:
        raise ConfigurationError(
            f"training.decisions.costs names the class {name!r}, and the target has {names}: name these"
        )
    return names.index(found)


def deciding_estimator(model: Any, decision: Decision, example: pd.DataFrame) -> Any:
    """Return an estimator of scikit-learn whose `predict` decides by a rule.

    Args:
        model: A fitted classifier with `predict_proba`.
        decision: The rule.
        example: Rows that the model takes, at least one.

    Returns:
        The estimator around the model; `probabilities_of` gives the model back.
    """
    if decision.threshold is not None:
        from sklearn.model_selection import FixedThresholdClassifier

        threshold: Any = decision.threshold
        return FixedThresholdClassifier(
            model,
            threshold=threshold,
            pos_label=np.asarray(model.classes_).tolist()[1],
            response_method="predict_proba",
        )
    from sklearn.ensemble import StackingClassifier
    from sklearn.frozen import FrozenEstimator
    from sklearn.svm import LinearSVC

    count = len(decision.classes)
    rule: Any = LinearSVC()
    rule.coef_, rule.intercept_ = np.ascontiguousarray(-decision.matrix.T), np.zeros(count)
    rule.classes_, rule.n_features_in_ = np.arange(count), count
    # Frozen: the rule is declared, not learnt, and rows are needed for nothing but the names of columns.
    stack = StackingClassifier(
        [("model", model)],
        final_estimator=FrozenEstimator(rule),
        cv="prefit",
        stack_method="predict_proba",
    )
    return stack.fit(example.iloc[np.zeros(count, dtype=int)], model.classes_)


def probabilities_of(model: Any) -> Any:
    """Return the classifier whose probabilities an estimator of `deciding_estimator` decides by."""
    found = getattr(model, "estimators_", None)
    return found[0] if found else model.estimator


@dataclass(frozen=True)
class DecidingModel:
    """A classifier in memory that answers with labels by a rule, for libraries that take a model.

    Attributes:
        model: A fitted classifier.
        decision: The rule.
    """

    model: Any
    decision: Decision

    @property
    def classes_(self) -> np.ndarray:
        """Class of each probability column."""
        return np.asarray(self.model.classes_)

    def predict_proba(self, rows: Any) -> Floats:
        """Return probabilities, shape (n, classes)."""
        return np.asarray(self.model.predict_proba(rows), dtype=float)

    def predict(self, rows: Any) -> np.ndarray:
        """Return labels, shape (n,)."""
        return self.classes_[self.decision.choose(self.predict_proba(rows))]
