"""Which trials stop early: means above which one stops, taken when it begins.

They are taken at the beginning instead of while the trial runs, so that it can run on a worker that
does not reach the study. Steps are folds with `median`, and numbers of training rows, the rungs, with
`halving` and `hyperband`.

Successive halving is the asynchronous one of Optuna's `SuccessiveHalvingPruner` (Li et al., A System for
Massively Parallel Hyperparameter Tuning, MLSys 2020) over the rungs of scikit-learn's
`HalvingRandomSearchCV`: a trial is judged by those before it, so that any sampler may learn from
them, a study can stop and go on after any trial, and no worker waits for a rung to fill.
"""

from __future__ import annotations

import binascii
import math
from collections.abc import Sequence

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from ..core.settings import SearchSettings

# A median of fewer says little.
_TRIALS_BEFORE_PRUNING = 5


def rungs(search: SearchSettings, rows: int) -> list[int]:
    """Return the training rows that trials are compared on, the last time on all.

    Args:
        search: Pruner, factor and fewest rows.
        rows: Rows that trials may use.

    Returns:
        Numbers of rows, growing by the factor; empty when folds are the steps.

    Example:
        >>> rungs(SearchSettings(pruner="halving"), 9_500)
        [1055, 3165, 9500]
    """
    if search.pruner not in ("halving", "hyperband"):
        return []
    factor, steps = search.reduction_factor, 0
    while rows // factor ** (steps + 1) >= search.minimum_rows:
        steps += 1
    first = rows // factor**steps
    return [*(first * factor**step for step in range(steps)), rows]


def cutoffs(
    search: SearchSettings, seen: Sequence[FrozenTrial], number: int, steps: int, seed: int
) -> list[float]:
    """Return, for every step but the last, the mean above which a trial stops.

    Args:
        search: Pruner and factor.
        seen: Finished trials that count.
        number: Number of the trial that begins.
        steps: Steps of a trial.
        seed: Seed of the study, for the brackets of `hyperband`.

    Returns:
        One value a step; infinite where nothing stops. Empty: nothing ever stops.
    """
    if search.pruner == "median":
        return _medians(seen)
    if search.pruner == "none":
        return []
    bracket = 0
    if search.pruner == "hyperband":
        bracket = bracket_of(number, steps, search.reduction_factor, seed)
        seen = [
            trial
            for trial in seen
            if bracket_of(trial.number, steps, search.reduction_factor, seed) == bracket
        ]
    return [
        math.inf if step < bracket else _last_promoted(seen, step, search.reduction_factor)
        for step in range(steps - 1)
    ]


def bracket_of(number: int, brackets: int, factor: int, seed: int) -> int:
    """Return the bracket of a trial: the first rung at which it may stop.

    Optuna's `HyperbandPruner` for a study named by the seed (Li et al., Hyperband, JMLR 18, 2018).

    Args:
        number: Number of the trial.
        brackets: Number of brackets.
        factor: Reduction factor.
        seed: Seed of the study.
    """
    budgets = [
        math.ceil(brackets * factor ** (brackets - 1 - bracket) / (brackets - bracket))
        for bracket in range(brackets)
    ]
    place = binascii.crc32(f"{seed}_{number}".encode()) % sum(budgets)
    return int(np.searchsorted(np.cumsum(budgets), place, side="right"))


def _medians(seen: Sequence[FrozenTrial]) -> list[float]:
    """Return the medians of Optuna's `MedianPruner`.

    It compares a trial's best step so far with them; a mean over the folds so far has no best one.
    """
    complete = [trial for trial in seen if trial.state == TrialState.COMPLETE]
    if len(complete) < _TRIALS_BEFORE_PRUNING:
        return []
    steps = min(len(trial.intermediate_values) for trial in complete)
    return [
        float(np.median([trial.intermediate_values[step] for trial in complete]))
        for step in range(steps)
    ]


def _last_promoted(seen: Sequence[FrozenTrial], step: int, factor: int) -> float:
    others = sorted(
        trial.intermediate_values[step] for trial in seen if step in trial.intermediate_values
    )
    place = max((len(others) + 1) // factor - 1, 0)
    return others[place] if place < len(others) else math.inf
