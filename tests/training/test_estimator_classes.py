"""Any class with scikit-learn's interface is a recipe."""

from __future__ import annotations

import sys
import types

import numpy as np
import optuna
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.models.labelled_classifier import LabelledClassifier
from prefect_mlops.training.declared_recipes import choose
from prefect_mlops.training.recipes import build, find_recipe, fit_estimator, suggest
from prefect_mlops.training.search_spaces import default_parameters
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

FEATURE_TYPES = {"x": "number", "job": "category"}
FRAME = pd.DataFrame(
    {"x": [*np.linspace(-1, 1, 59), np.nan], "job": np.array(["a", "b", None] * 20, dtype=object)}
)
LABELS = np.where(FRAME["x"] > 0, "yes", "no").astype(object)


class Tagless:
    """The methods of an estimator, and none of its tags."""

    def fit(self, rows, target):
        return self

    def predict(self, rows):
        return np.zeros(len(rows))


class Bare(RegressorMixin, BaseEstimator):
    """As little as an estimator may have: no seed, no word on missing values."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, rows, target):
        assert np.isfinite(rows).all()
        self.mean_ = float(np.mean(target)) + self.shift
        return self

    def predict(self, rows):
        return np.full(len(rows), self.mean_)


class Whole(Pipeline):
    """A pipeline that makes itself."""

    def __init__(self, steps=None, alpha=1.0):
        super().__init__(steps or [("model", Ridge(alpha=alpha))])
        self.alpha = alpha


class Inherits(LogisticRegression):
    """Its seed is its base's."""

    def __init__(self, extra=1, **given):
        super().__init__(**given)
        self.extra = extra


def choose_for(trial, path, space):
    spaces = {path: space}
    return choose(trial, path, spaces, task="regression", feature_types=FEATURE_TYPES, seed=5)


@pytest.fixture(autouse=True)
def _module(monkeypatch):
    module = types.ModuleType("shop_models")
    for found in (Bare, Tagless, Whole, Inherits):
        setattr(module, found.__name__, found)
    module.NoEstimator = dict  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "shop_models", module)


@pytest.mark.parametrize(
    ("path", "style"),
    [
        ("sklearn.ensemble:ExtraTreesClassifier", "OrdinalEncoder"),
        ("lightgbm:LGBMClassifier", "OrdinalEncoder"),
        ("xgboost:XGBClassifier", "OrdinalEncoder"),
        ("sklearn.neighbors:KNeighborsClassifier", "OneHotEncoder"),
        ("sklearn.naive_bayes:GaussianNB", "OneHotEncoder"),
    ],
)
def test_a_class_gets_the_preprocessor_that_its_tags_ask_for(path, style):
    model = fit_estimator(build(path, {}, "binary", FEATURE_TYPES, 5), FRAME, LABELS)
    encoder = dict((name, part) for name, part, _ in model[0].transformers)["category"]
    assert type(encoder).__name__ == style
    assert model.predict_proba(FRAME).shape == (60, 2)


def test_it_is_constructed_with_what_its_declared_space_gives_and_the_seed():
    path = "sklearn.ensemble:ExtraTreesRegressor"
    space = {
        "n_estimators": {"type": "categorical", "choices": [7]},
        "max_depth": {"type": "int", "low": 2, "high": 4},
    }
    trial = optuna.create_study().ask()
    parameters = choose_for(trial, path, space)
    assert {f"{path}.{key}" for key in parameters} == {*trial.params}
    model = build(path, parameters, "regression", FEATURE_TYPES, 5)[-1]
    assert (model.n_estimators, model.random_state) == (7, 5)
    assert 2 <= model.max_depth == parameters["max_depth"] <= 4
    assert build(path, {"random_state": 1}, "regression", FEATURE_TYPES, 5)[-1].random_state == 1


def test_without_a_declared_space_there_is_nothing_to_ask_for():
    trial = optuna.create_study().ask()
    assert choose_for(trial, "shop_models:Bare", {}) == {}
    assert suggest(trial, "shop_models:Bare", "regression", FEATURE_TYPES, 0) == {}
    assert default_parameters("shop_models:Bare", "regression") == {}


def test_a_declared_parameter_that_the_class_does_not_take_is_refused_before_anything_is_fitted():
    space = {"shfit": {"type": "float", "low": 0, "high": 1}}
    trial = optuna.create_study().ask()
    with pytest.raises(ConfigurationError, match="did you mean 'shift'"):
        choose_for(trial, "shop_models:Bare", space)


def test_a_class_that_says_nothing_about_missing_values_gets_finite_numbers():
    model = build("shop_models:Bare", {"shift": 1.0}, "regression", FEATURE_TYPES, 0)
    assert fit_estimator(model, FRAME, np.ones(60)).predict(FRAME[:2]).tolist() == [2.0, 2.0]


def test_a_seed_is_found_in_a_base_class():
    assert build("shop_models:Inherits", {}, "binary", FEATURE_TYPES, 9)[-1].random_state == 9


def test_a_pipeline_is_taken_as_it_is():
    model = build("shop_models:Whole", {"alpha": 2.0}, "regression", FEATURE_TYPES, 0)
    assert [name for name, _ in model.steps] == ["model"]


@pytest.mark.parametrize("path", ["xgboost:XGBClassifier", "catboost:CatBoostClassifier"])
def test_classifiers_that_want_numbers_for_classes_get_them(path):
    assert isinstance(build(path, {}, "binary", FEATURE_TYPES, 0)[-1], LabelledClassifier)
    assert not isinstance(
        build(path.replace("Classifier", "Regressor"), {}, "regression", FEATURE_TYPES, 0)[-1],
        LabelledClassifier,
    )


@pytest.mark.parametrize(
    ("path", "parameters", "message"),
    [
        ("shop_models:NoEstimator", {}, r"class without fit\(\)"),
        ("shop_models:Bare", {"depth": 3}, r"cannot be made with \['depth'\]: TypeError"),
        ("shop_models:Tagless", {}, "none of the tags"),
        ("shop_models:Nothing", {}, "no attribute 'Nothing'"),
    ],
)
def test_what_is_no_estimator_is_a_configuration_error(path, parameters, message):
    with pytest.raises(ConfigurationError, match=message):
        build(path, parameters, "regression", FEATURE_TYPES, 0)


def test_a_class_without_probabilities_is_refused_for_classes():
    with pytest.raises(ConfigurationError, match=r"without predict_proba\(\)"):
        build("shop_models:Bare", {}, "binary", FEATURE_TYPES, 0)
    assert find_recipe("shop_models:Bare").family is Bare
