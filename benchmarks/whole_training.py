"""A whole training against a plain script that does the same work with the same libraries, step by step.

    python benchmarks/whole_training.py [--data bank-additional-full.csv] [--trials 40] [--rounds 1]

Both run in this process, the flow first: the script fits the same pipelines with the hyperparameters that the
flow's study came to, and holds the rows against the same expectations. The Prefect server is started, and the
libraries imported and MLflow used once, before the clock is. Without `--data` the rows are generated.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

import pandas as pd
from by_hand import FOLDS, ByHand
from mlflow import MlflowClient
from prefect.testing.utilities import prefect_test_harness
from prefect_mlops.blocks import Dataset, MLProject, ModelRegistry, PredictionLog
from prefect_mlops.core.results import TrainingOutcome
from prefect_mlops.demo.stream import generate, with_ids_and_times
from prefect_mlops.flows import train
from prefect_mlops.gates.deepchecks_compat import load
from prefect_mlops.tasks.tuning import study_url

LIBRARIES = (
    "fairlearn.metrics",
    "great_expectations",
    "mlflow.sklearn",
    "optuna",
    "shap",
    "skops.io",
)
# Half a monitoring window, as the flow holds out by default.
HOLDOUT = 1_000
TARGET, CLOCK, ID = "y", "called_at", "call_id"


def rows_of(data: Path | None) -> pd.DataFrame:
    """Return the calls of a bank, in time order."""
    if data is None:
        return with_ids_and_times(generate(rows=41_188)).drop(columns="duration")
    frame = pd.read_csv(data, sep=";").drop(columns="duration")
    return with_ids_and_times(frame)


def project_in(folder: Path, path: Path, trials: int) -> MLProject:
    """Return the project, on SQLite."""
    return MLProject.model_validate(
        {
            "name": "calls",
            "task_type": "binary",
            "dataset": Dataset.model_validate(
                {
                    "source": {"type": "parquet", "path": str(path)},
                    "columns": {"target": TARGET, "timestamp": CLOCK, "id": ID},
                }
            ),
            "registry": ModelRegistry.model_validate(
                {"tracking_uri": f"sqlite:///{folder}/flow.db", "model_name": "calls"}
            ),
            "predictions": PredictionLog.model_validate({"uri": f"sqlite:///{folder}/log.db"}),
            "workspace": str(folder / "workspace"),
            "training": {"trials": trials, "folds": FOLDS},
        }
    )


def trials_of(
    project: MLProject, outcome: TrainingOutcome
) -> list[tuple[str, dict[str, Any], int]]:
    """Return what each trial of the flow's study ran."""
    import optuna

    key = outcome.training_key
    study = optuna.load_study(study_name=key, storage=study_url(project.open_workspace(), key))
    found = []
    for trial in study.get_trials(deepcopy=False):
        estimator = trial.params["estimator"]
        scope = f"{estimator}."
        parameters = {
            name.removeprefix(scope): value
            for name, value in trial.params.items()
            if name.startswith(scope)
        }
        found.append((estimator, parameters, max(1, len(trial.intermediate_values))))
    return found


def suite_of(folder: Path) -> dict[str, Any]:
    """Return the suite that the flow inferred."""
    path = next((folder / "workspace" / "suites").rglob("*.json"))
    return json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # pyright: ignore[reportOptionalMemberAccess]
    parser.add_argument("--data", type=Path)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    load()
    for name in LIBRARIES:
        importlib.import_module(name)
    ratios = []
    with prefect_test_harness(server_startup_timeout=180):
        for _ in range(options.rounds):
            with tempfile.TemporaryDirectory() as name:
                # It imports much of itself when its first database is made.
                MlflowClient(f"sqlite:///{name}/first.db").search_experiments()
                ratios.append(_measure(Path(name), rows_of(options.data), options.trials))
    print(f"flow / script: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")


def _measure(folder: Path, rows: pd.DataFrame, trials: int) -> float:
    path = folder / "rows.parquet"
    rows.to_parquet(path)
    project = project_in(folder, path, trials)
    os.chdir(folder)
    started = time.perf_counter()
    outcome = train(project)
    by_flow = time.perf_counter() - started
    hand = ByHand(folder)
    started = time.perf_counter()
    loss = hand.train(
        path,
        target=TARGET,
        clock=CLOCK,
        left_out=[ID],
        holdout=HOLDOUT,
        suite=suite_of(folder),
        trials=trials_of(project, outcome),
    )
    by_hand = time.perf_counter() - started
    print(f"{outcome.outcome}; log loss of the script {loss:.4f}", file=sys.stderr)
    print("| step | flow, s | script, s |\n| --- | ---: | ---: |")
    for step in dict.fromkeys([*outcome.seconds, *hand.seconds]):
        cells = [
            f"{found[step]:.1f}" if step in found else ""
            for found in (outcome.seconds, hand.seconds)
        ]
        print(f"| `{step}` | {' | '.join(cells)} |")
    rest = [
        by_flow - sum(outcome.seconds.values()),
        by_hand - sum(hand.seconds.values()),
    ]
    print(f"| the rest | {rest[0]:.1f} | {rest[1]:.1f} |")
    print(f"| **whole** | {by_flow:.1f} | {by_hand:.1f} |")
    return by_flow / by_hand


if __name__ == "__main__":
    main()
