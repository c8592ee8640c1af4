"""A study in memory finds the recipe that fits, and the same one again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.core.settings import Columns, TrainingSettings
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.training.search import search_recipe

COLUMNS = Columns(target="y", ordered=True)
SETTINGS = TrainingSettings(estimators=["linear", "random_forest"], trials=3, folds=2)


def straight(rows: int = 300):
    rng = np.random.default_rng(0)
    x = rng.normal(size=rows)
    frame = pd.DataFrame({"x": x, "y": 3 * x + rng.normal(0, 0.1, rows)})
    return training_rows(frame, COLUMNS, "regression")


def test_the_estimator_that_fits_is_found_with_its_score():
    recipe, score = search_recipe(straight(), "time", SETTINGS, "regression", "rmse")
    assert recipe.estimator == "linear"
    assert score == pytest.approx(0.1, rel=0.2)


def test_a_search_is_repeatable():
    found = [search_recipe(straight(), "time", SETTINGS, "regression", "rmse") for _ in range(2)]
    assert found[0] == found[1]


def test_what_cannot_be_searched_is_refused():
    unknown = SETTINGS.model_copy(update={"estimators": ["oracle"]})
    with pytest.raises(ConfigurationError, match="estimator 'oracle' is unknown"):
        search_recipe(straight(), "time", unknown, "regression", "rmse")
    with pytest.raises(DataRejected, match="too few for 2 folds"):
        search_recipe(straight(5), "time", SETTINGS, "regression", "rmse")
