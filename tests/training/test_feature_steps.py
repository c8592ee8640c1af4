"""A feature step may serve if it gives one row what it gives that row among others; any other is refused by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import Columns, FeatureStep, TrainingSettings
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.training.cross_validation import Fold, fold_losses
from prefect_mlops.training.feature_steps import load_step, unfitted_model, with_features
from prefect_mlops.training.trial_scoring import score_trial
from sklearn.linear_model import LogisticRegression
from support.own_code import write_module

CODE = """
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


def ratio(rows, to="weak"):
    return rows.assign(ratio=rows["strong"] / rows[to], big=rows["strong"] > 0, day=pd.Timestamp("2026-01-02"))

def drops(rows):
    return rows.dropna()

def reorders(rows):
    return rows.sort_values("strong")

def reorders_quietly(rows):
    return rows.sort_values("strong").reset_index(drop=True)

def dummies(rows):
    return pd.get_dummies(rows, columns=["job"])

def centred(rows):
    return rows.assign(strong=rows["strong"] - rows["strong"].mean())

def matrix(rows):
    return rows[["strong", "weak"]].to_numpy()

def breaks(rows):
    raise KeyError("income")

def lists(rows):
    return rows.assign(all=[[1, 2]] * len(rows))

def twice(rows):
    return pd.concat([rows, rows[["strong"]]], axis=1)

def writes(rows):
    rows["strong"] = 0.0
    return rows

nothing = 7
quick = lambda rows: rows


class Mean(TransformerMixin, BaseEstimator):
    "The mean of the rows that it was fitted on."

    def __init__(self, column="strong"):
        self.column = column

    def fit(self, X, y=None):
        self.mean_, self.rows_, self.target_ = X[self.column].mean(), len(X), y
        return self

    def transform(self, X):
        return X.assign(centred=X[self.column] - self.mean_)


class Plain:
    "No base class, and a fit() that takes no labels."

    def fit(self, rows):
        self.columns = [*rows]

    def transform(self, rows):
        return rows[self.columns]


class Nothing:
    pass


