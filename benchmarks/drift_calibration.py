"""How often drift alarms: without drift, and with drift that must not be missed.

`python benchmarks/drift_calibration.py FOLDER [windows]` on three real tables below FOLDER:
`bank-marketing/bank-additional-full.csv`, `wine-quality/winequality-red.csv` and `-white.csv`, shuffled, so
that they hold no drift of their own. Promised: an alarm in at most 2% of the windows without drift, of 200
to 5,000 rows; in at least 95% of those of 1,000 rows in which the most important feature is shifted by half
a standard deviation, empty in 30% of the rows, or stuck at its median in 30%.

A quarter of a table is fitted, half is the reference's holdout, and windows are drawn without replacement
from the quarter left (from the rest of the table, with replacement, where that is smaller than the window).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from prefect_mlops.core.settings import Columns, DriftThresholds, TaskType
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.metrics.losses import row_losses
from prefect_mlops.models.importance import permutation_importance
from prefect_mlops.models.predictor import Predictor
from prefect_mlops.monitoring.drift import score_window
from prefect_mlops.monitoring.drift_verdict import judge
from prefect_mlops.monitoring.reference import Reference, build_reference
from prefect_mlops.training.recipes import build, fit_estimator
from prefect_mlops.training.search_spaces import default_parameters

LIMITS = DriftThresholds()
SIZES = (200, 500, 1_000, 2_000, 5_000)
DRIFTED_ROWS = 1_000
FALSE_ALARMS, HITS = 0.02, 0.95
TABLES: dict[str, tuple[str, Columns, TaskType]] = {
    "bank": (
        "bank-marketing/bank-additional-full.csv",
        Columns(target="y", ignored=["duration"]),
        "binary",
    ),
    "red wine": ("wine-quality/winequality-red.csv", Columns(target="quality"), "regression"),
    "white wine": ("wine-quality/winequality-white.csv", Columns(target="quality"), "regression"),
}
Change = Callable[[pd.Series, np.ndarray], pd.Series]
CHANGES: dict[str, Change] = {
    "half a standard deviation": lambda values, _: values + values.std() / 2,
    "30% nulls": lambda values, hit: values.mask(hit),
    "30% stuck": lambda values, hit: values.mask(hit, values.median()),
}


class Table:
    """A shuffled table with a model, its reference, and rows neither of them has seen."""

    def __init__(self, folder: Path, name: str) -> None:
        file, columns, task = TABLES[name]
        frame = pd.read_csv(folder / file, sep=";").sample(frac=1.0, random_state=0)
        count = len(frame)
        fitted = training_rows(frame[: count // 4], columns, task)
        held = training_rows(
            frame[count // 4 : 3 * count // 4], columns, task, fitted.feature_types
        )
        self.rest = training_rows(frame[3 * count // 4 :], columns, task, fitted.feature_types).rows
        estimator = build(
            "linear", default_parameters("linear", task), task, fitted.feature_types, 0
        )
        fit_estimator(estimator, fitted.rows, fitted.target)
        self.predictor = Predictor(estimator, task, fitted.feature_types)
        metric = "rmse" if task == "regression" else "log_loss"
        predicted = self.predictor.predict(held.rows)
        classes = self.predictor.classes
        importance = permutation_importance(self.predictor, held.rows, held.target, metric=metric)
        self.reference: Reference = build_reference(
            held.rows,
            predicted,
            pd.Series(held.target),
            task_type=task,
            classes=classes,
            feature_types=fitted.feature_types,
            importance=importance,
            losses=row_losses(metric, held.target, predicted, classes),
            metric=metric,
        )
        numbers = [n for n, kind in fitted.feature_types.items() if kind == "number"]
        self.strongest = max(numbers, key=lambda n: importance[n])

    def alarms(self, rows: int, change: Change | None, seed: int) -> bool:
        """Say whether a window alarms."""
        rng = np.random.default_rng([seed, rows])
        chosen = rng.choice(len(self.rest), rows, replace=rows > len(self.rest))
        window = self.rest.iloc[chosen].reset_index(drop=True)
        if change is not None:
            values = window[self.strongest]
            window[self.strongest] = change(values, rng.random(rows) < 0.3)
        predicted = self.predictor.predict(window)
        logged = window.add_prefix("features.")
        if self.reference.classes is None:
            logged["prediction"] = predicted
        else:
            for at, name in enumerate(self.reference.classes):
                logged[f"score.{name}"] = predicted[:, at]
        scored = score_window(self.reference, logged, LIMITS)
        return judge(scored, rows, LIMITS).verdict == "failed"


def measure(folder: Path, windows: int) -> bool:
    """Print both tables and return whether all is as promised."""
    kept = True
    print("| table | drift | rows | windows | alarms | promised |\n|---|---|---|---|---|---|")
    for name in TABLES:
        table = Table(folder, name)
        cases: list[tuple[str, Change | None, int]] = [("none", None, size) for size in SIZES]
        cases += [(f"{said} of {table.strongest}", c, DRIFTED_ROWS) for said, c in CHANGES.items()]
        for said, change, rows in cases:
            # A window much of which is the same rows again is no fair one.
            if change is None and rows > 2 * len(table.rest):
                continue
            share = sum(table.alarms(rows, change, seed) for seed in range(windows)) / windows
            good = share <= FALSE_ALARMS if change is None else share >= HITS
            kept &= good
            promised = f"at most {FALSE_ALARMS:.0%}" if change is None else f"at least {HITS:.0%}"
            print(
                f"| {name} | {said} | {rows:,} | {windows} | {share:.1%} | {promised}"
                f"{'' if good else ': NOT KEPT'} |",
                flush=True,
            )
    return kept


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(not measure(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 500))
