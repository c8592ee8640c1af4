"""What a model does to each group of people: rates by Fairlearn, and the same on resamples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from fairlearn import metrics as fair

from ..core.settings import TaskType
from ..metrics.losses import Floats, metric_value
from ..metrics.resampled_ratios import Ratios, resampled_ratios
from ..metrics.sampling import Sampling

SELECTION = "selection_rate"
TRUE_POSITIVE = "true_positive_rate"
FALSE_POSITIVE = "false_positive_rate"
ACCURACY = "accuracy"
ERROR = "mean_error"
METRIC = "metric"

# What rates among rows of one class are counted on.
COUNTED = {TRUE_POSITIVE: "positives", FALSE_POSITIVE: "negatives"}
# What each limit is about.
MEASURES_OF = {
    "demographic_parity": (SELECTION,),
    "equal_opportunity": (TRUE_POSITIVE,),
    "equalized_odds": (TRUE_POSITIVE, FALSE_POSITIVE),
    "accuracy": (ACCURACY,),
    "mean_error": (ERROR,),
    "metric": (METRIC,),
}


@dataclass(frozen=True)
class Answers:
    """What a model answered to the rows of a holdout, n of them.

    Attributes:
        task_type: Task type.
        truth: True labels as the model's classes are, shape (n,); numbers for a regression.
        decided: Labels that were decided on; predicted numbers for a regression.
        losses: Loss by the metric to decide by, shape (n,).
        metric: Its name.
        positive: Of two classes, the one that selects: the second in sorted order. None otherwise.
    """

    task_type: TaskType
    truth: np.ndarray
    decided: np.ndarray
    losses: Floats
    metric: str
    positive: Any = None

    def take(self, rows: np.ndarray) -> Answers:
        """Return the answers to some of the rows, given as booleans."""
        return replace(
            self, truth=self.truth[rows], decided=self.decided[rows], losses=self.losses[rows]
        )

    def measures(self) -> dict[str, tuple[Floats, Floats]]:
        """Return what each row adds to numerator and denominator of each measure, both of shape (n,)."""
        every = np.ones(len(self.truth))
        found = {METRIC: (self.losses, every)}
        if self.task_type == "regression":
            return {ERROR: ((self.decided - self.truth).astype(float), every), **found}
        found = {ACCURACY: ((self.decided == self.truth).astype(float), every), **found}
        if self.task_type == "multiclass":
            return found
        selected = (self.decided == self.positive).astype(float)
        true = (self.truth == self.positive).astype(float)
        return {
            SELECTION: (selected, every),
            TRUE_POSITIVE: (selected * true, true),
            FALSE_POSITIVE: (selected * (1 - true), 1 - true),
            **found,
        }


def by_group(answers: Answers, groups: np.ndarray, sampling: Sampling) -> pd.DataFrame:
    """Return every measure of every group, by Fairlearn's `MetricFrame`, and how many rows each has.

    Args:
        answers: What the model answered.
        groups: Group of each row, shape (n,).
        sampling: What rows count.

    Returns:
        One row a group, in sorted order: `rows`, `positives` and `negatives` of two classes, and the measures.
    """
    functions: dict[str, Callable[..., Any]] = {
        METRIC: lambda _true, _said, *, losses, sample_weight=None: _metric(
            answers.metric, losses, sample_weight
        )
    }
    truth, decided = answers.truth, answers.decided
    if answers.task_type == "regression":
        functions[ERROR] = fair.mean_prediction
        # The mean of what a prediction is off by.
        decided = decided - truth
    elif answers.task_type == "multiclass":
        functions[ACCURACY] = _accuracy
        truth, decided = truth.astype(str), decided.astype(str)
    else:
        functions |= {
            SELECTION: fair.selection_rate,
            TRUE_POSITIVE: fair.true_positive_rate,
            FALSE_POSITIVE: fair.false_positive_rate,
            ACCURACY: _accuracy,
        }
        truth = (truth == answers.positive).astype(int)
        decided = (decided == answers.positive).astype(int)
    weights = {} if sampling.weights is None else {"sample_weight": sampling.weights}
    params: dict[str, dict[str, Any]] = {name: dict(weights) for name in functions}
    params[METRIC]["losses"] = answers.losses
    frame = fair.MetricFrame(
        metrics=functions,
        y_true=truth,
        y_pred=decided,
        sensitive_features=pd.Series(groups, name="group"),
        sample_params=params,
    )
    found: Any = frame.by_group
    counts: dict[str, Any] = {"rows": pd.Series(groups).value_counts().reindex(found.index)}
    if answers.task_type == "binary":
        positives = pd.Series(truth).groupby(groups).sum().reindex(found.index)
        counts |= {"positives": positives, "negatives": counts["rows"] - positives}
    return pd.concat([pd.DataFrame(counts), found.astype(float)], axis=1)


def on_resamples(
    answers: Answers,
    groups: np.ndarray,
    names: list[str],
    sampling: Sampling,
    *,
    resamples: int,
    seed: int,
) -> dict[str, Ratios]:
    """Return every measure of some groups on resamples of the rows.

    Args:
        answers: What the model answered.
        groups: Group of each row, shape (n,).
        names: The groups, k of them.
        sampling: What rows count, and which belong together.
        resamples: Number of resamples.
        seed: Their seed.

    Returns:
        Measure to ratios, one a group in the order of the names.
    """
    inside = np.column_stack([groups == name for name in names]).astype(float)
    measures = answers.measures()
    above = np.hstack([part[:, None] * inside for part, _ in measures.values()])
    below = np.hstack([part[:, None] * inside for _, part in measures.values()])
    drawn = resampled_ratios(above, below, sampling=sampling, resamples=resamples, seed=seed)
    count = len(names)
    found = {
        measure: drawn.take(np.arange(at * count, (at + 1) * count))
        for at, measure in enumerate(measures)
    }
    if answers.metric == "rmse":
        found[METRIC] = found[METRIC].rooted()
    return found


def _metric(metric: str, losses: Any, weights: Any) -> float:
    counted = None if weights is None else np.asarray(weights, dtype=float)
    return metric_value(metric, np.asarray(losses, dtype=float), counted)


def _accuracy(true: Any, said: Any, sample_weight: Any = None) -> float:
    return float(np.average(np.asarray(true) == np.asarray(said), weights=sample_weight))
