"""What a study keeps of a trial, in its database and in the sampler's view of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from .cross_validation import TrialScore

ESTIMATOR = "estimator"
PARAMETERS = "parameters"
FOLDS = "folds"
SECONDS = "seconds"
ERROR = "error"

# An estimator and some of its parameters.
Start = tuple[str, dict[str, Any]]


def record(storage: BaseStorage, trial: FrozenTrial, score: TrialScore) -> None:
    """Write how a trial ended.

    Args:
        storage: The study's.
        trial: The trial; it is changed likewise.
        score: What it achieved.
    """
    attributes: dict[str, Any] = {SECONDS: score.seconds, FOLDS: score.fold_scores}
    if score.error is not None:
        attributes[ERROR] = score.error
    if score.pruned:
        # A trial that was killed before its first step has no value, which samplers take for the worst.
        state, values = TrialState.PRUNED, score.means[-1:] or None
    elif score.error is not None:
        state, values = TrialState.FAIL, None
    else:
        state, values = TrialState.COMPLETE, score.means[-1:]
    identifier = trial._trial_id
    for key, value in attributes.items():
        storage.set_trial_user_attr(identifier, key, value)
    for step, mean in enumerate(score.means):
        storage.set_trial_intermediate_value(identifier, step, mean)
    storage.set_trial_state_values(identifier, state, values)
    trial.user_attrs = {**trial.user_attrs, **attributes}
    trial.intermediate_values = dict(enumerate(score.means))
    trial.state, trial.values, trial.datetime_complete = state, values, datetime.now()


def score_of(trial: FrozenTrial) -> TrialScore:
    """Return what a finished trial achieved."""
    return TrialScore(
        means=[trial.intermediate_values[step] for step in sorted(trial.intermediate_values)],
        pruned=trial.state == TrialState.PRUNED,
        seconds=float(trial.user_attrs.get(SECONDS, 0.0)),
        error=trial.user_attrs.get(ERROR),
        folds=list(trial.user_attrs.get(FOLDS, [])),
    )


def tell_view(view: optuna.Study, trial: FrozenTrial) -> None:
    """Tell a sampler's view of a study how a trial ended.

    Args:
        view: Study in memory with the same trials, where this one is running.
        trial: The finished trial.
    """
    storage = view._storage
    identifier = storage.get_trial_id_from_study_id_trial_number(view._study_id, trial.number)
    for step, mean in trial.intermediate_values.items():
        storage.set_trial_intermediate_value(identifier, step, mean)
    # Not by `tell`: a sampler that has tried everything would stop an optimisation that there is none of.
    storage.set_trial_state_values(identifier, trial.state, trial.values)
