"""A declared cost matrix becomes a rule, and the shipped estimator decides as the rule does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.models.decision import (
    DecidingModel,
    Decision,
    cost_matrix,
    deciding_estimator,
    probabilities_of,
)
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.registry.model_logging import trusted_types
from prefect_mlops.training.decision_threshold import decision_for
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from skops import io

THREE = {"a": {"b": 1, "c": 9}, "b": {"a": 1, "c": 1}, "c": {"a": 20, "b": 5}}


def fitted(names):
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(200, 2)), columns=["p", "q"])
    parts = np.quantile(rows["p"], np.linspace(0, 1, len(names) + 1)[1:-1])
    return LogisticRegression().fit(rows, np.asarray(names)[np.digitize(rows["p"], parts)]), rows


@pytest.mark.parametrize(
    ("costs", "classes", "expected"),
    [
        ({"false_positive": 1, "false_negative": 5}, ["no", "yes"], [[0, 1], [5, 0]]),
        (
            {"false_positive": 1, "false_negative": 5, "true_positive": -2},
            [0, 1],
            [[0, 1], [5, -2]],
        ),
        ({"1": {"0": 7}, "0": {"1": 2}}, [0.0, 1.0], [[0, 2], [7, 0]]),
        ({"true": {"false": 7}, "false": {"true": 2}}, [False, True], [[0, 2], [7, 0]]),
        (THREE, ["a", "b", "c"], [[0, 1, 9], [1, 0, 1], [20, 5, 0]]),
    ],
)
def test_costs_become_a_matrix_in_the_order_of_the_classes(costs, classes, expected):
    assert cost_matrix(costs, np.asarray(classes)).tolist() == expected


@pytest.mark.parametrize(
    ("costs", "classes", "said"),
    [
        ({"good": {"bad": 1}, "bda": {"good": 5}}, ["bad", "good"], "class 'bda'.*'bad', 'good'"),
        ({"good": {"bad": 1}}, ["bad", "good"], "take 'bad' for 'good'"),
        ({"false_positive": 1, "false_negative": 5}, ["a", "b", "c"], "3 classes"),
        ({"false_positive": 0, "false_negative": 5}, ["no", "yes"], "'no' for 'yes' costs 0"),
    ],
)
def test_costs_that_do_not_fit_are_refused_by_name(costs, classes, said):
    with pytest.raises(ConfigurationError, match=said):
        cost_matrix(costs, np.asarray(classes))


def decision_of(names, threshold=None):
    if len(names) == 2:
        return Decision(tuple(map(str, names)), ((0.0, 1.0), (5.0, 0.0)), threshold or 0.2)
    return Decision(tuple(names), tuple(map(tuple, cost_matrix(THREE, np.asarray(names)).tolist())))


@pytest.mark.parametrize("names", [["no", "yes"], [0, 1], ["a", "b", "c"]])
def test_the_shipped_estimator_decides_as_the_predictor_does(names):
    model, rows = fitted(names)
    decision = decision_of(names)
    shipped = deciding_estimator(model, decision, rows.head(1))
    shipped = io.loads(io.dumps(shipped), trusted=trusted_types(shipped))
    predictor = Predictor(model, "multiclass", {"p": "number", "q": "number"}, decision)
    probabilities = predictor.predict(rows)
    labels = predictor.labels(probabilities)
    assert (shipped.predict(rows) == labels).all()
    assert (predictor.deciding.predict(rows) == labels).all()
    assert (labels != model.predict(rows)).any()
    assert probabilities_of(shipped).predict_proba(rows) == pytest.approx(probabilities, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(arrays(float, (3, 3), elements=st.floats(0.5, 20)), st.integers(0, 10**6))
def test_any_costs_of_three_classes_are_shipped(costs, seed):
    np.fill_diagonal(costs, 0.0)
    model, rows = fitted(["a", "b", "c"])
    decision = Decision(("a", "b", "c"), tuple(map(tuple, costs.tolist())))
    sample = rows.sample(20, random_state=seed)
    labels = DecidingModel(model, decision).predict(sample)
    assert (deciding_estimator(model, decision, rows.head(1)).predict(sample) == labels).all()


def test_what_is_stored_is_the_same_rule():
    for decision in (decision_of(["no", "yes"], 0.3), decision_of(["a", "b", "c"])):
        assert Decision.stored(decision.document()) == decision


def test_a_label_that_is_no_class_costs_nothing_that_is_known():
    probabilities = np.array([[0.9, 0.1], [0.7, 0.3], [0.1, 0.9]])
    found = decision_of(["no", "yes"]).metrics(np.array(["yes", "yes", "maybe"]), probabilities)
    assert found == {"cost": 2.5, "cost_of_most_probable": 5.0}


def test_without_costs_the_most_probable_class_is_the_label():
    model, rows = fitted(["no", "yes"])
    predictor = Predictor(model, "binary", {"p": "number", "q": "number"})
    assert (predictor.labels(predictor.predict(rows)) == model.predict(rows)).all()
    assert predictor.deciding is model


class Single(ClassifierMixin, BaseEstimator):
    """Answers in single precision, as XGBoost does."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        said = X["a"].to_numpy(dtype="float32")
        return np.column_stack([1 - said, said])


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=20), st.integers(1, 20))
def test_a_threshold_says_the_same_in_single_precision(chances, cost):
    X = pd.DataFrame({"a": chances})
    model = Single().fit(X, ["no", "yes"] * len(X))
    said = np.column_stack([1 - X["a"], X["a"]])
    truth = np.resize(["no", "yes"], len(X))
    costs = {"false_positive": 1, "false_negative": cost}
    decision = decision_for(costs, model.classes_, said, truth)
    predictor = Predictor(model, "binary", {"a": "number"}, decision)
    assert float(np.float32(decision.threshold)) == decision.threshold
    labels = predictor.labels(predictor.predict(X))
    shipped = deciding_estimator(model, decision, X).predict(X)
    np.testing.assert_array_equal(labels, shipped)
