import sys
import types

import numpy as np
import optuna
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.training.recipes import build, find_recipe, fit_estimator, suggest
from prefect_mlops.training.search_spaces import default_parameters
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline

NAMES = ["hist_gradient_boosting", "random_forest", "linear"]
TASKS = ["binary", "multiclass", "regression"]
FEATURE_TYPES = {"x": "number", "job": "category"}
FOREST = {"n_estimators": 10, "min_samples_leaf": 2}


def rows(count: int = 90):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": rng.normal(size=count), "job": rng.choice(["a", "b", None], count).astype(object)}
    )
    classes = np.where(frame["x"] > 0.4, "high", np.where(frame["x"] < -0.4, "low", "mid"))
    targets = {
        "binary": np.where(frame["x"] > 0, "yes", "no"),
        "multiclass": classes,
        "regression": frame["x"].to_numpy() * 3,
    }
    return frame, targets


@pytest.fixture
def recipe_module(monkeypatch):
    """A function that puts a recipe where `package.module:function` finds it."""

    def make(function):
        module = types.ModuleType("shop_models")
        module.recipe = function  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, "shop_models", module)
        return "shop_models:recipe"

    return make


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_defaults_fit_and_predict_every_task(name, task):
    frame, targets = rows()
    fitted = fit_estimator(
        build(name, default_parameters(name, task), task, FEATURE_TYPES, 0), frame, targets[task]
    )
    labels = fitted.predict(frame)
    if task == "regression":
        assert np.corrcoef(labels, targets[task])[0, 1] > 0.9
    else:
        assert (labels == targets[task]).mean() > 0.8
        assert fitted.predict_proba(frame).shape == (90, len(set(targets[task])))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_what_a_trial_suggests_builds_the_same_estimator(name, task):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    trial = study.ask()
    parameters = suggest(trial, name, task, FEATURE_TYPES, 3)
    assert {f"{name}.{key}" for key in parameters} == set(trial.params)
    model = build(name, parameters, task, FEATURE_TYPES, 3)[-1].get_params()
    assert {key: model[key] for key in parameters} == parameters
    assert model["random_state"] == 3


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_defaults_are_inside_the_space_and_those_of_scikit_learn(name, task):
    defaults = default_parameters(name, task)
    study = optuna.create_study()
    study.enqueue_trial({f"{name}.{key}": value for key, value in defaults.items()})
    assert suggest(study.ask(), name, task, FEATURE_TYPES, 0) == defaults
    model = build(name, defaults, task, FEATURE_TYPES, 0)[-1]
    plain = type(model)().get_params()
    assert {key: plain[key] for key in defaults} == defaults


def test_gradient_boosting_is_what_scikit_learn_does_with_categorical_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"job": rng.choice(list("hgfedcba"), 500), "x": rng.normal(size=500)})
    frame["job"] = frame["job"].astype(object).where(rng.random(500) > 0.1, None)
    target = frame["job"].isin(["a", "c", "e", "g"]) ^ (rng.random(500) < 0.2)
    name = "hist_gradient_boosting"
    ours = fit_estimator(
        build(name, default_parameters(name, "binary"), "binary", FEATURE_TYPES, 0), frame, target
    )
    plain = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=0)
    typed = frame.astype({"job": "category"})
    np.testing.assert_allclose(
        ours.predict_proba(frame), plain.fit(typed, target).predict_proba(typed)
    )


def test_a_recipe_of_the_user_is_tuned_and_built(recipe_module):
    def recipe(trial, task_type, feature_types, seed):
        return Ridge(alpha=trial.suggest_float("alpha", 0.5, 1.0), random_state=seed)

    name = recipe_module(recipe)
    parameters = suggest(optuna.create_study().ask(), name, "regression", {"x": "number"}, 7)
    model = build(name, parameters, "regression", {"x": "number"}, 7)
    assert model.alpha == parameters["alpha"]
    assert model.random_state == 7
    assert default_parameters(name, "regression") == {}


@pytest.mark.parametrize("value", [0.2, 0.45, "log2"])
def test_values_beyond_a_recipes_own_choices_and_ranges_build_it(value):
    model = build("random_forest", {**FOREST, "max_features": value}, "binary", FEATURE_TYPES, 0)
    assert model["model"].max_features == value
    far = {**default_parameters("hist_gradient_boosting", "binary"), "learning_rate": 0.9}
    far_model = build("hist_gradient_boosting", far, "binary", FEATURE_TYPES, 0)
    assert far_model["model"].learning_rate == 0.9


def test_a_value_that_a_recipe_asks_for_and_nobody_gave_is_named():
    given = {"n_estimators": 10, "max_features": 1.0}
    with pytest.raises(ConfigurationError, match="asks for 'min_samples_leaf', which is not among"):
        build("random_forest", given, "binary", FEATURE_TYPES, 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("extra_trees", "choose one of"),
        ("no_such_package.models:recipe", "No module named"),
        ("math:recipe", "no attribute 'recipe'"),
        ("math:pi", "expected a function"),
        ("math:", "choose one of"),
    ],
)
def test_a_recipe_that_cannot_be_found_is_a_configuration_error(name, message):
    with pytest.raises(ConfigurationError, match=message):
        find_recipe(name)


def test_a_classifier_without_probabilities_is_refused(recipe_module):
    name = recipe_module(lambda trial, task_type, feature_types, seed: Ridge())
    with pytest.raises(ConfigurationError, match=r"without predict_proba\(\)"):
        build(name, {}, "binary", FEATURE_TYPES, 0)


def test_a_class_of_one_row_does_not_stop_gradient_boosting_above_ten_thousand_rows():
    count = 10_100
    frame = pd.DataFrame({"x": np.arange(count, dtype=float)})
    target = np.where(np.arange(count) % 2, "a", "b").astype(object)
    target[17] = "c"
    model = Pipeline([("model", HistGradientBoostingClassifier(max_iter=2))])
    assert list(fit_estimator(model, frame, target).classes_) == ["a", "b", "c"]


def test_fitting_does_not_warn_about_convergence(recwarn):
    frame, targets = rows()
    fit_estimator(LogisticRegression(max_iter=1), frame[["x"]], targets["binary"])
    assert not recwarn.list
