"""Deepchecks, imported offline and mended for current NumPy and scikit-learn."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import types

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics as skm
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.gates.deepchecks_compat import _load, load
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

ROWS, CUT = 400, 300

# Checks of the suites that rightly refuse, and how they say so.
BOOSTING = "Check is relevant for Boosting models of type"  # HistGradientBoosting is none of theirs
REFUSALS = {
    "binary": {
        "Boosting Overfit": BOOSTING,
        "Regression Error Distribution": "irrelevant for classification",
    },
    "multiclass": {
        "Boosting Overfit": BOOSTING,
        "Regression Error Distribution": "irrelevant for classification",
    },
    "regression": {
        "Boosting Overfit": BOOSTING,
        "Calibration Score": "irrelevant for regression",
        "Conflicting Labels": "irrelevant for regression",
        "Confusion Matrix Report": "irrelevant for regression",
        "New Label Train Test": "irrelevant for regression",
        "Roc Report": "irrelevant for regression",
    },
}


def make_case(task: str, label: str = "y"):
    """Datasets and model of a task; classes are text, one number has gaps, rows have id and time."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=ROWS),
            "b": rng.normal(size=ROWS),
            "c": rng.choice(["x", "y", "z"], ROWS),
        }
    )
    frame.loc[::20, "a"] = np.nan
    signal = frame["b"] + (frame["c"] == "x") + rng.normal(0, 0.5, ROWS)
    frame[label] = {
        "binary": np.where(signal > 0, "yes", "no"),
        "multiclass": np.select([signal < -0.5, signal < 0.8], ["low", "mid"], "high"),
        "regression": signal,
    }[task]
    frame["row"] = range(ROWS)
    frame["at"] = pd.date_range("2026-01-01", periods=ROWS, freq="h")
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    model = make_pipeline(
        make_column_transformer((OrdinalEncoder(), ["c"]), remainder="passthrough"),
        kind(max_iter=10),
    ).fit(frame.loc[: CUT - 1, ["a", "b", "c"]], frame.loc[: CUT - 1, label])
    data = [
        load().tabular.Dataset(
            part,
            label=label,
            features=["a", "b", "c"],
            cat_features=["c"],
            index_name="row",
            datetime_name="at",
            label_type=task,
        )
        for part in (frame[:CUT], frame[CUT:])
    ]
    return *data, model


@pytest.fixture(scope="module")
def checks():
    return load().tabular.checks


def test_importing_calls_nobody_and_leaves_other_libraries_as_they_were():
    script = """
        import http.client, socket, sys
        import numpy, sklearn.metrics
        def refuse(*_, **__):
            raise SystemExit("a connection was opened")
        http.client.HTTPSConnection.__init__ = socket.socket.connect = refuse
        names = ("get_scorer", "make_scorer", "mean_squared_error")
        before = [getattr(sklearn.metrics, name) for name in names]
        from prefect_mlops.gates import deepchecks_compat as compat
        before_numpy = set(vars(numpy))
        compat.load()
        assert [getattr(sklearn.metrics, name) for name in names] == before
        assert "Inf" not in vars(numpy) and set(vars(numpy)) >= before_numpy
        stand_ins = {id(getattr(compat, name)) for name in names}
        for name, module in list(sys.modules.items()):
            if module is not compat and not name.startswith("deepchecks"):
                caught = [key for key, value in list(getattr(module, "__dict__", {}).items())
                          if id(value) in stand_ins]
                assert not caught, (name, caught)
        print("clean")
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert found.stdout.strip() == "clean", found.stderr


def test_a_direct_import_elsewhere_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "deepchecks", types.ModuleType("deepchecks"))
    with pytest.raises(ConfigurationError, match="imported directly"):
        _load.__wrapped__()


@pytest.mark.parametrize("label", ["y", "text"])
def test_a_class_imbalance_is_drawn_whatever_the_label_is_called(checks, label):
    train, _, _ = make_case("binary", label=label)
    result = checks.ClassImbalance().add_condition_class_ratio_less_than().run(train)
    assert result.value.keys() == {"yes", "no"}
    assert result.have_display()


def test_the_largest_error_can_be_scored(checks):
    train, holdout, model = make_case("regression")
    scores = checks.TrainTestPerformance(scorers=["max_error"]).run(train, holdout, model).value
    predicted = model.predict(holdout.features_columns)
    worst = float(np.abs(predicted - holdout.label_col).max())
    assert scores.query("Dataset == 'Test'")["Value"].item() == pytest.approx(-worst)


def test_regression_scores_are_those_of_scikit_learn(checks):
    _, holdout, model = make_case("regression")
    scores = checks.SingleDatasetPerformance(scorers=["rmse", "mse"]).run(holdout, model).value
    expected = skm.mean_squared_error(holdout.label_col, model.predict(holdout.features_columns))
    found = scores.set_index("Metric")["Value"]
    assert found["mse"] == pytest.approx(expected)
    assert found["rmse"] == pytest.approx(expected**0.5)


def test_text_classes_are_scored_one_by_one(checks):
    _, holdout, model = make_case("multiclass")
    scores = checks.SingleDatasetPerformance(scorers=["recall_per_class"]).run(holdout, model).value
    found = scores.set_index("Class")["Value"].to_dict()
    predicted = model.predict(holdout.features_columns)
    expected = skm.recall_score(holdout.label_col, predicted, average=None, labels=model.classes_)
    assert found == pytest.approx(dict(zip(model.classes_, expected, strict=True)))


def test_probabilities_of_text_classes_are_scored(checks):
    _, holdout, model = make_case("multiclass")
    scores = (
        checks.SingleDatasetPerformance(scorers=["roc_auc_per_class"]).run(holdout, model).value
    )
    assert scores["Value"].between(0.5, 1).all()
    assert set(scores["Class"]) == {"low", "mid", "high"}


def test_given_probabilities_do_instead_of_a_model(checks):
    _, holdout, model = make_case("binary")
    result = checks.SingleDatasetPerformance(scorers=["neg_log_loss"]).run(
        holdout,
        y_proba_train=model.predict_proba(holdout.features_columns),
        model_classes=["no", "yes"],
    )
    expected = skm.log_loss(holdout.label_col, model.predict_proba(holdout.features_columns))
    assert result.value["Value"].item() == pytest.approx(-expected)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_every_check_of_the_suites_runs_or_rightly_refuses(task):
    deepchecks = load()
    train, holdout, model = make_case(task)
    classes = None if task == "regression" else model.classes_.tolist()
    refused, broken = {}, []
    for name in ("data_integrity", "train_test_validation", "model_evaluation"):
        suite = getattr(deepchecks.tabular.suites, name)()
        found = suite.run(
            train,
            holdout,
            model,
            model_classes=classes,
            feature_importance=pd.Series({"a": 0.2, "b": 0.5, "c": 0.3}),
        )
        for result in found.results:
            if isinstance(result, deepchecks.CheckFailure):
                refused[result.check.name()] = str(result.exception)
                continue
            broken += [c for c in result.conditions_results if c.category.name == "ERROR"]
    assert refused.keys() == REFUSALS[task].keys(), refused
    assert all(text in refused[name] for name, text in REFUSALS[task].items())
    assert not broken, [condition.details for condition in broken]
