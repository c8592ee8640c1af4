"""Measures hyperparameter search: trials beside each other, and `tune` against a plain script.

    OMP_NUM_THREADS=1 PREFECT_LOGGING_LEVEL=ERROR python benchmarks/tuning.py --trials 40

Rows are synthetic, like the bank-marketing table: 20 columns, half of them categories. Everything is run in
one process that has run trials before, each thing measured alternately; worker processes start within what is
measured.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from prefect import flow
from prefect_mlops.blocks import ModelRegistry, Stores
from prefect_mlops.core.settings import Columns, SearchSettings, TrainingSettings
from prefect_mlops.data.snapshots import as_split
from prefect_mlops.registry.tracking import open_run
from prefect_mlops.tasks import tune

COLUMNS = Columns(target="y", ordered=True)


def make_rows(count: int) -> pd.DataFrame:
    """Rows with ten numbers, ten categories and a rare class."""
    rng = np.random.default_rng(0)
    numbers = {f"n{i}": rng.normal(size=count) for i in range(10)}
    categories = {f"c{i}": rng.choice(list("abcdefgh")[: 2 + i % 6], count) for i in range(10)}
    odds = 1.2 * numbers["n0"] + numbers["n1"] * numbers["n2"] + (categories["c3"] == "a") - 2.5
    label = np.where(rng.random(count) < 1 / (1 + np.exp(-odds)), "yes", "no")
    return pd.DataFrame({**numbers, **categories, "y": label})


def plain_script(path: Path, trials: int, folds: int) -> tuple[float, list[dict[str, Any]]]:
    """Run the trials of `tune` with Optuna and scikit-learn alone, as one would by hand."""
    import optuna
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import log_loss
    from sklearn.model_selection import TimeSeriesSplit
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OrdinalEncoder

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    started = time.perf_counter()
    frame = pd.read_parquet(path)
    rows, target = frame.drop(columns="y"), frame["y"]
    names = [name for name in rows if name.startswith("c")]

    def objective(trial: optuna.Trial) -> float:
        scores = []
        chosen = {
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.2, log=True),
            "max_iter": trial.suggest_int("max_iter", 50, 200, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 63, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 5, 200, log=True),
            "l2_regularization": trial.suggest_float("l2_regularization", 0.0, 10.0),
        }
        for fitted, scored in TimeSeriesSplit(folds).split(rows):
            model = make_pipeline(
                make_column_transformer(
                    (
                        OrdinalEncoder(
                            handle_unknown="use_encoded_value",
                            unknown_value=np.nan,
                            encoded_missing_value=np.nan,
                        ),
                        names,
                    ),
                    remainder="passthrough",
                ),
                HistGradientBoostingClassifier(
                    **chosen, categorical_features=list(range(len(names))), random_state=0
                ),
            )
            model.fit(rows.iloc[fitted], target.iloc[fitted])
            found = model.predict_proba(rows.iloc[scored])
            scores.append(log_loss(target.iloc[scored], found, labels=model.classes_))
        return float(np.mean(scores))

    study = optuna.create_study()
    # The same trials: what `tune` chose.
    for parameters in trials_of_tune:
        study.enqueue_trial(parameters)
    study.optimize(objective, n_trials=trials)
    return time.perf_counter() - started, [trial.params for trial in study.trials]


trials_of_tune: list[dict[str, Any]] = []


@contextmanager
def timed(places: dict[str, tuple[Any, str]], seconds: dict[str, float]) -> Iterator[None]:
    """Add up the wall time of some functions, by label."""
    originals = {label: getattr(owner, name) for label, (owner, name) in places.items()}

    def watch(label: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def watched(*args: Any, **keywords: Any) -> Any:
            began = time.perf_counter()
            try:
                return original(*args, **keywords)
            finally:
                seconds[label] = seconds.get(label, 0.0) + time.perf_counter() - began

        return watched

    for label, (owner, name) in places.items():
        setattr(owner, name, watch(label, originals[label]))
    try:
        yield
    finally:
        for label, (owner, name) in places.items():
            setattr(owner, name, originals[label])


def steps_of_tune() -> dict[str, tuple[Any, str]]:
    """Return the parts of `tune` that a trial passes, by what they do."""
    from prefect_mlops.registry import trial_runs
    from prefect_mlops.tasks import tuning
    from prefect_mlops.training import study, trial_scoring

    return {
        "fit and score": (trial_scoring, "score_trial"),
        "choose (sampler, database)": (study.PersistentStudy, "ask"),
        "record (database)": (study.PersistentStudy, "tell"),
        "hand to MLflow's thread": (trial_runs.TrialRuns, "log"),
        "wait for MLflow's thread": (trial_runs.TrialRuns, "__exit__"),
        "open the study": (study.PersistentStudy, "__init__"),
        "progress": (tuning, "update_progress_artifact"),
    }


def run_tune(
    folder: Path, frame: pd.DataFrame, trials: int, parallel: int, runner: str | None
) -> tuple[float, float, dict[str, float], list[dict[str, Any]]]:
    """Tune in a flow; return its seconds, those of all trials, those of its parts, and what it tried."""
    import optuna

    stores = Stores(
        "bench",
        ModelRegistry(tracking_uri=f"sqlite:///{folder}/mlflow.db", model_name="bench"),
        workspace=str(folder / "workspace"),
    )
    search = SearchSettings(pruner="none", runner=runner)
    settings = TrainingSettings(
        estimators=["hist_gradient_boosting"],
        trials=trials,
        parallel_trials=parallel,
        search=search,
    )
    key = f"{runner}-{parallel}-{time.time_ns()}"
    split = as_split((frame, frame[-100:]), stores.open_workspace(), COLUMNS)
    run_id = open_run(stores, key, None)
    seconds: dict[str, float] = {}

    @flow
    def bench() -> tuple[float, Any]:
        began = time.perf_counter()
        given = {"columns": COLUMNS, "task_type": "binary"}
        found = tune(split, run_id, key, **given, settings=settings, stores=stores)
        return time.perf_counter() - began, found

    with timed(steps_of_tune(), seconds):
        wall, study = bench()
    tried = optuna.load_study(study_name=None, storage=study.storage).trials
    begun = [trial.datetime_start for trial in tried]
    ended = [trial.datetime_complete for trial in tried]
    return (
        wall,
        (max(ended) - min(begun)).total_seconds(),
        seconds,
        [trial.user_attrs["parameters"] for trial in tried],
    )


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=41_000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runners", nargs="*", default=["processes", "threads"])
    given = parser.parse_args()
    # Not above: a worker process imports this file, and needs no server.
    from prefect.testing.utilities import prefect_test_harness

    frame = make_rows(given.rows)
    with tempfile.TemporaryDirectory() as name, prefect_test_harness(server_startup_timeout=180):
        folder = Path(name)
        path = folder / "rows.parquet"
        frame.to_parquet(path)
        run_tune(folder, frame, 2, 1, None)
        walls: dict[str, list[float]] = {"tune": [], "script": []}
        for _ in range(given.repeats):
            cpu = time.process_time()
            wall, _, parts, tried = run_tune(folder, frame, given.trials, 1, None)
            cpu_of_tune = time.process_time() - cpu
            trials_of_tune[:] = tried
            cpu = time.process_time()
            script, same = plain_script(path, given.trials, 3)
            cpu_of_script = time.process_time() - cpu
            assert same == tried
            walls["tune"].append(wall)
            walls["script"].append(script)
            print(f"tune {wall:.2f} s, script {script:.2f} s, ratio {wall / script:.3f}")
            print(
                f"    CPU {cpu_of_tune:.2f} s and {cpu_of_script:.2f} s, ratio "
                f"{cpu_of_tune / cpu_of_script:.3f}"
            )
            for label, spent in sorted(parts.items(), key=lambda item: -item[1]):
                print(f"    {label:28} {spent:8.3f} s  {spent / wall:6.1%}")
        ratio = statistics.median(walls["tune"]) / statistics.median(walls["script"])
        print(f"median ratio of tune to the script: {ratio:.3f}")
        for runner in given.runners:
            gains = []
            for _ in range(given.repeats):
                alone, beside = (
                    run_tune(folder, frame, given.trials, count, runner) for count in (1, 2)
                )
                assert alone[3] == beside[3]
                gains.append(alone[0] / beside[0])
                print(
                    f"{runner}: one worker {given.trials / alone[0]:.2f} trials/s, two "
                    f"{given.trials / beside[0]:.2f}: {gains[-1]:.2f} times; trials alone "
                    f"{alone[1] / beside[1]:.2f} times"
                )
            print(f"{runner}: median {statistics.median(gains):.2f} times")


if __name__ == "__main__":
    main()
