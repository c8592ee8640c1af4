"""Small versions of a model, as the server holds them."""

import numpy as np
import pandas as pd
from prefect_mlops.data.schema import conform
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.serving.served_models import ServedModel
from prefect_mlops.serving.v2_codec import Tensor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

AGES = [20.0, 30.0, 40.0, 50.0]
INPUTS = [Tensor("age", "FP64", [2], [25.0, None])]


def fitted(version, labels=("no", "no", "yes", "yes"), task="binary", **more):
    """A small version; `more` are further number columns that it needs."""
    feature_types = dict.fromkeys(["age", *more], "number")
    rows, _ = conform(pd.DataFrame({"age": AGES, **more}), feature_types)
    estimator = LinearRegression() if task == "regression" else LogisticRegression()
    model = make_pipeline(SimpleImputer(), estimator).fit(rows, list(labels))
    return ServedModel(version, Predictor(model=model, task_type=task, feature_types=feature_types))


class Broken:
    """A model that quotes what it cannot take."""

    classes_ = np.array(["no", "yes"])

    def predict_proba(self, rows):
        raise ValueError(f"cannot take {rows['age'].tolist()}")


def broken(version):
    """A version that fails on every row."""
    return ServedModel(
        version, Predictor(model=Broken(), task_type="binary", feature_types={"age": "number"})
    )