ready = Mean("weak")
"""


@pytest.fixture(autouse=True)
def _module(monkeypatch, tmp_path):
    write_module(monkeypatch, tmp_path, "shop_steps", CODE)


def data(count=60):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "strong": rng.normal(size=count),
            "weak": rng.normal(size=count),
            "job": np.resize(["a", "b", "c"], count),
        }
    )
    frame["y"] = np.where(frame["strong"] > 0, "yes", "no")
    frame.loc[7, "weak"] = np.nan
    return training_rows(frame, Columns(target="y"), "binary")


def settings(*steps, trusted=()):
    names = [step if isinstance(step, str) else step["step"] for step in steps]
    named = [name.replace(":", ".") for name in names]
    return TrainingSettings(features=[*steps], trusted_types=[*named, *trusted])


def test_what_a_function_makes_is_found_on_the_training_rows_and_reaches_the_estimator():
    rows = with_features(
        data(), settings({"step": "shop_steps:ratio", "parameters": {"to": "weak"}})
    )
    assert rows.feature_types == {"strong": "number", "weak": "number", "job": "category"}
    assert rows.model_types == {
        **rows.feature_types,
        "ratio": "number",
        "big": "boolean",
        "day": "datetime",
    }
    model = unfitted_model("linear", {"C": 1.0}, "binary", rows, 0)
    assert [name for name, _ in model.steps] == ["feature_steps", "preprocessor", "model"]
    assert isinstance(model[-1], LogisticRegression)
    made = model.fit(rows.rows, rows.target)[0].transform(rows.rows[:1])
    assert {name: str(found) for name, found in made.dtypes.items()} == {
        "strong": "float64",
        "weak": "float64",
        "job": "object",
        "ratio": "float64",
        "big": "float64",
        "day": "datetime64[ns]",
    }


def test_a_fold_fits_its_steps_on_its_own_rows_alone():
    rows = with_features(data(), settings("shop_steps:Mean"))
    model = unfitted_model("linear", {"C": 1.0}, "binary", rows, 0)
    fold_losses(model, rows, Fold(np.arange(20), np.arange(20, 60)), "binary", "log_loss")
    (step,) = model[0].fitted_
    assert (step.rows_, step.mean_) == (20, rows.rows["strong"][:20].mean())
    assert list(step.target_) == list(rows.target[:20])
    score = score_trial(
        rows,
        [Fold(np.arange(30), np.arange(30, 60))],
        estimator="linear",
        parameters={"C": 1.0},
        task="binary",
        metric="log_loss",
        seed=0,
        cutoffs=[],
    )
    assert score.error is None
    assert score.means[0] < 0.69


def test_a_model_keeps_its_steps_when_another_is_fitted_on_other_rows():
    rows = with_features(data(), settings("shop_steps:Mean"))
    first, second = (unfitted_model("linear", {"C": 1.0}, "binary", rows, 0) for _ in range(2))
    first.fit(rows.rows[:20], rows.target[:20])
    said = first.predict_proba(rows.rows)
    second.fit(rows.rows, rows.target)
    assert first[0].fitted_[0].rows_ == 20
    np.testing.assert_array_equal(first.predict_proba(rows.rows), said)


def test_steps_run_in_their_order_on_what_the_one_before_made():
    steps = ["shop_steps:Mean", {"step": "shop_steps:Mean", "parameters": {"column": "centred"}}]
    rows = with_features(data(), settings(*steps))
    made = unfitted_model("linear", {"C": 1.0}, "binary", rows, 0)[0].fit_transform(rows.rows)
    assert made["centred"].mean() == pytest.approx(0)


@pytest.mark.parametrize("step", ["shop_steps:Plain", "shop_steps:ready", "shop_steps:writes"])
def test_a_bare_class_an_instance_and_one_that_writes_into_its_rows_will_do(step):
    given = data()
    before = given.rows.copy()
    rows = with_features(given, settings(step, trusted=["shop_steps.Mean"]))
    unfitted_model("linear", {"C": 1.0}, "binary", rows, 0).fit(rows.rows, rows.target)
    pd.testing.assert_frame_equal(rows.rows, before)


def test_transformers_of_scikit_learn_need_no_trust_and_give_frames():
    step = {"step": "sklearn.preprocessing:PolynomialFeatures", "parameters": {"degree": 2}}
    frame = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 7, "y": np.arange(40.0)})
    rows = training_rows(frame, Columns(target="y"), "regression")
    rows = with_features(rows, TrainingSettings(features=[step]))
    assert list(rows.model_types) == ["1", "a", "b", "a^2", "a b", "b^2"]


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("drops", r"'shop_steps:drops' returned 59 rows for 60"),
        ("reorders", "'shop_steps:reorders' returned the rows in another order"),
        ("reorders_quietly", r"'shop_steps:reorders_quietly' gives row 0 other values in .* alone"),
        (
            "dummies",
            r"'shop_steps:dummies' gives one row other columns than many: without \['job_b'",
        ),
        ("centred", r"'shop_steps:centred' gives row 0 other values in \['strong'\] alone"),
        ("matrix", "'shop_steps:matrix' returned a ndarray: expected a pandas frame"),
        ("breaks", r"'shop_steps:breaks' raised KeyError \(line \d+ of .*shop_steps.py\)"),
        ("lists", "'shop_steps:lists' returned what no model takes: column 'all'"),
        ("twice", r"'shop_steps:twice' returned columns \['strong'\]: expected each once"),
    ],
)
def test_a_step_that_could_not_serve_is_refused_by_name(step, message):
    with pytest.raises(ConfigurationError, match=message):
        with_features(data(), settings(f"shop_steps:{step}"))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("shop_steps:missing", "no attribute 'missing'"),
        ("shop_steps:nothing", r"is a int without transform\(\)"),
        ("shop_steps:Nothing", r"is a Nothing without transform\(\)"),
        ("shop_steps:quick", "whoever loads the model could not import it"),
        ({"step": "shop_steps:Mean", "parameters": {"row": 1}}, r"parameters \['row'\]: TypeError"),
        ({"step": "shop_steps:ready", "parameters": {"column": "x"}}, "is an instance"),
    ],
)
def test_what_is_no_step_is_refused(step, message):
    with pytest.raises(ConfigurationError, match=message):
        load_step(FeatureStep.model_validate(step), ["shop_steps.Mean"])


def test_a_step_that_nobody_trusts_is_refused_before_it_runs_and_says_what_to_set():
    training = TrainingSettings(features=["shop_steps:Mean"], trusted_types=["shop_steps.ratio"])
    wanted = r'training.trusted_types=\["shop_steps.ratio", "shop_steps.Mean"\]'
    with pytest.raises(ConfigurationError, match=wanted):
        with_features(data(), training)


def test_an_estimator_that_nobody_trusts_is_refused_before_any_trial():
    training = TrainingSettings(estimators=["linear", "lightgbm:LGBMClassifier"])
    with pytest.raises(
        ConfigurationError, match=r'trusted_types=\["lightgbm.sklearn.LGBMClassifier"\]'
    ):
        with_features(data(), training)
    assert with_features(data(), TrainingSettings(estimators=["sklearn.svm:SVC"])).steps is None


def test_without_steps_rows_and_model_are_what_they_were():
    rows = data()
    assert with_features(rows, TrainingSettings()) is rows
    model = unfitted_model("linear", {"C": 1.0}, "binary", rows, 0)
    assert [name for name, _ in model.steps] == ["preprocessor", "model"]
