"""Models that this package did not train, registered by plain MLflow code."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import lightgbm
import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.models import infer_signature
from prefect_mlops.blocks import MLProject
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from support.candidates import with_mlflow
from support.own_code import write_module

FEATURES = ["strong", "weak", "job"]


class Probabilities(mlflow.pyfunc.PythonModel):
    """Answers with a frame whose columns are classes, in an order of its own, from a file it reads late."""

    def load_context(self, context: Any) -> None:
        self._path = context.artifacts["weight"]

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        weight = float(Path(self._path).read_text(encoding="utf-8"))
        yes = 1 / (1 + np.exp(-weight * model_input["strong"].to_numpy()))
        return pd.DataFrame({"yes": yes, "no": 1 - yes})


class Answers(mlflow.pyfunc.PythonModel):
    """Answers with what it was made with, whatever it is asked."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return np.asarray([self._answer] * len(model_input))


class Ranks(mlflow.pyfunc.PythonModel):
    """Answers with the rank of a row among those that it is asked for."""

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> Any:
        return model_input["strong"].rank(pct=True).to_numpy()


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows as LightGBM was trained on them."""
    return frame.assign(job=frame["job"].astype("category"))


def as_lightgbm(frame: pd.DataFrame) -> Any:
    return lightgbm.LGBMClassifier(n_estimators=20, num_leaves=7, verbose=-1).fit(
        typed(frame)[FEATURES], frame["y"]
    )


ANSWERS = {"labels": "yes", "logits": [2.5, -1.0], "half": 0.5, "three": [0.2, 0.3, 0.5]}


def _log(kind: str, frame: pd.DataFrame, **named: Any) -> None:
    numbers = frame[["strong", "weak"]]
    match kind:
        case "lightgbm":
            mlflow.lightgbm.log_model(as_lightgbm(frame), **named)
        case "booster":
            mlflow.lightgbm.log_model(as_lightgbm(frame).booster_, **named)
        case "pipeline" | "threshold":
            last: Any = LogisticRegression()
            if kind == "threshold":
                last = FixedThresholdClassifier(last, threshold=0.1)
            model = make_pipeline(StandardScaler(), last).fit(numbers, frame["y"])
            signature = infer_signature(numbers, model.predict(numbers))
            mlflow.sklearn.log_model(
                model, signature=signature, serialization_format="cloudpickle", **named
            )
        case "regression":
            model = LinearRegression().fit(numbers, frame["weak"] * 2)
            mlflow.sklearn.log_model(model, serialization_format="cloudpickle", **named)
        case "python":
            Path("weight.txt").write_text("1.8", encoding="utf-8")
            artifacts = {"weight": "weight.txt"}
            mlflow.pyfunc.log_model(python_model=Probabilities(), artifacts=artifacts, **named)
        case "ranks":
            mlflow.pyfunc.log_model(python_model=Ranks(), **named)
        case _:
            mlflow.pyfunc.log_model(python_model=Answers(ANSWERS[kind]), **named)


def register_with_code(
    project: MLProject, monkeypatch: pytest.MonkeyPatch, folder: Path, module: str, text: str
) -> str:
    """Register what a module's `MODEL` is with the module's code, as its users would."""
    uri = with_mlflow(project).registry.tracking_uri.get_secret_value()
    folder.mkdir()
    with monkeypatch.context() as here:
        write_module(here, folder, module, text)
        mlflow.set_tracking_uri(uri)
        try:
            with mlflow.start_run():
                mlflow.pyfunc.log_model(
                    python_model=importlib.import_module(module).MODEL,
                    code_paths=[str(folder / f"{module}.py")],
                    name="model",
                    registered_model_name="theirs",
                    pip_requirements=[],
                )
        finally:
            mlflow.set_tracking_uri(None)
            sys.modules.pop(module, None)
    return _newest(uri, "theirs")


def register(project: MLProject, kind: str, frame: pd.DataFrame, name: str = "theirs") -> str:
    """Register a model as its users would, and return `models:/name/version`."""
    uri = with_mlflow(project).registry.tracking_uri.get_secret_value()
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run():
            # MLflow finds requirements out in a process of its own, which takes seconds.
            _log(kind, frame, name="model", registered_model_name=name, pip_requirements=[])
    finally:
        mlflow.set_tracking_uri(None)
    return _newest(uri, name)


def _newest(uri: str, name: str) -> str:
    versions = MlflowClient(uri).search_model_versions(f"name='{name}'")
    return f"models:/{name}/{max(int(version.version) for version in versions)}"
