"""Weights reach every estimator, or the one that takes none is refused by name."""

from __future__ import annotations

import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.training.cross_validation import Fold, make_folds, score_fold
from prefect_mlops.training.recipe_evaluation import Recipe, evaluate_recipe
from prefect_mlops.training.recipes import build
from prefect_mlops.training.weighting import refuse_unweighted, weight_keyword
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

COLUMNS = Columns(target="y", weight="w")
LINEAR = Recipe("linear", {"C": 1.0}, "binary", "log_loss", 0)
HOLDOUT = 60


def rows(count=240, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 2))
    chance = 1 / (1 + np.exp(2 - 2 * x[:, 0]))
    y = np.where(rng.random(count) < chance, "yes", "no")
    return pd.DataFrame({"p": x[:, 0], "q": x[:, 1], "y": y, "w": rng.integers(1, 4, count)})


def test_every_built_in_estimator_takes_weights():
    data = training_rows(rows(), COLUMNS, "binary")
    names = ["hist_gradient_boosting", "random_forest", "linear"]
    refuse_unweighted(names, data, "binary", 0)
    numbers = training_rows(rows().assign(y=1.0), COLUMNS, "regression")
    refuse_unweighted(names, numbers, "regression", 0)


def test_one_that_takes_none_is_refused_by_name(monkeypatch):
    module = types.ModuleType("near_models")
    module.near = lambda trial, *_: KNeighborsClassifier(trial.suggest_int("n", 1, 5))  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "near_models", module)
    data = training_rows(rows(), COLUMNS, "binary")
    with pytest.raises(ConfigurationError, match="'near_models:near' makes a KNeighborsClassifier"):
        refuse_unweighted(["linear", "near_models:near"], data, "binary", 0)
    refuse_unweighted(
        ["near_models:near"],
        training_rows(rows(), Columns(target="y", ignored=["w"]), "binary"),
        "binary",
        0,
    )


def test_the_last_step_of_pipelines_in_pipelines_takes_them():
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    assert weight_keyword(make_pipeline(StandardScaler(), inner)) == (
        "pipeline__logisticregression__sample_weight"
    )
    assert weight_keyword(make_pipeline(StandardScaler(), KNeighborsClassifier())) is None


def test_integer_weights_fit_as_repeated_rows_do():
    frame = rows()
    weighted = training_rows(frame, COLUMNS, "binary")
    plain = Columns(target="y", ignored=["w"])
    repeated = training_rows(frame.loc[frame.index.repeat(frame["w"])], plain, "binary")
    # What is scaled by its spread is scaled by that of unweighted rows.
    models = []
    for data in (weighted, repeated):
        estimator = LogisticRegression(C=1.0, tol=1e-10, max_iter=10_000)
        models.append(estimator.fit(data.rows, data.target, data.fit_weights()))
    assert models[0].coef_ == pytest.approx(models[1].coef_, abs=1e-5)
    ridge = Recipe("linear", {"alpha": 1e-3}, "regression", "rmse", 0)
    numbers = frame.assign(y=frame["p"] ** 2)
    found = ridge.fitted(training_rows(numbers, COLUMNS, "regression")).predict(frame)
    again = ridge.fitted(
        training_rows(numbers.loc[frame.index.repeat(frame["w"])], plain, "regression")
    ).predict(frame)
    assert found == pytest.approx(again, abs=1e-3)


def test_scores_of_folds_count_what_rows_weigh():
    data = training_rows(rows(), COLUMNS, "binary")
    fold = Fold(np.arange(120), np.arange(120, 240))
    estimator = build("linear", {"C": 1.0}, "binary", data.feature_types, 0)
    found = score_fold(estimator, data, fold, "binary", "error_rate")
    wrong = estimator.predict(data.rows[120:]) != data.target[120:]
    assert found == pytest.approx(np.average(wrong, weights=data.weights[120:]))


