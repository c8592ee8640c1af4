import json
import os
import subprocess
import sys
import types

import mlflow
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from prefect_mlops.blocks import Dataset, ModelRegistry
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.results import Study
from prefect_mlops.data.snapshots import load_frame, save_snapshot
from prefect_mlops.metrics.losses import scores
from prefect_mlops.monitoring.reference import Reference
from prefect_mlops.registry.model_logging import trusted_types
from prefect_mlops.registry.tracking import open_run
from prefect_mlops.tasks.fitting import fit, refit
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from support.candidates import split_at

PARAMETERS = {
    "hist_gradient_boosting": {
        "learning_rate": 0.1,
        "max_iter": 50,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 20,
        "l2_regularization": 0.0,
    },
    "random_forest": {"n_estimators": 50, "min_samples_leaf": 5, "max_features": 0.6},
    "linear": {"C": 1.0},
}


def study_of(estimator, parameters=None, metric="log_loss"):
    return Study(
        name="key",
        storage="none",
        estimator=estimator,
        parameters=PARAMETERS[estimator] if parameters is None else parameters,
        metric=metric,
        score=0.4,
        trials=1,
        seed=0,
    )


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def make(make_project, database, calls, request):
    """A function that makes a project, a split of its rows and an open run."""

    def build(frame=None, **overrides):
        registry = ModelRegistry(tracking_uri=database, model_name=request.node.name[:90])
        project = make_project(registry=registry, **overrides)
        rows = calls(400) if frame is None else frame
        return project, split_at(project, rows, 300), open_run(project.stores, "key", None)

    return build


@pytest.fixture
def recipe(monkeypatch):
    def register(function):
        module = types.ModuleType("shop_models")
        module.recipe = function  # pyright: ignore[reportAttributeAccessIssue]
        monkeypatch.setitem(sys.modules, "shop_models", module)
        return study_of("shop_models:recipe", {}, "rmse")

    return register


def regression_rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=400), "z": rng.normal(size=400)})
    return frame.assign(y=2 * frame["x"] + 0.1 * rng.normal(size=400))


REGRESSION = {
    "task_type": "regression",
    "dataset": Dataset(source={"type": "parquet", "path": "none"}, columns={"target": "y"}),
}


@pytest.mark.parametrize("estimator", list(PARAMETERS))
def test_the_logged_model_predicts_what_was_scored(make, estimator):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of(estimator), run_id, **project.arguments(fit))
    predictor = project.registry.load_model(candidate.model_uri, "binary")
    holdout = load_frame(split.holdout)
    again = scores("binary", holdout["y"], predictor.predict(holdout), predictor.classes)
    assert again == pytest.approx(candidate.metrics)
    assert candidate.metrics["log_loss"] < 0.65
    assert predictor.feature_types == {"strong": "number", "weak": "number", "job": "category"}


def test_the_candidate_says_what_it_was_fitted_on_and_looks_at(make):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of("linear"), run_id, **project.arguments(fit))
    assert candidate.run_id == run_id
    assert candidate.model_uri == candidate.evaluated_uri
    assert (candidate.fitted_rows, candidate.fitted_digest) == (300, split.train.digest)
    assert (candidate.cutoff, candidate.cutoff_row) == (split.train.last, 300)
    assert sum(candidate.importance.values()) == pytest.approx(1.0)
    assert max(candidate.importance, key=lambda name: candidate.importance[name]) == "strong"


def test_the_run_holds_scores_parameters_rows_and_model(make):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of("linear"), run_id, **project.arguments(fit))
    client = project.registry.get_client()
    run = client.get_run(run_id)
    assert run.data.params == {"estimator": "linear", "C": "1.0"}
    assert run.data.metrics["cross_validation.log_loss"] == 0.4
    assert run.data.metrics["holdout.log_loss"] == pytest.approx(candidate.metrics["log_loss"])
    digests = {
        next(tag.value for tag in item.tags if tag.key == "mlflow.data.context"): (
            item.dataset.digest
        )
        for item in run.inputs.dataset_inputs
    }
    assert digests == {
        "training": split.train.digest[:36],
        "holdout": split.holdout.digest[:36],
    }
    (output,) = run.outputs.model_outputs
    assert candidate.model_uri == f"models:/{output.model_id}"
    assert client.get_logged_model(output.model_id).status == "READY"


def test_the_reference_is_that_of_the_holdout(make, tmp_path):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of("linear"), run_id, **project.arguments(fit))
    assert candidate.profile_uri == f"runs:/{run_id}/reference"
    folder = project.registry.get_client().download_artifacts(run_id, "reference", str(tmp_path))
    reference = Reference.load(tmp_path / "reference")
    assert folder.endswith("reference")
    # Two earlier periods leave enough to fit on.
    assert reference.promise.rows == 300
    assert reference.promise.periods[0] == pytest.approx(candidate.metrics["log_loss"])
    assert reference.importance == pytest.approx(candidate.importance)


def test_fitting_again_after_a_crash_gives_the_same_candidate(make):
    project, split, run_id = make()
    first, again = (
        fit.fn(split, study_of("linear"), run_id, **project.arguments(fit)) for _ in range(2)
    )
    changed = {"model_uri", "evaluated_uri"}
    assert first.model_dump(exclude=changed) == again.model_dump(exclude=changed)


