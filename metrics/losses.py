"""Per-row losses that can be resampled, and metrics for reports.

A promotion needs uncertainty, and a paired bootstrap needs a value a row: so every **loss** here is a
function of the mean of per-row values (`rmse` is the square root of it). Lower is better.

| loss | per row | task |
| --- | --- | --- |
| `log_loss` | negative log of the true class' probability (clipped at machine epsilon) | classes |
| `brier` | squared distance of the probabilities from the truth, summed over classes | classes |
| `error_rate` | 1 when the predicted class is wrong | classes |
| `rmse` | squared error, root of the mean | numbers |
| `mae` | absolute error | numbers |
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as skm

from ..core.errors import ConfigurationError, DataRejected
from ..core.settings import TaskType

Floats = npt.NDArray[np.float64]

_CLASS_LOSSES = ("log_loss", "brier", "error_rate")
_NUMBER_LOSSES = ("rmse", "mae")


def losses_for(task: TaskType) -> tuple[str, ...]:
    """Return the names of the losses that fit a task type."""
    return _NUMBER_LOSSES if task == "regression" else _CLASS_LOSSES


def row_losses(
    metric: str,
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    classes: npt.ArrayLike | None = None,
) -> Floats:
    """Return the loss of every row.

    Args:
        metric: Name of a loss.
        truth: True labels, shape (n,).
        predicted: Probabilities of shape (n, classes) for class losses; values of shape (n,) for
            `rmse` and `mae`.
        classes: Class of each probability column, for class losses.

    Returns:
        Shape (n,); `metric_value` turns any (re)sample of it into the metric.

    Raises:
        ConfigurationError: If the metric is unknown.
        DataRejected: If shapes do not match, or labels are text and classes are not, or the other way
            round. A label that the model has no class for costs as much as being surely wrong.

    Example:
        >>> losses = row_losses("error_rate", ["a", "b"], [[0.9, 0.1], [0.8, 0.2]], ["a", "b"])
        >>> metric_value("error_rate", losses)
        0.5
    """
    actual = np.asarray(truth)
    values = np.asarray(predicted, dtype=float)
    if len(actual) != len(values):
        raise DataRejected(f"{len(actual)} labels for {len(values)} predictions")
    if metric in _NUMBER_LOSSES:
        if actual.shape != values.shape:
            raise DataRejected(
                f"labels of shape {actual.shape}, predictions of shape {values.shape}"
            )
        difference = values - actual.astype(float)
        return np.square(difference) if metric == "rmse" else np.abs(difference)
    if metric not in _CLASS_LOSSES:
        raise ConfigurationError(
            f"unknown metric {metric!r}: choose one of {sorted(_CLASS_LOSSES + _NUMBER_LOSSES)}"
        )
    names = np.asarray(classes)
    if values.shape != (len(actual), len(names)):
        found = values.shape[1] if values.ndim == 2 else 1
        raise DataRejected(f"{found} probabilities a row for {len(names)} classes")
    if len(actual) and _is_text(actual) != _is_text(names):
        # Compared anyway, every row would count as wrong.
        raise DataRejected(
            f"labels such as {actual[0]!r} are of another type than the model's classes, such as "
            f"{names[0]!r}: bring labels as they were trained on"
        )
    onehot = actual[:, None] == names[None, :]
    if metric == "error_rate":
        missed = (names[values.argmax(axis=1)] != actual).astype(float)
        return np.where(np.isnan(values).any(axis=1), np.nan, missed)
    if metric == "brier":
        # A class unknown to the model counts as a full miss of it: + 1.
        return np.square(values - onehot).sum(axis=1) + (~onehot.any(axis=1)).astype(float)
    chosen = np.where(onehot, values, 0.0).sum(axis=1)
    return -np.log(np.clip(chosen, np.finfo(float).eps, 1.0))


def _is_text(labels: npt.NDArray[Any]) -> bool:
    return isinstance(labels[0], str)


def metric_value(metric: str, losses: Floats, weights: Floats | None = None) -> float:
    """Return the metric of per-row losses from `row_losses`.

    Args:
        metric: Name of a loss.
        losses: Shape (n,).
        weights: What each row counts, shape (n,). None: all the same.

    Raises:
        DataRejected: If there are no rows, or none counts: the mean of nothing would pass as a number.
    """
    if len(losses) == 0:
        raise DataRejected(f"no rows to take {metric} of")
    if weights is not None and not weights.sum() > 0:
        raise DataRejected(
            f"{metric}: the weights of all {len(losses)} rows are 0, so nothing counts"
        )
    mean = float(np.mean(losses) if weights is None else np.average(losses, weights=weights))
    return float(np.sqrt(mean)) if metric == "rmse" else mean


def scores(
    task: TaskType,
    truth: npt.ArrayLike,
    predicted: npt.ArrayLike,
    classes: npt.ArrayLike | None = None,
    *,
    decided: npt.ArrayLike | None = None,
    weights: Floats | None = None,
) -> dict[str, float]:
    """Return every metric that fits the task, losses and scores, for reports and floors.

    Args:
        task: Task type.
        truth: True labels, shape (n,).
        predicted: As for `row_losses`.
        classes: As for `row_losses`.
        decided: Labels that are decided on, shape (n,), for metrics of labels. None: the most probable
            classes.
        weights: What each row counts, shape (n,). None: all the same.

    Returns:
        Metric name to value. Metrics that are undefined on these rows (an AUC of one class) are
        left out.
    """
    actual: Any = np.asarray(truth)
    values: Any = np.asarray(predicted, dtype=float)
    found = {
        name: metric_value(name, row_losses(name, actual, values, classes), weights)
        for name in losses_for(task)
    }
    if task == "regression":
        if len(actual) > 1:
            found["r2"] = float(skm.r2_score(actual, values, sample_weight=weights))
        return found
    names: Any = np.asarray(classes)
    labels: Any = names[values.argmax(axis=1)] if decided is None else np.asarray(decided)
    if decided is not None:
        found["error_rate"] = float(np.average(labels != actual, weights=weights))
    found["accuracy"] = float(skm.accuracy_score(actual, labels, sample_weight=weights))
    found["balanced_accuracy"] = float(
        skm.balanced_accuracy_score(actual, labels, sample_weight=weights)
    )
    found["f1"] = float(skm.f1_score(actual, labels, average="macro", sample_weight=weights))
    if set(actual.tolist()) == set(names.tolist()):
        found["roc_auc"] = float(
            skm.roc_auc_score(actual == names[1], values[:, 1], sample_weight=weights)
            if len(names) == 2
            else skm.roc_auc_score(
                actual, values, multi_class="ovr", labels=names, sample_weight=weights
            )
        )
    return found


HIGHER_IS_BETTER = frozenset({"accuracy", "balanced_accuracy", "f1", "roc_auc", "r2"})
