"""Scores an estimator on folds of the training rows, which never touch the holdout.

Rows in time order are only ever predicted from earlier ones: shuffled folds promise what no
production delivers.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from ..core.errors import DataRejected
from ..core.settings import TaskType
from ..data.training_rows import TrainingRows
from ..metrics.losses import Floats, metric_value, row_losses
from .recipes import fit_estimator
from .weighting import fit_parameters

_FEWEST_GROUPS = 20


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes:
        fitted: Positions of the rows to fit on.
        scored: Positions of the rows to score on.
    """

    fitted: np.ndarray
    scored: np.ndarray


@dataclass(frozen=True)
class TrialScore:
    """What a trial achieved.

    Attributes:
        means: Mean of the metric at every step: over the folds so far, or over all folds of a rung.
        pruned: Whether it was stopped before the last step.
        seconds: How long it took.
        error: What went wrong, or None.
        folds: Score of every fold of the last rung; empty when folds are the steps.
    """

    means: list[float]
    pruned: bool
    seconds: float
    error: str | None = None
    folds: list[float] = field(default_factory=list)

    @property
    def fold_scores(self) -> list[float]:
        """Score of every fold."""
        totals = np.array(self.means) * np.arange(1, len(self.means) + 1)
        return self.folds or np.diff(totals, prepend=0.0).tolist()


def tuning_rows(
    data: TrainingRows, method: Literal["time", "hash"], maximum: int | None, seed: int
) -> TrainingRows:
    """Return the rows that trials may use.

    Args:
        data: All training rows.
        method: How the holdout was split off: `time` takes the latest rows, `hash` a sample.
        maximum: Most rows. None: all.
        seed: Seed of the sample.
    """
    count = len(data.rows)
    if maximum is None or count <= maximum:
        return data
    if method == "time":
        return data.take(np.arange(count - maximum, count))
    chosen = np.random.default_rng(seed).choice(count, maximum, replace=False)
    return data.take(np.sort(chosen))


def make_folds(
    data: TrainingRows, method: Literal["time", "hash"], folds: int, seed: int
) -> list[Fold]:
    """Split training rows into folds.

    Args:
        data: Training rows; in time order for `time`.
        method: `time` fits on an expanding past and scores on what follows; `hash` shuffles, keeps
            rows with the same features together, and spreads the classes evenly. Rows of one group stay
            together; in time order, rows whose group or moment is scored are left out of those to fit on.
        folds: Number of folds.
        seed: Seed of the shuffle.

    Returns:
        At most `folds`: those whose rows to fit on have a single class are left out.

    Raises:
        DataRejected: If there are too few rows, or no fold has earlier rows, or two classes, to fit on.
    """
    count = len(data.rows)
    if count < 2 * (folds + 1):
        raise DataRejected(
            f"{count} training rows are too few for {folds} folds: extract more, or set "
            "training.folds to fewer"
        )
    if method == "time":
        found = [Fold(*parts) for parts in TimeSeriesSplit(folds).split(data.rows)]
        found = [without_shared(fold, data) for fold in found]
        found = [fold for fold in found if len(fold.fitted)]
        if not found:
            raise DataRejected(
                f"no fold has earlier rows to fit on: the {count} rows that trials may use are all of one "
                "moment, or of the groups that are scored. Extract rows over a longer time"
            )
    elif data.groups is not None:
        found = _by_group(data, data.groups, folds, seed)
    else:
        found = _shuffled(data, folds, seed)
    if data.classes is not None:
        found = [fold for fold in found if len(np.unique(data.target[fold.fitted])) > 1]
    if not found:
        raise DataRejected(
            f"no fold has two classes to fit on: the {count} rows that trials may use begin with a long "
            "run of one class. Extract more rows, or set training.folds to fewer"
        )
    return found


def without_shared(fold: Fold, data: TrainingRows) -> Fold:
    """Return a fold in time order without the rows to fit on that share group or moment with one that is scored.

    Args:
        fold: The fold.
        data: Its rows; without groups or timestamps, every row stands for itself.
    """
    fitted = fold.fitted
    for shared in (data.groups, data.moments):
        if shared is not None:
            fitted = fitted[~np.isin(shared[fitted], shared[fold.scored])]
    return Fold(fitted, fold.scored)


def _by_group(data: TrainingRows, groups: np.ndarray, folds: int, seed: int) -> list[Fold]:
    codes = np.unique(groups, return_inverse=True)[1]
    if codes.max() + 1 < folds:
        raise DataRejected(
            f"{codes.max() + 1} groups are too few for {folds} folds: bring rows of more groups, or set "
            "training.folds to fewer"
        )
    splitter: Any = GroupKFold(folds, shuffle=True, random_state=seed)
    if data.classes is not None and np.unique(data.target, return_counts=True)[1].max() >= folds:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # As for `_shuffled`.
        warnings.simplefilter("ignore", UserWarning)
        found = [Fold(*parts) for parts in splitter.split(data.rows, data.target, codes)]
    return [fold for fold in found if len(fold.fitted) and len(fold.scored)]


def _shuffled(data: TrainingRows, folds: int, seed: int) -> list[Fold]:
    """Shuffle rows into folds; rows with the same features stay together.

    A recipe that learns duplicates by heart would win otherwise, and the holdout, which is split the
    same way, would not confirm it.
    """
    group, names = pd.factorize(pd.util.hash_pandas_object(data.rows, index=False))
    if len(names) < _FEWEST_GROUPS * folds:
        # So few combinations of features that every one of them will come again.
        group, names = np.arange(len(group)), np.arange(len(group))
    first = np.unique(group, return_index=True)[1]
    labels = data.target[first]
    splitter: Any = KFold(folds, shuffle=True, random_state=seed)
    if data.classes is not None and np.unique(labels, return_counts=True)[1].max() >= folds:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    found = []
    with warnings.catch_warnings():
        # A class with fewer rows than folds is missing in some: `score_fold` can handle that.
        warnings.simplefilter("ignore", UserWarning)
        for _, chosen in splitter.split(first, labels):
            scored = np.isin(group, chosen)
            found.append(Fold(np.flatnonzero(~scored), np.flatnonzero(scored)))
    return found


def fold_losses(
    estimator: Any, data: TrainingRows, fold: Fold, task: TaskType, metric: str
) -> Floats:
    """Fit on one part of a fold and return the losses on the other.

    A class that the fitted part lacks gets probability 0.

    Args:
        estimator: Unfitted; it is fitted.
        data: Training rows.
        fold: Which of them to fit and to score on.
        task: Task type.
        metric: Name of a loss.

    Returns:
        Shape (rows scored on,).
    """
    fitted, scored = data.take(fold.fitted), data.take(fold.scored)
    fit_estimator(estimator, fitted.rows, fitted.target, **fit_parameters(estimator, fitted))
    if task == "regression":
        return row_losses(metric, scored.target, estimator.predict(scored.rows))
    probabilities = np.zeros((len(scored.rows), len(data.classes)))  # pyright: ignore[reportArgumentType]
    known = np.searchsorted(data.classes, estimator.classes_)  # pyright: ignore[reportCallIssue, reportArgumentType]
    probabilities[:, known] = estimator.predict_proba(scored.rows)
    return row_losses(metric, scored.target, probabilities, data.classes)


def score_fold(
    estimator: Any, data: TrainingRows, fold: Fold, task: TaskType, metric: str
) -> float:
    """Return the metric of `fold_losses`, rows counting what they weigh."""
    losses = fold_losses(estimator, data, fold, task, metric)
    return metric_value(metric, losses, data.counted(fold.scored))
