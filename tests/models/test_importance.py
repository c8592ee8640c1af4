import time

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.models import importance
from prefect_mlops.models.importance import permutation_importance
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.training.recipes import build

FEATURE_TYPES = {"strong": "number", "weak": "number", "noise": "number"}


def fitted(coefficients, rows=400):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=list(FEATURE_TYPES))
    truth = frame.to_numpy() @ np.array(coefficients)
    model = build("linear", {"alpha": 1e-3}, "regression", FEATURE_TYPES, 0).fit(frame, truth)
    return Predictor(model, "regression", dict(FEATURE_TYPES)), frame, truth


def test_shares_follow_what_the_model_uses_and_sum_to_one():
    predictor, frame, truth = fitted([3.0, 1.0, 0.0])
    found = permutation_importance(predictor, frame, truth, metric="rmse")
    assert list(found) == list(FEATURE_TYPES)
    assert sum(found.values()) == pytest.approx(1.0)
    assert found["strong"] > 2 * found["weak"] > 0
    assert found["noise"] < 0.01


def test_all_columns_share_alike_when_none_matters():
    predictor, frame, truth = fitted([0.0, 0.0, 0.0])
    found = permutation_importance(predictor, frame, truth, metric="rmse")
    assert found == pytest.approx(dict.fromkeys(FEATURE_TYPES, 1 / 3))


def test_the_seed_decides():
    predictor, frame, truth = fitted([3.0, 1.0, 0.0], rows=1_500)
    first, again, other = (
        permutation_importance(predictor, frame, truth, metric="mae", seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_shuffles_that_are_predicted_together_give_what_they_give_one_by_one(monkeypatch):
    predictor, frame, truth = fitted([3.0, 1.0, 0.0])
    together = permutation_importance(predictor, frame, truth, metric="rmse")
    monkeypatch.setattr(importance, "_CELLS", 1)
    assert permutation_importance(predictor, frame, truth, metric="rmse") == pytest.approx(together)


def test_hundreds_of_columns_take_seconds():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(800, 300)), columns=[f"f{i}" for i in range(300)])
    feature_types = dict.fromkeys(frame, "number")
    truth = frame["f0"].to_numpy() + rng.normal(size=800)
    model = build("linear", {"alpha": 1.0}, "regression", feature_types, 0).fit(frame, truth)
    started = time.process_time()
    found = permutation_importance(
        Predictor(model, "regression", feature_types), frame, truth, metric="rmse"
    )
    assert max(found, key=found.__getitem__) == "f0"
    # Over a minute when every shuffle was conformed and predicted by itself.
    assert time.process_time() - started < 30
