"""A LightGBM model behind a transformer of the user's: one prediction for a row, wherever it is made."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from conftest import make_calls
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core import tags
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.demo.servers import MLflowServer
from prefect_mlops.flows import label, monitor, score, train
from prefect_mlops.metrics.losses import metric_value, row_losses
from prefect_mlops.registry.rescoring import RescoredWindow, score_again
from prefect_mlops.registry.versions import get_version
from prefect_mlops.tasks.windows import read_window
from support.model_server import NAME, ModelServer, serving_python
from support.own_code import write_module

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("prefect_api")]

COLUMNS = {"target": "y", "timestamp": "called_at", "id": "call_id"}
HELPERS = """
import numpy as np

def safe_ratio(numerator, denominator):
    return numerator / np.where(denominator == 0, np.nan, denominator)
"""
FEATURES = """
from sklearn.base import BaseEstimator, TransformerMixin

from shop_helpers import safe_ratio


def student(rows, job):
    return rows.assign(student=rows["job"] == job)


class Ratio(TransformerMixin, BaseEstimator):
    def __init__(self, of="strong", to="weak"):
        self.of, self.to = of, to

    def fit(self, X, y=None):
        self.scale_ = float(X[self.to].std())
        return self

    def transform(self, X):
        ratio = safe_ratio(X[self.of], self.scale_)
        return X.assign(ratio=ratio)
"""
# What the same names mean after the training: another step than the model was trained with.
EDITED = FEATURES.replace("X.assign(ratio=ratio)", "X.assign(ratio=-7.0 * ratio)")


def rows_in(folder, name, frame):
    frame.to_parquet(folder / f"{name}.parquet")
    return Dataset(
        source={"type": "parquet", "path": str(folder / f"{name}.parquet")}, columns=COLUMNS
    )


def tensors(frame):
    def one(name, datatype, data):
        return {"name": name, "datatype": datatype, "shape": [len(data), 1], "data": data}

    return [
        one("strong", "FP64", frame["strong"].tolist()),
        one("weak", "FP64", frame["weak"].tolist()),
        one("job", "BYTES", frame["job"].tolist()),
    ]


@pytest.fixture
def mlflow_uri(tmp_path):
    serving_python()
    with MLflowServer(tmp_path) as server:
        yield server.url


def test_every_place_predicts_alike(mlflow_uri, tmp_path, monkeypatch):
    code = tmp_path / "code"
    code.mkdir()
    write_module(monkeypatch, code, "shop_helpers", HELPERS)
    write_module(monkeypatch, code, "shop_features", FEATURES)
    project = MLProject(
        name=NAME,
        task_type="binary",
        dataset=rows_in(tmp_path, "calls", make_calls(3_000)),
        registry=ModelRegistry(tracking_uri=mlflow_uri, model_name=NAME),
        predictions=PredictionLog(uri=f"sqlite:///{tmp_path}/predictions.db"),
        workspace=str(tmp_path / "workspace"),
        training={
            "estimators": ["lightgbm"],
            "trials": 2,
            "folds": 2,
            "refit": "train",
            "promise_periods": 1,
            "features": [
                {"step": "shop_features:student", "parameters": {"job": "student"}},
                {"step": "shop_features:Ratio", "parameters": {"of": "strong"}},
            ],
            "trusted_types": ["shop_features.student", "shop_features.Ratio"],
        },
        gates={"deepchecks": [], "resamples": 300},
    )
    outcome = train(project)
    assert outcome.outcome == "promoted", outcome.reasons
    assert {
        gate.verdict for gate in outcome.gates if gate.name in ("loads", "same predictions")
    } == {"passed"}
    version = get_version(project.registry, outcome.version.version)

    # In the training process.
    new = make_calls(300, seed=3, start="2026-02-01")
    predictor = project.registry.load_model(version.uri, "binary")
    yes = predictor.classes.tolist().index("yes")
    expected = predictor.predict(new)[:, yes]

    # From here on the user's modules are others, and then gone.
    write_module(monkeypatch, code, "shop_features", EDITED)
    again = project.registry.load_model(version.uri, "binary").predict(new)[:, yes]
    np.testing.assert_array_equal(again, expected)
    for module in ("shop_features", "shop_helpers"):
        (code / f"{module}.py").unlink()
        sys.modules.pop(module, None)

    # In batch scoring.
    scored = score(project, rows_in(tmp_path, "new", new.drop(columns="y")))
    assert scored.logged == 300
    with project.predictions.get_client() as store:
        log = store.read(NAME, Window(last=1_000)).to_pandas().set_index("id")
    np.testing.assert_allclose(
        log.loc[new["call_id"], "score.yes"].astype(float), expected, rtol=0, atol=1e-12
    )

    # In the model server's own environment.
    extra = {"tracking_uri": mlflow_uri, "model_name": NAME, "refresh_seconds": 0.2}
    with ModelServer(tmp_path, extra) as server:
        server.start()
        body = server.infer({"inputs": tensors(new)}).json()
    answered = {output["name"]: output["data"] for output in body["outputs"]}
    np.testing.assert_allclose(answered["score.yes"], expected, rtol=0, atol=1e-12)

    # In monitoring, and where a repair scores the window again.
    label(project, rows_in(tmp_path, "labels", new))
    metric = metric_value(
        "log_loss", row_losses("log_loss", new["y"], predictor.predict(new), predictor.classes)
    )
    watched = monitor(project)
    assert watched.performance.value == pytest.approx(metric, abs=1e-12)
    cause = Cause(
        id="cause",
        project=NAME,
        champion_version=version.version,
        window=Window(last=300),
        rows=300,
        reason="asked",
        signals=["performance"],
        metric="log_loss",
        decided_at=datetime.now(UTC),
    )
    rescored = score_again(
        cause,
        version,
        read_window.fn(Window(last=300), **project.arguments(read_window)),
        task_type="binary",
        metric="log_loss",
        thresholds=project.monitoring.performance,
        resamples=300,
        seed=0,
        redacted=[],
        registry=project.registry,
    )
    assert isinstance(rescored, RescoredWindow), rescored
    assert (rescored.rows, rescored.before) == (300, pytest.approx(metric, abs=1e-12))
    assert rescored.after == rescored.before

    # The files say what they need.
    folder = next(
        (tmp_path).rglob(f"{version.tags[tags.EVALUATED_URI].split('/')[-1]}/**/MLmodel")
    ).parent
    required = (folder / "requirements.txt").read_text()
    assert "lightgbm==" in required
    assert "prefect-mlops==" in required
    assert {path.name for path in (folder / "code").iterdir()} == {
        "shop_features.py",
        "shop_helpers.py",
    }
