"""SHAP values by input column, where they add up; else the reason why there are none."""

import sys

import numpy as np
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from prefect_mlops.evidence.explanation import explain
from prefect_mlops.evidence.explanation_plot import draw_explanation
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from support.shap_models import fitted
from xgboost import XGBClassifier

BUDGET = {"most_rows": 60, "seconds": 60.0}
MODELS = {
    "boosting": (HistGradientBoostingClassifier(max_iter=10), "binary"),
    "classes": (RandomForestClassifier(8, random_state=0), "multiclass"),
    "forest": (RandomForestClassifier(8, random_state=0), "binary"),
    "numbers": (HistGradientBoostingRegressor(max_iter=10), "regression"),
    "lightgbm": (LGBMClassifier(n_estimators=10, verbose=-1), "binary"),
    "xgboost": (XGBClassifier(n_estimators=10), "binary"),
    "catboost": (CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False), "binary"),
}


@pytest.mark.parametrize("name", MODELS)
def test_what_decides_has_the_largest_share(name):
    predictor, rows = fitted(MODELS[name][0], task=MODELS[name][1])
    found = explain(predictor, rows, **BUDGET)
    assert (found.explanation.method, found.explanation.rows) == ("TreeExplainer", 60)
    shares = found.explanation.shares
    assert list(shares) == ["job", "age", "noise", "at"]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=shares.__getitem__) == "age"
    assert shares["noise"] < 0.2
    picture = draw_explanation(found)
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert found.explanation == explain(predictor, rows, **BUDGET).explanation


def test_rows_count_in_the_shares_what_they_weigh():
    predictor, rows = fitted(MODELS["forest"][0])
    budget = {"most_rows": len(rows), "seconds": 60.0}
    first = np.arange(len(rows)) < len(rows) // 2
    half = explain(predictor, rows[first], **budget).explanation.shares
    weighted = explain(predictor, rows, **budget, weights=first.astype(float)).explanation.shares
    assert weighted == pytest.approx(half)
    assert weighted != pytest.approx(explain(predictor, rows, **budget).explanation.shares)


def test_rows_that_weigh_nothing_explain_nothing():
    predictor, rows = fitted(MODELS["forest"][0])
    found = explain(predictor, rows, **BUDGET, weights=np.zeros(len(rows))).explanation
    assert (found.method, found.shares) == (None, {})
    assert "weigh nothing" in found.reason


def test_values_that_do_not_add_up_are_not_shown():
    native = HistGradientBoostingClassifier(max_iter=10, categorical_features=[0])
    found = explain(*fitted(native), **BUDGET)
    assert found.explanation.shares == {}
    assert "do not add up" in found.explanation.reason
    assert draw_explanation(found) is None


def test_a_model_that_is_not_of_trees_says_so():
    found = explain(*fitted(LogisticRegression(), style="linear"), **BUDGET)
    assert found.explanation.reason == (
        "TreeExplainer is for models of trees, and this is a LogisticRegression"
    )


def test_a_budget_that_no_rows_fit_into_is_the_reason():
    found = explain(*fitted(MODELS["forest"][0]), most_rows=60, seconds=0.0)
    assert "seconds, and 0 are allowed" in found.explanation.reason


def test_no_rows_are_a_choice():
    found = explain(*fitted(MODELS["forest"][0]), most_rows=0, seconds=9.0)
    assert "card.explained_rows" in found.explanation.reason


def test_without_the_package_the_reason_is_its_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "shap", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    found = explain(*fitted(MODELS["forest"][0]), **BUDGET)
    assert "extra `shap`" in found.explanation.reason


def test_a_column_that_never_changes_has_a_share_of_its_own():
    predictor, rows = fitted(MODELS["forest"][0])
    same = rows.assign(job="b", age=0.4, at=rows["at"].iloc[0])
    shares = explain(predictor, same, **BUDGET).explanation.shares
    assert list(shares) == ["job", "age", "noise", "at"]
    assert min(shares["job"], shares["age"]) > 0.01
