"""A recipe is evaluated on earlier periods too, each predicted from what came before it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.training.recipe_evaluation import Recipe, earlier_losses, evaluate_recipe

COLUMNS = Columns(target="y", ordered=True)
RECIPE = Recipe("linear", {"alpha": 1.0}, "regression", "rmse", 0)


def seasons(levels: list[float], rows: int = 200) -> pd.DataFrame:
    """Rows in time order whose noise has another level every `rows` rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, rows * len(levels))
    noise = rng.normal(0, 1, len(x)) * np.repeat(levels, rows)
    return pd.DataFrame({"x": x, "y": 3 * x + noise})


def test_periods_come_newest_first_and_each_is_predicted_from_the_past():
    data = training_rows(seasons([1.0, 1.0, 1.0, 2.0, 4.0]), COLUMNS, "regression")
    found = [metric_value("rmse", losses) for losses in earlier_losses(RECIPE, data, 200, 2)]
    assert found == pytest.approx([4.0, 2.0], rel=0.1)


def test_periods_end_where_too_little_is_left_to_fit_on():
    data = training_rows(seasons([1.0] * 5), COLUMNS, "regression")
    assert len(earlier_losses(RECIPE, data, 200, 20)) == 3
    assert earlier_losses(RECIPE, data, 20, 4) == []
    assert earlier_losses(RECIPE, data, 200, 0) == []


def test_periods_are_predicted_from_no_row_of_the_moment_in_which_they_begin():
    # Of the day that the latest period begins in, the rows before it are of another world.
    frame = seasons([1.0, 1.0, 1.0, 1.0])
    frame.loc[500:599, "y"] += 1000.0
    day = np.repeat([0, 1, 2], [500, 200, 100])
    frame["t"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(day, unit="D")
    data = training_rows(frame, Columns(target="y", timestamp="t"), "regression")
    (losses,) = earlier_losses(RECIPE, data, 200, 1)
    assert metric_value("rmse", losses) == pytest.approx(1.0, rel=0.2)
    unordered = training_rows(frame.drop(columns="t"), COLUMNS, "regression")
    (losses,) = earlier_losses(RECIPE, unordered, 200, 1)
    assert metric_value("rmse", losses) > 50


def test_a_single_class_is_nothing_to_fit_on():
    frame = pd.DataFrame({"x": np.arange(600.0), "y": ["a"] * 300 + ["a", "b"] * 150})
    recipe = Recipe("linear", {"C": 1.0}, "binary", "log_loss", 0)
    data = training_rows(frame, COLUMNS, "binary")
    assert len(earlier_losses(recipe, data, 150, 4)) == 1


def test_the_promise_is_over_all_periods_and_the_scores_are_the_holdouts():
    frame = seasons([1.0, 1.0, 1.0, 3.0, 1.0])
    data = training_rows(frame[:800], COLUMNS, "regression")
    found = evaluate_recipe(RECIPE, data, frame[800:], COLUMNS, method="time", periods=2)
    promise = found.reference.promise
    assert promise.periods[0] == pytest.approx(found.metrics["rmse"])
    assert promise.rows == 600
    assert found.metrics["rmse"] == pytest.approx(1.0, rel=0.1)
    assert promise.value == pytest.approx(np.sqrt((1 + 9 + 1) / 3), rel=0.1)
    assert promise.spread > 0.5
    unordered = evaluate_recipe(RECIPE, data, frame[800:], COLUMNS, method="hash", periods=2)
    assert unordered.reference.promise.periods == (pytest.approx(found.metrics["rmse"]),)
