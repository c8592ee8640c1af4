"""LightGBM, XGBoost and CatBoost: every task type, labels of text, categories as such, the same model again."""

from __future__ import annotations

import sys

import numpy as np
import optuna
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.models.labelled_classifier import LabelledClassifier
from prefect_mlops.models.trusted_types import types_of_estimator
from prefect_mlops.registry.model_logging import trusted_types
from prefect_mlops.training.recipes import build, fit_estimator, suggest
from prefect_mlops.training.search_spaces import default_parameters
from skops import io

NAMES = ["lightgbm", "xgboost", "catboost"]
TASKS = ["binary", "multiclass", "regression"]
FEATURE_TYPES = {"x": "number", "job": "category", "new": "boolean", "due": "datetime"}


def rows(count=240):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": np.where(rng.random(count) < 0.1, np.nan, rng.normal(size=count)),
            "job": pd.Series(rng.choice(list("abcdef"), count)).astype(object),
            "new": np.where(rng.random(count) < 0.1, np.nan, rng.integers(0, 2, count)),
            "due": pd.date_range("2026-01-01", periods=count, freq="h"),
        }
    )
    # Of the codes that categories get, every second one: no threshold tells them apart.
    odd = frame["job"].isin(list("ace")).to_numpy()
    frame.loc[::17, "job"] = None
    frame.loc[::19, "due"] = pd.NaT
    targets = {
        "binary": np.where(odd, "yes", "no").astype(object),
        "multiclass": np.where(odd, np.where(frame["x"] > 0, "hi", "mid"), "lo").astype(object),
        "regression": odd * 3.0 + frame["x"].fillna(0).to_numpy(),
    }
    return frame, targets


def fitted(name, task, parameters=None):
    frame, targets = rows()
    parameters = {**default_parameters(name, task), **(parameters or {})}
    return fit_estimator(build(name, parameters, task, FEATURE_TYPES, 3), frame, targets[task])


def answers(model, task, frame):
    return model.predict(frame) if task == "regression" else model.predict_proba(frame)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_every_task_is_learnt_and_persisted_with_the_types_that_the_name_brings(name, task):
    frame, targets = rows()
    model = fitted(name, task)
    labels = model.predict(frame)
    assert labels.shape == (len(frame),)
    if task == "regression":
        assert np.corrcoef(labels, targets[task])[0, 1] > 0.9
    else:
        assert (labels == targets[task]).mean() > 0.9
        assert list(model.classes_) == sorted(set(targets[task]))
        assert model.predict_proba(frame).sum(axis=1) == pytest.approx(1)
    trusted = trusted_types(model, types_of_estimator(name))
    loaded = io.loads(io.dumps(model), trusted=trusted)
    # Rows as production brings them: a category never seen, nothing at all.
    strange = pd.DataFrame(
        {
            "x": [0.5, np.nan],
            "job": pd.Series(["never seen", None], dtype=object),
            "new": [1.0, np.nan],
            "due": pd.to_datetime(["2030-01-01", None]).astype("datetime64[ns]"),
        }
    )
    for given in (frame, strange, strange[1:]):
        found = answers(model, task, given)
        np.testing.assert_array_equal(answers(loaded, task, given), found)
        assert np.isfinite(found).all()
    assert [*fitted(name, task).predict(frame)] == [*labels]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NAMES)
def test_the_defaults_are_in_the_space_and_reach_the_estimator_with_the_seed(name, task):
    defaults = default_parameters(name, task)
    study = optuna.create_study()
    study.enqueue_trial({f"{name}.{key}": value for key, value in defaults.items()})
    assert suggest(study.ask(), name, task, FEATURE_TYPES, 0) == defaults
    drawn = suggest(study.ask(), name, task, FEATURE_TYPES, 0)
    for parameters in (defaults, drawn):
        model = build(name, parameters, task, FEATURE_TYPES, 7)[-1]
        inside = model.classifier if isinstance(model, LabelledClassifier) else model
        found = inside.get_params()
        assert {key: found[key] for key in parameters} == parameters
        assert 7 in (found.get("random_state"), found.get("random_seed"))
        assert 1 in (found.get("n_jobs"), found.get("thread_count"))


@pytest.mark.parametrize("name", ["lightgbm", "xgboost"])
def test_the_defaults_are_those_of_the_library(name):
    library = pytest.importorskip(name)
    if name == "lightgbm":
        plain = library.LGBMClassifier().get_params()
        assert default_parameters(name, "binary").items() <= plain.items()
        return
    frame, targets = rows()
    numbers = (targets["binary"] == "yes").astype(int)
    plain = library.XGBClassifier().fit(frame[["x"]], numbers)
    stated = library.XGBClassifier(**default_parameters(name, "binary")).fit(frame[["x"]], numbers)
    np.testing.assert_array_equal(
        plain.predict_proba(frame[["x"]]), stated.predict_proba(frame[["x"]])
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_library_that_is_not_installed_names_its_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match=rf"pip install 'prefect-mlops\[{name}\]'"):
        build(name, default_parameters(name, "binary"), "binary", FEATURE_TYPES, 0)


def test_categories_are_split_as_categories():
    model = fitted("lightgbm", "binary")[-1]
    assert "num_cat=0" not in model.booster_.model_to_string().split("Tree=1")[0]
    trees = fitted("xgboost", "binary")[-1].classifier_.get_booster().trees_to_dataframe()
    assert trees["Category"].notna().any()
    assert fitted("catboost", "binary")[-1].classifier_.get_cat_feature_indices() == [0]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_warned_about_and_nothing_written(name, tmp_path, capfd):
    fitted(name, "binary").predict(rows()[0])
    assert capfd.readouterr() == ("", "")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("name", NAMES)
def test_a_category_without_any_value_in_a_fold_is_still_a_column(name):
    frame, targets = rows()
    early = frame.assign(job=None)[:120]
    model = build(name, default_parameters(name, "binary"), "binary", FEATURE_TYPES, 3)
    fit_estimator(model, early, targets["binary"][:120])
    assert model.predict_proba(frame[120:]).shape == (120, 2)
