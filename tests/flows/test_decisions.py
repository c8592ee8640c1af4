"""Costs that a project declares decide alike wherever its model answers."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls
from mlflow import pyfunc
from mlflow import sklearn as mlflow_sklearn
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.data.schema import conform
from prefect_mlops.flows import train
from prefect_mlops.models.predictor import fetch_model
from prefect_mlops.monitoring.reference import PREDICTION
from prefect_mlops.registry.references import reference_of
from prefect_mlops.serving.inference import DecodedRequest, predict
from prefect_mlops.serving.input_frame import input_frame
from prefect_mlops.serving.served_models import load_version
from prefect_mlops.serving.server_settings import ServerSettings
from prefect_mlops.tasks import score_rows

pytestmark = [pytest.mark.usefixtures("prefect_api"), pytest.mark.slow]

TRAINING = {"estimators": ["linear"], "trials": 1, "folds": 2, "promise_periods": 1}
BINARY = {"false_positive": 1, "false_negative": 9}
SEVERAL = {
    "no": {"later": 1, "yes": 1},
    "later": {"no": 12, "yes": 2},
    "yes": {"no": 9, "later": 9},
}


def rows(task, count=1_200, seed=0, start="2026-01-01"):
    """Calls of which few end well."""
    frame = make_calls(count, seed, shift=-1.0, start=start)
    if task == "multiclass":
        unsure = np.random.default_rng(seed).random(count) < 1 / (1 + np.exp(1 - frame["weak"]))
        frame["y"] = frame["y"].mask((frame["y"] == "no") & unsure, "later")
    return frame


def served(project, version, frame):
    """Labels as the model server answers with."""
    uri = project.registry.tracking_uri.get_secret_value()
    settings = ServerSettings.read({"tracking_uri": uri, "model_name": "calls"}, {})
    model = load_version(settings, version)
    columns = {name: frame[name].tolist() for name in model.predictor.feature_types}
    decoded = DecodedRequest("r", frame["call_id"].tolist(), columns, datetime.now(UTC))
    inputs = input_frame(columns, model.predictor.feature_types)
    return predict(model, "champion", decoded, inputs).labels


@pytest.mark.parametrize(
    ("task", "costs", "calibration"),
    [("binary", BINARY, "sigmoid"), ("binary", BINARY, "none"), ("multiclass", SEVERAL, "sigmoid")],
)
def test_batch_pyfunc_server_and_predictor_decide_alike(
    make_flow_project, tmp_path, task, costs, calibration
):
    rows(task).to_parquet(tmp_path / "rows.parquet")
    decisions = {"costs": costs, "calibration": calibration}
    project = make_flow_project(
        task_type=task,
        training={**TRAINING, "decisions": decisions},
        # The default checks too, once: they take half a minute.
        gates={"floors": {"cost": 2.0}, "deepchecks": None if calibration == "none" else []},
    )
    outcome = train(project)
    assert outcome.outcome == "promoted", outcome.reasons
    version = outcome.version
    assert next(gate for gate in outcome.gates if gate.name == "cost floor").verdict == "passed"

    new = rows(task, 400, seed=1, start="2026-02-01")
    scored = score_rows.fn(new, version, **project.arguments(score_rows))
    batch = pd.read_parquet(scored.scores_uri).set_index("id").loc[new["call_id"]]
    predictor = project.registry.load_model(version.uri, task)
    probabilities = predictor.predict(new)
    labels = predictor.labels(probabilities).tolist()
    assert labels != predictor.classes[probabilities.argmax(axis=1)].tolist()
    assert batch["prediction"].tolist() == labels
    assert served(project, version.version, new) == labels
    with project.predictions.get_client() as store:
        logged = store.find("calls", new["call_id"].tolist())
    assert [logged[id].prediction for id in new["call_id"]] == labels

    tracking_uri, registry_uri = project.registry.uris
    folder = fetch_model(
        version.uri, str(tmp_path), tracking_uri=tracking_uri, registry_uri=registry_uri
    )
    conformed, _ = conform(new, predictor.feature_types)
    assert pyfunc.load_model(folder).predict(conformed).tolist() == labels
    alone = mlflow_sklearn.load_model(folder)
    if task == "binary":
        assert alone.predict_proba(conformed) == pytest.approx(probabilities, abs=1e-12)
    # What windows are compared with was decided by the same costs.
    sample = reference_of(project.registry, version).sample
    chances = sample[[f"score.{name}" for name in predictor.classes]].to_numpy()
    evaluated = predictor.classes[chances.argmax(axis=1)].tolist()
    assert sample[PREDICTION].tolist() != evaluated


def test_costs_of_an_unknown_class_are_refused_before_anything_is_registered(
    make_flow_project, tmp_path
):
    rows("binary").to_parquet(tmp_path / "rows.parquet")
    costs = {"no": {"maybe": 1}, "maybe": {"no": 5}}
    project = make_flow_project(training={**TRAINING, "decisions": {"costs": costs}})
    with pytest.raises(ConfigurationError, match="names the class 'maybe', and the target has"):
        train(project)
    assert not project.registry.get_client().search_registered_models()


def test_a_project_says_at_once_what_cannot_work(make_flow_project, tmp_path):
    rows("binary", 50).to_parquet(tmp_path / "rows.parquet")
    for said, overrides in {
        "declare training.decisions.costs": {"gates": {"floors": {"cost": 1.0}}},
        "error_rate": {"training": {"metric": "error_rate", "decisions": {"costs": BINARY}}},
        "is for classes": {
            "task_type": "regression",
            "training": {"decisions": {"calibration": "sigmoid"}},
        },
    }.items():
        with pytest.raises(ValueError, match=said):
            make_flow_project(**overrides)
