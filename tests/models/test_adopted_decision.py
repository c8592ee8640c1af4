"""A foreign classifier's labels are those that it says itself, or it is refused."""

from __future__ import annotations

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import pyfunc
from prefect_mlops.core.errors import ModelUnavailable
from prefect_mlops.core.settings import Columns
from prefect_mlops.models.adopted_decision import threshold_in
from prefect_mlops.models.adopted_model import Adoption
from prefect_mlops.models.adoption_check import adopted_predictor
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"num": RNG.normal(size=800)})
ROWS["y"] = np.where(ROWS["num"] + 2 * RNG.normal(size=800) > 2, "yes", "no")
X, COLUMNS = ROWS[["num"]], Columns(target="y")


class Spread(ClassifierMixin, BaseEstimator):
    """Decides by something else than its probabilities."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        second = np.clip(np.asarray(X)[:, 0] / 8 + 0.5, 0, 1)
        return np.column_stack([1 - second, second])

    def predict(self, X):
        return self.classes_[(np.abs(np.asarray(X)[:, 0]) > 1).astype(int)]


def logged(model, folder, function="predict", signature=False):
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=mlflow.models.infer_signature(X) if signature else None,
        serialization_format="cloudpickle",
        pyfunc_predict_fn=function,
        pip_requirements=[],
    )
    return pyfunc.load_model(str(folder))


def adopted(model, rows=ROWS, **given):
    return adopted_predictor(model, rows, columns=COLUMNS, task_type="binary", **given)


def fixed(inside=None, **given):
    return FixedThresholdClassifier(LogisticRegression() if inside is None else inside, **given)


def tuned(**given):
    return TunedThresholdClassifierCV(LogisticRegression(), cv=3, **given)


FOREST = RandomForestClassifier(20, max_depth=3, random_state=0)
MODELS = {
    "fixed": fixed(threshold=0.1),
    "fixed on the first class": fixed(threshold=0.9, pos_label="no"),
    "fixed at its default": fixed(),
    "fixed in a pipeline": make_pipeline(StandardScaler(), fixed(threshold=0.15)),
    "fixed in a search": GridSearchCV(fixed(threshold=0.12), {"estimator__C": [0.1, 1]}, cv=2),
    "fixed on one of its probabilities": fixed(FOREST, threshold=0.1),
    "tuned": tuned(),
    "tuned for the first class": tuned(scoring=make_scorer(fbeta_score, pos_label="no", beta=0.1)),
    "no threshold": LogisticRegression(),
    "a forest": FOREST,
}


@pytest.mark.parametrize("function", ["predict", "predict_proba"])
@pytest.mark.parametrize("name", MODELS)
def test_labels_are_those_that_the_model_says(tmp_path, name, function):
    theirs = MODELS[name].fit(X, ROWS["y"])
    predictor, adoption = adopted(logged(theirs, tmp_path / "model", function))
    assert predictor.labels(predictor.predict(ROWS)).tolist() == theirs.predict(X).tolist()
    assert predictor.deciding.predict(X).tolist() == theirs.predict(X).tolist()
    assert (adoption.threshold is not None) == ("fixed" in name or "tuned" in name)
    stored = Adoption.model_validate_json(adoption.model_dump_json())
    assert stored.decision == predictor.decision


def test_a_threshold_on_a_probability_that_occurs_decides_as_the_model_does(tmp_path):
    forest = FOREST.fit(X, ROWS["y"])
    for number, threshold in enumerate(np.unique(forest.predict_proba(X)[:, 1])[::40]):
        theirs = fixed(FrozenEstimator(forest), threshold=threshold).fit(X, ROWS["y"])
        predictor, _ = adopted(logged(theirs, tmp_path / str(number)))
        assert predictor.labels(predictor.predict(ROWS)).tolist() == theirs.predict(X).tolist()


def test_classes_in_the_targets_words_keep_the_threshold(tmp_path):
    theirs = fixed(threshold=0.1).fit(X, (ROWS["y"] == "yes").astype(int))
    predictor, _ = adopted(logged(theirs, tmp_path / "model"), classes=["no", "yes"])
    said = np.where(theirs.predict(X) == 1, "yes", "no")
    assert predictor.labels(predictor.predict(ROWS)).tolist() == said.tolist()


@pytest.mark.parametrize(
    ("theirs", "function"),
    [
        (Spread(), "predict"),
        (fixed(threshold=-1.5, response_method="decision_function"), "predict"),
        (fixed(threshold=-1.5, response_method="decision_function"), "predict_proba"),
    ],
)
def test_a_model_that_decides_by_something_else_is_refused_and_told_what_to_do(
    tmp_path, theirs, function
):
    model = logged(theirs.fit(X, ROWS["y"]), tmp_path / "model", function)
    with pytest.raises(ModelUnavailable, match=r"own label .* \d+ of 800 rows.*FixedThreshold"):
        adopted(model)


def test_a_model_that_was_logged_to_say_probabilities_decides_for_the_most_probable(tmp_path):
    model = logged(Spread().fit(X, ROWS["y"]), tmp_path / "model", "predict_proba")
    predictor, _ = adopted(model)
    assert predictor.labels(predictor.predict(ROWS)).tolist() == [
        "yes" if value > 0 else "no" for value in X["num"]
    ]


def test_where_mlflow_refuses_the_rows_the_classifier_itself_is_asked(tmp_path):
    theirs = fixed(threshold=0.1).fit(X, ROWS["y"])
    model = logged(theirs, tmp_path / "model", signature=True)
    sent = ROWS.assign(num=ROWS["num"].round().astype("Int64").astype(object))
    with pytest.raises(mlflow.exceptions.MlflowException):
        model.predict(sent[["num"]])
    sent = sent.assign(num=pd.to_numeric(sent["num"]))
    predictor, _ = adopted(model, sent)
    said = theirs.predict(sent[["num"]].astype(float))
    assert predictor.labels(predictor.predict(sent)).tolist() == said.tolist()


def test_a_classifier_without_a_threshold_has_none():
    assert threshold_in(LogisticRegression()) is None
    assert threshold_in(fixed(response_method="decision_function")) is None
