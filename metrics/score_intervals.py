"""Bootstrap intervals of every metric of a report, scores that are no mean of row losses included.

A resample is a count for each row, times what the row weighs, and each metric here is computed from rows with
counts: losses as weighted means, accuracy and F1 from the confusion matrix, the area under the ROC curve from ranks.
Rows of one group are drawn together. Percentile intervals, as in `metrics.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.settings import TaskType
from .bootstrap import Interval
from .losses import Floats, losses_for, row_losses, scores
from .sampling import Sampling

# About three seconds of resampling: of many rows fewer resamples, whose interval is narrow anyway.
_MOST_DRAWS = 20_000_000
_FEWEST_RESAMPLES = 100

Counted = Callable[[Floats], dict[str, float]]


def score_intervals(
    task: TaskType,
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    classes: npt.ArrayLike | None = None,
    *,
    decided: npt.ArrayLike | None = None,
    sampling: Sampling | None = None,
    confidence: float = 0.9,
    resamples: int = 1_000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Return every metric that fits the task with its interval.

    Args:
        task: Task type.
        truth: True labels, shape (n,).
        predicted: Probabilities of shape (n, classes), or values of shape (n,) for regression.
        classes: Class of each probability column.
        decided: Labels that are decided on, shape (n,), for metrics of labels; each one of `classes`. None: the
            most probable classes.
        sampling: What rows count, and which belong together. None: all the same, and each for itself.
        confidence: Level of the intervals, two-sided, between 0 and 1.
        resamples: Bootstrap resamples; of more than 20 million draws fewer, but at least 100.
        seed: Seed of the resamples.

    Returns:
        Metric name to value and bounds: those of `losses.scores`. A metric that is undefined on a resample,
        such as an area under the curve of one class, leaves it out; one row, or one group, says nothing about
        spread, and its bounds are infinite.

    Raises:
        DataRejected: If there are no rows, none counts, or shapes do not match.

    Example:
        >>> found = score_intervals("regression", [1.0, 2.0, 3.0], [1.0, 2.0, 4.0], resamples=200)
        >>> found["mae"].low <= found["mae"].value <= found["mae"].high
        True
    """
    drawn_as = sampling or Sampling()
    weights = drawn_as.weights
    values = scores(task, truth, predicted, classes, decided=decided, weights=weights)
    actual: Any = np.asarray(truth)
    answers = np.asarray(predicted, dtype=float)
    rows, units = len(actual), drawn_as.clusters or len(actual)
    if units < 2:
        return {name: Interval(value, -np.inf, np.inf) for name, value in values.items()}
    counted = _counted(task, actual, answers, classes, decided)
    codes: Any = None
    if drawn_as.groups is not None:
        codes = np.unique(drawn_as.groups, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    times = max(min(resamples, _MOST_DRAWS // rows), min(resamples, _FEWEST_RESAMPLES))
    drawn: dict[str, list[float]] = {name: [] for name in values}
    for _ in range(times):
        counts = np.bincount(rng.integers(0, units, units), minlength=units).astype(float)
        counts = counts if codes is None else counts[codes]
        counts = counts if weights is None else counts * weights
        if not counts.sum() > 0:
            continue
        for name, value in counted(counts).items():
            if name in drawn and np.isfinite(value):
                drawn[name].append(value)
    tail = (1 - confidence) / 2
    return {
        name: Interval(value, *np.quantile(drawn[name], [tail, 1 - tail]).tolist())
        if drawn[name]
        else Interval(value, -np.inf, np.inf)
        for name, value in values.items()
    }


def _counted(
    task: TaskType,
    actual: npt.NDArray[Any],
    answers: Floats,
    classes: npt.ArrayLike | None,
    decided: npt.ArrayLike | None = None,
) -> Counted:
    losses = {name: row_losses(name, actual, answers, classes) for name in losses_for(task)}
    if decided is not None:
        losses["error_rate"] = (np.asarray(decided) != actual).astype(float)
    of_scores = (
        _numbers(actual, answers)
        if task == "regression"
        else _labels(actual, answers, classes, decided)
    )

    def found(counts: Floats) -> dict[str, float]:
        total = counts.sum()
        means = {name: float(counts @ values / total) for name, values in losses.items()}
        if "rmse" in means:
            means["rmse"] = float(np.sqrt(means["rmse"]))
        return {**means, **of_scores(counts)}

    return found


def _numbers(actual: npt.NDArray[Any], answers: Floats) -> Counted:
    truth = actual.astype(float)
    residuals = np.square(truth - answers)

    def found(counts: Floats) -> dict[str, float]:
        center = counts @ truth / counts.sum()
        spread = counts @ np.square(truth - center)
        return {"r2": float(1 - counts @ residuals / spread) if spread > 0 else np.nan}

    return found


def _labels(
    actual: npt.NDArray[Any],
    answers: Floats,
    classes: npt.ArrayLike | None,
    decided: npt.ArrayLike | None,
) -> Counted:
    names: Any = np.asarray(classes)
    known = {name: position for position, name in enumerate(names.tolist())}
    # A label that the model has no class for is a row of the confusion matrix that nothing is right in.
    for label in actual.tolist():
        known.setdefault(label, len(known))
    size = len(known)
    rows = np.array([known[label] for label in actual.tolist()])
    chosen: Any = answers.argmax(axis=1)
    if decided is not None:
        chosen = np.array([known[label] for label in np.asarray(decided).tolist()])
    cells = rows * size + chosen
    areas = [_area(rows == number, answers[:, number]) for number in range(len(names))]
    # Of two classes the second one's area is the first one's.
    areas = areas[1:] if len(names) == 2 else areas

    def found(counts: Floats) -> dict[str, float]:
        matrix = np.bincount(cells, counts, minlength=size * size).reshape(size, size)
        right, true, said = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
        there, either = true > 0, true + said > 0
        return {
            "accuracy": float(right.sum() / counts.sum()),
            "balanced_accuracy": float((right[there] / true[there]).mean()),
            "f1": float((2 * right[either] / (true + said)[either]).mean()),
            "roc_auc": float(np.mean([area(counts) for area in areas])),
        }

    return found


def _area(positive: npt.NDArray[np.bool_], score: Floats) -> Callable[[Floats], float]:
    """Return the area under the ROC curve for given counts: the chance that a positive scores higher, ties half."""
    order = np.argsort(score, kind="stable")
    ranked, is_positive = score[order], positive[order]
    starts = np.flatnonzero(np.r_[True, np.diff(ranked) > 0])

    def area(counts: Floats) -> float:
        weights = counts[order]
        above = np.add.reduceat(np.where(is_positive, weights, 0.0), starts)
        below = np.add.reduceat(np.where(is_positive, 0.0, weights), starts)
        pairs = above.sum() * below.sum()
        lower = np.cumsum(below) - below
        return float((above * (lower + below / 2)).sum() / pairs) if pairs > 0 else np.nan

    return area
