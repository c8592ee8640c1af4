"""Any labels in, the same labels out, whatever the classifier inside wants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prefect_mlops.models.labelled_classifier import LabelledClassifier
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags


class Numbered(DecisionTreeClassifier):
    """Refuses all but 0 to k-1, and answers as a matrix of one column, as the libraries do."""

    def fit(self, X, y, sample_weight=None):
        assert set(y) == set(range(len(set(y))))
        return super().fit(X, y, sample_weight=sample_weight)

    def predict(self, X):
        raise AssertionError("asked for labels")


labels = st.one_of(
    st.lists(st.text(max_size=4), min_size=2, max_size=5, unique=True),
    st.lists(st.integers(-5, 5), min_size=2, max_size=5, unique=True),
    st.just([False, True]),
)


@given(labels, st.integers(1, 4))
@settings(max_examples=40)
def test_labels_come_back_in_the_order_of_the_probabilities(classes, repeats):
    target = np.repeat(np.asarray(classes, dtype=object), repeats)
    rows = np.repeat(np.arange(len(classes), dtype=float), repeats)[:, None]
    model = LabelledClassifier(Numbered(random_state=0)).fit(rows, target)
    assert list(model.classes_) == sorted(classes)
    assert list(model.predict(rows)) == list(target)
    assert model.predict_proba(rows).shape == (len(rows), len(classes))


def test_weights_reach_the_classifier_inside():
    rows, target = [[0.0], [0.0]], ["no", "yes"]
    model = LabelledClassifier(DecisionTreeClassifier())
    assert model.fit(rows, target, sample_weight=[1.0, 9.0]).predict_proba(rows)[0, 1] == 0.9
    assert model.fit(rows, target).predict_proba(rows)[0, 1] == 0.5


def test_it_is_cloned_with_a_classifier_that_cannot_be():
    catboost = pytest.importorskip("catboost")
    inside = catboost.CatBoostClassifier(cat_features=[0], iterations=3)
    with pytest.raises(RuntimeError):
        clone(inside)
    again = clone(LabelledClassifier(inside))
    assert again.classifier is not inside
    assert again.classifier.get_params() == inside.get_params()


def test_it_takes_missing_values_if_the_one_inside_does():
    assert get_tags(LabelledClassifier(DecisionTreeClassifier())).input_tags.allow_nan
    assert not get_tags(LabelledClassifier(LogisticRegression())).input_tags.allow_nan
