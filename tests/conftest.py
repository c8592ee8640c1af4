"""Fixtures for every test: quiet offline libraries, a real Prefect server, projects on real stores."""

import os
import sys
from pathlib import Path

for name, value in {
    "OMP_NUM_THREADS": "1",
    "LOKY_MAX_CPU_COUNT": "1",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DISABLE_DEEPCHECKS_ANONYMOUS_TELEMETRY": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    "PREFECT_LOGGING_LEVEL": "WARNING",
}.items():
    os.environ.setdefault(name, value)

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from prefect.testing.utilities import prefect_test_harness
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog

sys.path.insert(0, str(Path(__file__).parent))
# How long an example takes depends on what else the machine does.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

from support.events_worker import forget_events
from support.mongodb_fixture import cable, cable_uri, mongodb_uri  # noqa: F401


@pytest.fixture(scope="session")
def prefect_api():
    """A real Prefect server of its own, for as long as the tests run."""
    with prefect_test_harness(server_startup_timeout=180):
        yield
        forget_events()


def make_calls(
    rows: int, seed: int = 0, shift: float = 0.0, start: str = "2026-01-01"
) -> pd.DataFrame:
    """Rows of a small telemarketing table: one strong number, one weak one, one category, a clock."""
    rng = np.random.default_rng(seed)
    strong, weak = rng.normal(shift, 1, rows), rng.normal(0, 1, rows)
    job = rng.choice(["admin", "student", "retired"], rows)
    odds = 1.8 * strong + 0.3 * weak + (job == "student") - 0.5
    label = rng.random(rows) < 1 / (1 + np.exp(-odds))
    return pd.DataFrame(
        {
            "call_id": [f"{start}-{seed}-{i}" for i in range(rows)],
            "called_at": pd.date_range(start, periods=rows, freq="min", tz="UTC"),
            "strong": strong,
            "weak": weak,
            "job": job,
            "y": np.where(label, "yes", "no"),
        }
    )


def turned_around(rows: int, shifts: tuple[float, ...]) -> pd.DataFrame:
    """Calls that end well more and less often, in as many equally long periods as there are shifts of the odds."""
    frame, period = make_calls(rows), np.arange(rows) * len(shifts) // rows
    odds = 2.5 * frame["strong"] + np.asarray(shifts)[period]
    label = np.random.default_rng(5).random(rows) < 1 / (1 + np.exp(-odds))
    return frame.assign(y=np.where(label, "yes", "no"))


@pytest.fixture
def calls():
    """The function that makes rows."""
    return make_calls


@pytest.fixture
def make_project(tmp_path):
    """A function that makes a project on SQLite in the test's own folder; keywords override."""

    def make(frame: pd.DataFrame | None = None, **overrides) -> MLProject:
        path = tmp_path / "calls.parquet"
        if frame is not None:
            frame.to_parquet(path)
        settings = {
            "name": "calls",
            "task_type": "binary",
            "dataset": Dataset(
                source={"type": "parquet", "path": str(path)},
                columns={
                    "target": "y",
                    "timestamp": "called_at",
                    "id": "call_id",
                    "slices": ["job"],
                },
            ),
            "registry": ModelRegistry(
                tracking_uri=f"sqlite:///{tmp_path}/mlflow.db", model_name="calls"
            ),
            "predictions": PredictionLog(uri=f"sqlite:///{tmp_path}/predictions.db"),
            "workspace": str(tmp_path / "workspace"),
            "training": {
                "estimators": ["hist_gradient_boosting"],
                "trials": 2,
                "folds": 2,
            },
        }
        return MLProject(**{**settings, **overrides})

    return make


@pytest.fixture(autouse=True)
def _artifacts_stay_in_the_test(tmp_path, monkeypatch):
    """MLflow on SQLite puts artifacts below the working directory."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def _mlflow_forgets():
    """What a test told MLflow's fluent functions is kept for the whole process, and would reach the next test."""
    yield
    if "mlflow" not in sys.modules:
        return
    import mlflow
    from mlflow.tracking import fluent

    mlflow.set_tracking_uri(None)
    fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
