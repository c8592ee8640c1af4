"""Which trial wins, and when searching on no longer pays: both by the one-standard-error rule.

The best of many trials is best partly by luck, and luck does not carry over to later rows (Breiman,
Friedman, Olshen and Stone, Classification and Regression Trees, 1984, section 3.4.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from .trial_records import FOLDS


def best_trial(complete: Sequence[FrozenTrial], defaults: int) -> FrozenTrial:
    """Return the best trial if it is clearly better than the best default, else that one.

    Clearly better: by more than one standard error of the difference over the folds.

    Args:
        complete: Trials that were scored on every fold, at least one.
        defaults: How many of a study's first trials are scikit-learn's defaults.
    """
    best = min(complete, key=_place)
    plain = [trial for trial in complete if trial.number < defaults]
    if plain and not _clearly_better(best, other := min(plain, key=_place)):
        return other
    return best


def stagnant(seen: Sequence[FrozenTrial], patience: int) -> bool:
    """Return whether no trial of the latest ones was clearly better than the best before.

    Optuna's terminators ask the same of a regret bound, which needs torch, or count trials without any
    improvement, however small.

    Args:
        seen: Finished trials, in order.
        patience: How many trials without such an improvement are enough.
    """
    complete = [trial for trial in seen if trial.state == TrialState.COMPLETE]
    if not complete:
        return False
    incumbent = complete[0]
    for trial in complete[1:]:
        if _clearly_better(trial, incumbent):
            incumbent = trial
    return seen[-1].number - incumbent.number >= patience


def _place(trial: FrozenTrial) -> tuple[float, int]:
    return (trial.value if trial.value is not None else np.inf, trial.number)


def _clearly_better(trial: FrozenTrial, other: FrozenTrial) -> bool:
    found = [np.array(one.user_attrs[FOLDS]) for one in (trial, other)]
    folds = min(map(len, found))
    gains = found[1][:folds] - found[0][:folds]
    error = gains.std(ddof=1) / np.sqrt(folds) if folds > 1 else 0.0
    return bool(gains.mean() > error)