def test_a_study_that_was_lost_and_chose_otherwise_does_not_block_the_training(make):
    project, split, run_id = make()
    fit.fn(split, study_of("linear"), run_id, **project.arguments(fit))
    other = fit.fn(split, study_of("linear", {"C": 0.5}), run_id, **project.arguments(fit))
    client = project.registry.get_client()
    assert client.get_run(run_id).data.params["C"] == "1.0"
    model = client.get_logged_model(other.model_uri.removeprefix("models:/"))
    assert model.params == {"estimator": "linear", "C": "0.5"}


def test_a_regression_is_fitted_and_scored_in_its_unit(make):
    project, split, run_id = make(regression_rows(), **REGRESSION)
    candidate = fit.fn(
        split, study_of("linear", {"alpha": 1.0}, "rmse"), run_id, **project.arguments(fit)
    )
    assert candidate.metrics["rmse"] == pytest.approx(0.1, rel=0.3)
    assert (candidate.cutoff, candidate.cutoff_row) == (None, None)
    predictor = project.registry.load_model(candidate.model_uri, "regression")
    assert predictor.predict(pd.DataFrame({"x": [1, 2], "z": [0, 0]})) == pytest.approx(
        [2, 4], rel=0.1
    )


def test_moments_booleans_and_empty_columns_are_served_without_this_package(make, calls, tmp_path):
    frame = calls(400).assign(empty=None)
    frame["seen_at"] = frame["called_at"] - pd.Timedelta(days=1)
    frame.loc[::7, "seen_at"] = pd.NaT
    frame["vip"] = frame["strong"] > 0
    project, split, run_id = make(frame)
    candidate = fit.fn(split, study_of("hist_gradient_boosting"), run_id, **project.arguments(fit))
    predictor = project.registry.load_model(candidate.model_uri, "binary")
    assert predictor.feature_types["seen_at"] == "datetime"
    folder = project.registry.get_client().get_logged_model(
        candidate.model_uri.removeprefix("models:/")
    )
    path = folder.artifact_location.removeprefix("file://")
    program = (
        "import sys, json, mlflow\n"
        f"model = mlflow.pyfunc.load_model({path!r})\n"
        "labels = model.predict(model.input_example)\n"
        "assert not [name for name in sys.modules if name.startswith('prefect')]\n"
        "print(json.dumps(list(labels)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    expected = predictor.labels(predictor.predict(load_frame(split.train).head(5)))
    assert json.loads(done.stdout) == list(expected)


def test_a_request_with_nulls_and_new_categories_passes_the_signature(make):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of("hist_gradient_boosting"), run_id, **project.arguments(fit))
    model = project.registry.get_client().get_logged_model(
        candidate.model_uri.removeprefix("models:/")
    )
    loaded = mlflow.pyfunc.load_model(model.artifact_location)
    rows = pd.DataFrame({"strong": [0.5, None], "weak": [None, 1.0], "job": ["astronaut", None]})
    assert set(loaded.predict(rows)) <= {"yes", "no"}


def test_a_refit_serves_all_rows_and_keeps_the_evidence(make):
    project, split, run_id = make()
    candidate = fit.fn(split, study_of("linear"), run_id, **project.arguments(fit))
    frame = pd.concat([load_frame(split.train), load_frame(split.holdout)], ignore_index=True)
    snapshot = save_snapshot(
        project.open_workspace(), pa.Table.from_pandas(frame), "test", "called_at"
    )
    served = refit.fn(split, snapshot, candidate, **project.arguments(refit))
    assert served.evaluated_uri == candidate.model_uri != served.model_uri
    assert (served.fitted_rows, served.fitted_digest) == (400, snapshot.digest)
    assert (served.cutoff, served.cutoff_row) == (snapshot.last, 400)
    unchanged = {"metrics", "importance", "profile_uri", "parameters"}
    assert served.model_dump(include=unchanged) == candidate.model_dump(include=unchanged)
    both = [
        project.registry.load_model(uri, "binary").predict(frame.head(3))
        for uri in (candidate.model_uri, served.model_uri)
    ]
    assert not np.allclose(*both)


class Doubled(Ridge):
    """A model of the user's own."""


def test_a_model_with_foreign_types_is_refused_before_it_is_logged(make, recipe):
    project, split, run_id = make(regression_rows(), **REGRESSION)
    study = recipe(lambda trial, task_type, feature_types, seed: Doubled())
    with pytest.raises(ConfigurationError, match=r"contains .*Doubled"):
        fit.fn(split, study, run_id, **project.arguments(fit))
    client = project.registry.get_client()
    assert not client.search_logged_models([client.get_run(run_id).info.experiment_id])


def test_a_model_that_skops_cannot_persist_is_refused():
    model = make_pipeline(FunctionTransformer(lambda rows: rows), Ridge())
    with pytest.raises(ConfigurationError, match=r"cannot be persisted|contains"):
        trusted_types(model.fit([[0.0], [1.0]], [0.0, 1.0]))


def test_a_function_that_could_run_anything_is_refused():
    model = make_pipeline(FunctionTransformer(os.fspath), Ridge())
    with pytest.raises(ConfigurationError, match="contains"):
        trusted_types(model)
