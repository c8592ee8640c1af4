"""Labels meet a model's classes, however they were typed on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.models.evaluation import losses_of, unknown_classes
from prefect_mlops.models.predictor import Predictor
from sklearn.dummy import DummyClassifier, DummyRegressor

ROWS = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0]})


def classifier(labels) -> Predictor:
    model = DummyClassifier(strategy="prior").fit(ROWS, labels)
    return Predictor(model, "binary", {"a": "number"})


@pytest.mark.parametrize("labels", [[0, 1, 1, 1], [0.0, 1.0, 1.0, 1.0], ["0", "1", "1", "1"]])
def test_losses_do_not_depend_on_how_labels_are_typed(labels):
    predictor = classifier([0, 1, 1, 1])
    losses = losses_of("log_loss", predictor, ROWS.assign(y=labels), "y")
    np.testing.assert_allclose(losses, -np.log([0.25, 0.75, 0.75, 0.75]))


def test_a_class_that_the_model_does_not_know_is_surely_wrong_and_named():
    rows = ROWS.assign(y=["no", "yes", "maybe", "yes"])
    predictor = classifier(["no", "yes", "no", "yes"])
    losses = losses_of("log_loss", predictor, rows, "y")
    assert losses[2] == pytest.approx(-np.log(np.finfo(float).eps))
    assert losses[[0, 1, 3]].max() < 1
    assert unknown_classes(predictor, rows, "y") == ["maybe"]


def test_a_number_as_text_is_a_number_and_other_text_is_named():
    predictor = Predictor(
        DummyRegressor().fit(ROWS, [1.0, 1.0, 1.0, 1.0]), "regression", {"a": "number"}
    )
    losses = losses_of("mae", predictor, ROWS.assign(y=["1", "2", "3", "4"]), "y")
    assert losses.tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(DataRejected, match="'y' is no finite number in 1 rows"):
        losses_of("mae", predictor, ROWS.assign(y=["1", "2", "many", "4"]), "y")