def test_the_holdout_counts_what_rows_weigh_and_the_promise_does_not():
    frame = rows(600)
    frame.loc[400:, "w"] = np.where(frame["y"][400:] == "yes", 50, 1)
    columns = Columns(target="y", weight="w", ordered=True)
    data = training_rows(frame[:400], columns, "binary")
    found = evaluate_recipe(LINEAR, data, frame[400:], columns, method="time", periods=0)
    unweighted = training_rows(frame[400:], Columns(target="y", ignored=["w"]), "binary")
    labels = found.predictor.labels(found.predictor.predict(frame[400:]))
    wrong = labels != unweighted.target
    assert found.metrics["error_rate"] == pytest.approx(np.average(wrong, weights=frame["w"][400:]))
    # A window of production has no weights: what is promised must be told there.
    promise = found.reference.promise.value
    assert promise != pytest.approx(found.metrics["log_loss"], rel=0.1)


def test_weights_are_not_needed_to_score():
    frame = rows()
    predictor = LINEAR.fitted(training_rows(frame, COLUMNS, "binary"))
    assert list(predictor.feature_types) == ["p", "q"]
    assert len(predictor.predict(frame[["p", "q"]])) == len(frame)


@given(arrays(int, 30, elements=st.integers(0, 3)), arrays(int, 30, elements=st.integers(0, 2)))
@settings(max_examples=50, deadline=None)
def test_balanced_classes_have_the_same_sum(times, codes):
    if len(set(np.asarray(codes)[times > 0])) < 2:
        return
    frame = pd.DataFrame({"x": 1.0, "y": np.asarray(list("abc"))[codes], "w": times})
    data = training_rows(frame, COLUMNS, "multiclass", class_weights="balanced")
    sums = [data.fit_weights()[data.target == name].sum() for name in data.classes]
    assert sums == pytest.approx([times.sum() / len(sums)] * len(sums))


def test_named_classes_are_multiplied_in_fitting_alone():
    frame = rows(1_000)
    data = training_rows(frame, COLUMNS, "binary", class_weights={"yes": 9})
    assert data.fit_weights()[data.target == "yes"] == pytest.approx(
        9 * data.weights[data.target == "yes"]
    )
    assert (data.fit_weights()[data.target == "no"] == data.weights[data.target == "no"]).all()
    plain = LINEAR.fitted(training_rows(frame, COLUMNS, "binary")).predict(frame)
    heavy = LINEAR.fitted(data).predict(frame)
    assert heavy[:, 1].mean() > plain[:, 1].mean() + 0.2
    assert data.take(np.arange(9)).class_weights is data.class_weights


def test_classes_that_the_target_has_not_are_refused_by_name():
    with pytest.raises(ConfigurationError, match="names the class 'maybe', and the target has"):
        training_rows(rows(), COLUMNS, "binary", class_weights={"maybe": 2})
    with pytest.raises(ConfigurationError, match="a regression has none"):
        training_rows(rows().assign(y=1.0), COLUMNS, "regression", class_weights="balanced")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["time", "hash"]), st.integers(2, 4))
def test_a_group_is_never_on_both_sides_of_a_fold(seed, method, folds):
    rng = np.random.default_rng(seed)
    frame = rows(120, seed=1).assign(g=rng.integers(0, 40, 120))
    data = training_rows(frame, Columns(target="y", weight="w", group="g"), "binary")
    for fold in make_folds(data, method, folds, seed):
        assert not set(data.groups[fold.fitted]) & set(data.groups[fold.scored])
        assert len(fold.fitted)
        if method == "time":
            assert fold.fitted.max() < fold.scored.min()


def test_too_few_groups_for_the_folds_are_refused():
    frame = rows(120).assign(g=np.arange(120) % 2)
    data = training_rows(frame, Columns(target="y", weight="w", group="g"), "binary")
    with pytest.raises(DataRejected, match="2 groups are too few for 3 folds"):
        make_folds(data, "hash", 3, 0)
