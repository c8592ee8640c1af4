"""A model is loaded with the columns it was trained on, and predicts what production sends."""

from __future__ import annotations

import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected, ModelUnavailable
from prefect_mlops.data.schema import conform
from prefect_mlops.models.model_package import load_predictor
from prefect_mlops.models.predictor import METADATA_KEY, Predictor
from prefect_mlops.registry.model_logging import trusted_types
from prefect_mlops.training.recipes import build

FEATURE_TYPES = {"size": "number", "colour": "category"}
FRAME = pd.DataFrame({"size": np.arange(40.0), "colour": ["red", "green"] * 20})


def fitted(task: str = "binary"):
    parameters = {"C": 1.0} if task == "binary" else {"alpha": 1.0}
    target = np.where(FRAME["size"] > 20, "yes", "no") if task == "binary" else FRAME["size"]
    rows, _ = conform(FRAME, FEATURE_TYPES)
    return build("linear", parameters, task, FEATURE_TYPES, 0).fit(rows, np.asarray(target))


@pytest.fixture
def saved(tmp_path):
    def save(metadata: dict | None):
        folder = str(tmp_path / "model")
        trusted = trusted_types(fitted())
        mlflow.sklearn.save_model(fitted(), folder, metadata=metadata, skops_trusted_types=trusted)
        return load_predictor(folder, "binary", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")

    return save


def test_rows_of_other_types_in_another_order_are_predicted_the_same():
    predictor = Predictor(fitted(), "binary", FEATURE_TYPES)
    expected = predictor.predict(FRAME)
    assert expected.shape == (40, 2)
    odd = FRAME.assign(size=FRAME["size"].map(str), more=1)[["more", "colour", "size"]]
    assert np.array_equal(predictor.predict(odd), expected)
    assert predictor.labels(expected).tolist() == np.where(FRAME["size"] > 20, "yes", "no").tolist()


def test_numbers_are_their_own_labels():
    predictor = Predictor(fitted("regression"), "regression", FEATURE_TYPES)
    values = predictor.predict(FRAME)
    assert predictor.classes is None
    assert values.shape == (40,)
    assert predictor.labels(values) is values


def test_a_column_that_is_missing_is_named():
    with pytest.raises(DataRejected, match="colour"):
        Predictor(fitted(), "binary", FEATURE_TYPES).predict(FRAME.drop(columns="colour"))


def test_a_stored_model_has_its_columns_under_the_name_they_were_stored_by(saved):
    found = saved({METADATA_KEY: {"kinds": FEATURE_TYPES, "task_type": "binary"}})
    assert found.feature_types == FEATURE_TYPES
    same = Predictor(fitted(), "binary", FEATURE_TYPES)
    assert np.allclose(found.predict(FRAME), same.predict(FRAME))


def test_a_model_of_another_origin_is_refused(saved):
    with pytest.raises(ModelUnavailable, match="was not logged by this package"):
        saved(None)


def test_a_model_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ModelUnavailable, match="cannot be fetched"):
        load_predictor(
            str(tmp_path / "nowhere"), "binary", tracking_uri=f"sqlite:///{tmp_path}/mlflow.db"
        )
