"""Every built-in space contains its defaults, and every draw of it is an estimator that fits."""

from __future__ import annotations

import numpy as np
import optuna
import pandas as pd
import pytest
from prefect_mlops.training.search_spaces import (
    default_parameters,
    hist_gradient_boosting,
    linear,
    random_forest,
)

SPACES = {
    "hist_gradient_boosting": hist_gradient_boosting,
    "random_forest": random_forest,
    "linear": linear,
}
FEATURE_TYPES = {"size": "number", "colour": "category"}
ROWS = pd.DataFrame({"size": np.arange(60.0), "colour": ["red", "green", None] * 20})


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("name", SPACES)
def test_a_draw_of_a_space_can_be_fitted(name, task):
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    estimator = SPACES[name](trial, task, FEATURE_TYPES, 0)
    target = np.arange(60.0) if task == "regression" else np.array(["a", "b"] * 30)
    fitted = estimator.fit(ROWS, target)
    assert len(fitted.predict(ROWS)) == 60


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize("name", SPACES)
def test_the_defaults_are_in_the_space(name, task):
    study = optuna.create_study()
    wanted = default_parameters(name, task)
    study.enqueue_trial(wanted)
    trial = study.ask()
    SPACES[name](trial, task, FEATURE_TYPES, 0)
    assert trial.params == wanted
    for key, distribution in trial.distributions.items():
        assert distribution._contains(distribution.to_internal_repr(wanted[key]))


def test_an_estimator_of_the_users_has_no_defaults():
    assert default_parameters("my_models:recipe", "binary") == {}
