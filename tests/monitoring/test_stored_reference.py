"""The reference of a run is fetched from a real MLflow as it was stored."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from prefect_mlops.core.errors import ModelUnavailable
from prefect_mlops.monitoring.stored_reference import fetch_reference
from support.references import number_reference


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(uri)
    experiment = client.create_experiment("calls", artifact_location=str(folder / "artifacts"))
    return uri, client, client.create_run(experiment).info.run_id


def test_a_stored_reference_is_fetched_as_it_was(mlflow, tmp_path):
    uri, client, run = mlflow
    frame = pd.DataFrame({"a": np.random.default_rng(0).normal(size=300)})
    kept = number_reference(frame)
    kept.save(tmp_path / "reference")
    client.log_artifacts(run, str(tmp_path / "reference"), "reference")
    found = fetch_reference(f"runs:/{run}/reference", tracking_uri=uri)
    assert found.feature_types == kept.feature_types
    assert found.promise == kept.promise
    pd.testing.assert_frame_equal(found.sample, kept.sample)


def test_a_reference_that_is_not_there_is_told_with_what_to_do(mlflow):
    uri, _, run = mlflow
    for wanted in (f"runs:/{run}/nothing", f"runs:/{'0' * 32}/reference"):
        with pytest.raises(ModelUnavailable, match=r"is not there.*or retrain"):
            fetch_reference(wanted, tracking_uri=uri)
