"""A fitted model gets the evidence that a training gives its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import Columns, DecisionSettings
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.training.calibration import DecisionRules
from prefect_mlops.training.model_evaluation import evaluate_model
from prefect_mlops.training.recipe_evaluation import Recipe, evaluate_recipe
from sklearn.linear_model import LogisticRegression

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame({"num": RNG.normal(size=900), "count": RNG.integers(1, 9, size=900)})
SCORE = ROWS["num"] + 2 * RNG.normal(size=900)
COLUMNS = Columns(target="y", ignored=["count"])


def evaluated(predictor, rows, columns=COLUMNS):
    return evaluate_model(predictor, rows, columns, metric="log_loss", periods=2, seed=0)


@pytest.mark.parametrize(
    ("target", "later"),
    [
        (SCORE > 0, SCORE > 0),
        ((SCORE > 0).astype(int), (SCORE > 0).astype(int)),
        # As a column comes back that has nulls somewhere, and from JSON.
        ((SCORE > 0).astype(int), (SCORE > 0).astype(float)),
        ((SCORE > 0).astype(int), (SCORE > 0).astype(int).astype(str)),
        # A class that the model does not know.
        ((SCORE > 0).astype(int), (SCORE > 0).astype(int).where(SCORE < 4, 2)),
        ((SCORE > 0).astype(int), (SCORE > 0).astype(int).where(SCORE < 4, "new")),
    ],
    ids=["bool", "int", "float", "text", "new number", "new text"],
)
def test_classes_of_any_type_are_scored_as_text_would_be(target, later):
    model = LogisticRegression().fit(ROWS[["num"]], target)
    found = evaluated(Predictor(model, "binary", {"num": "number"}), ROWS.assign(y=later))
    same = LogisticRegression().fit(ROWS[["num"]], np.where(SCORE > 0, "yes", "no"))
    words = later.map(lambda value: {"0": "no", "1": "yes"}.get(str(value)[:1], "new"))
    if target.dtype == bool:
        words = later.map({True: "yes", False: "no"})
    expected = evaluated(Predictor(same, "binary", {"num": "number"}), ROWS.assign(y=words))
    assert found.metrics == pytest.approx(expected.metrics)
    assert found.importance == expected.importance
    assert found.reference.promise.value == pytest.approx(expected.reference.promise.value)


def test_a_model_that_decides_by_costs_has_their_metrics_and_its_own_labels():
    rows = ROWS.assign(y=np.where(SCORE > 1, "yes", "no"))
    rules = DecisionRules(
        DecisionSettings(costs={"false_positive": 1, "false_negative": 8}), "hash", 3
    )
    recipe = Recipe("linear", {"C": 1.0}, "binary", "log_loss", 0)
    columns = Columns(target="y", weight="count")
    data = training_rows(rows.head(600), columns, "binary")
    holdout = rows.tail(300).reset_index(drop=True)
    trained = evaluate_recipe(recipe, data, holdout, columns, method="hash", periods=0, rules=rules)
    found = evaluated(trained.predictor, holdout, columns)
    assert found.metrics == pytest.approx(trained.metrics)
    assert found.metrics["cost"] < found.metrics["cost_of_most_probable"]
    assert (
        found.reference.sample["prediction"].tolist()
        == trained.reference.sample["prediction"].tolist()
    )
