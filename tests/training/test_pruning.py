"""Cutoffs taken when a trial begins stop what Optuna's own pruners stop while it runs."""

from __future__ import annotations

import math
import warnings

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState
from prefect_mlops.core.settings import SearchSettings
from prefect_mlops.training.pruning import bracket_of, cutoffs, rungs
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import Ridge
from sklearn.model_selection import HalvingRandomSearchCV

optuna.logging.set_verbosity(optuna.logging.ERROR)
STEPS, FACTOR = 3, 3
means = st.lists(
    st.lists(st.floats(0, 1, allow_nan=False), min_size=STEPS, max_size=STEPS, unique=True),
    min_size=1,
    max_size=40,
)


def stopped_by_optuna(trials, pruner, name="0") -> list[int]:
    """Return after how many steps each trial ends under a pruner of Optuna's."""
    study = optuna.create_study(study_name=name, pruner=pruner)
    found = []
    for values in trials:
        trial = study.ask()
        for step, value in enumerate(values):
            trial.report(value, FACTOR**step)
            if step < STEPS - 1 and trial.should_prune():
                study.tell(trial, state=TrialState.PRUNED)
                break
        else:
            study.tell(trial, values[-1])
        found.append(step + 1)
    return found


def stopped_by_cutoffs(trials, search) -> list[int]:
    found, seen = [], []
    for number, values in enumerate(trials):
        limits = cutoffs(search, seen, number, STEPS, 0)
        ends = [n for n, limit in enumerate(limits[: STEPS - 1]) if values[n] > limit]
        end = (ends or [STEPS - 1])[0] + 1
        state = TrialState.PRUNED if ends else TrialState.COMPLETE
        trial = optuna.trial.create_trial(
            state=state, value=values[end - 1], intermediate_values=dict(enumerate(values[:end]))
        )
        trial.number = number
        seen.append(trial)
        found.append(end)
    return found


@given(means)
def test_halving_stops_the_trials_that_optunas_pruner_stops(trials):
    search = SearchSettings(pruner="halving", reduction_factor=FACTOR)
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=FACTOR)
    assert stopped_by_cutoffs(trials, search) == stopped_by_optuna(trials, pruner)


def test_the_median_of_five_finished_trials_stops_what_is_worse():
    trials = [[float(n), 10.0 - n, float(n)] for n in range(5)]
    search = SearchSettings(pruner="median")
    assert stopped_by_cutoffs(trials, search) == [3] * 5
    assert stopped_by_cutoffs([*trials, [2.1, 0.0, 0.0]], search)[-1] == 1
    assert stopped_by_cutoffs([*trials, [2.0, 8.1, 0.0]], search)[-1] == 2
    assert stopped_by_cutoffs([*trials, [2.0, 8.0, 9.0]], search)[-1] == 3


@pytest.mark.parametrize("seed", [0, 7])
def test_hyperband_puts_trials_into_the_brackets_of_optunas_pruner(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pruner = optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=9, reduction_factor=FACTOR
        )
    study = optuna.create_study(study_name=str(seed), pruner=pruner)
    trial = study.ask()
    trial.report(1.0, 1)
    trial.should_prune()
    for number in range(200):
        frozen = optuna.trial.create_trial(value=0.0)
        frozen.number = number
        assert bracket_of(number, 3, FACTOR, seed) == pruner._get_bracket_id(study, frozen)


def test_hyperband_stops_nobody_before_the_first_rung_of_its_bracket():
    search = SearchSettings(pruner="hyperband", reduction_factor=FACTOR)
    for number in range(30):
        bracket = bracket_of(number, STEPS, FACTOR, 0)
        limits = cutoffs(search, [], number, STEPS, 0)
        assert all(math.isinf(limit) for limit in limits)
        other = optuna.trial.create_trial(value=0.1, intermediate_values={0: 0.1, 1: 0.1})
        other.number = number
        limits = cutoffs(search, [other], number, STEPS, 0)
        assert [math.isinf(limit) for limit in limits] == [
            step < bracket for step in range(STEPS - 1)
        ]


@pytest.mark.parametrize(
    ("rows", "minimum", "factor"), [(900, 100, 3), (800, 100, 2), (640, 50, 4)]
)
def test_rungs_are_those_of_scikit_learns_halving_search(rows, minimum, factor):
    found = rungs(
        SearchSettings(pruner="halving", reduction_factor=factor, minimum_rows=minimum), rows
    )
    search = HalvingRandomSearchCV(
        Ridge(),
        {"alpha": list(np.geomspace(0.1, 10, 200))},
        factor=factor,
        min_resources="exhaust",
        n_candidates=factor ** (len(found) - 1),
        cv=2,
        random_state=0,
    )
    x = np.random.default_rng(0).normal(size=(rows, 2))
    search.fit(x, x[:, 0])
    assert found == search.n_resources_


def test_folds_are_the_steps_where_nothing_is_halved():
    assert rungs(SearchSettings(), 10_000) == []
    assert rungs(SearchSettings(pruner="halving"), 1_500) == [1_500]
    assert cutoffs(SearchSettings(pruner="none"), [], 3, 3, 0) == []
