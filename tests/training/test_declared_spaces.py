"""Search spaces that are declared as JSON: what they suggest, and what is refused."""

from __future__ import annotations

import doctest
from decimal import Decimal

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings.search import ParameterSpace
from prefect_mlops.training import declared_spaces
from prefect_mlops.training.declared_spaces import (
    as_space,
    refuse_unknown,
    suggest_declared,
    within,
)


@st.composite
def spaces(draw) -> ParameterSpace:
    kind = draw(st.sampled_from(["float", "int", "categorical"]))
    if kind == "categorical":
        choices = draw(st.lists(st.one_of(st.booleans(), st.integers(), st.text()), min_size=1))
        return ParameterSpace(type=kind, choices=choices)
    low, high = sorted(draw(st.tuples(st.integers(1, 1000), st.integers(1, 1000))))
    log = draw(st.booleans())
    step = None if log else draw(st.sampled_from([None, 1, 2, 7]))
    return ParameterSpace(type=kind, low=low, high=high, log=log, step=step)


def test_the_examples_of_its_documentation_run():
    assert doctest.testmod(declared_spaces).failed == 0


@given(spaces(), st.integers(0, 100))
def test_what_is_suggested_lies_in_the_space_and_stays_when_moved_into_it(space, seed):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed)).ask()
    value = suggest_declared(trial, {"a": space})["a"]
    if space.type == "categorical":
        assert value in space.choices
    else:
        assert space.low <= value <= space.high
        assert within(space, value) == pytest.approx(value)


@given(spaces(), st.one_of(st.floats(-1e9, 1e9), st.text(), st.none()))
def test_any_value_is_moved_to_one_that_the_space_contains(space, value):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study().ask({})
    suggest_declared(trial, {"a": space})
    distribution = trial.distributions["a"]
    moved = within(space, value)
    assert distribution._contains(distribution.to_internal_repr(moved))


@pytest.mark.parametrize(
    ("choices", "value", "nearest"),
    [
        ([0.001, 1, 10], 1.0, 1),
        ([0.001, 2, 10], 1.0, 0.001),
        ([0.001, 3, 10], 2, 3),
        ([False, True, 1.0], 1, 1.0),
        ([1, 0, True], True, True),
        (["none", True, 5], 1.0, 5),
        (["sqrt", 0.3], "sqrt", "sqrt"),
        ([0.3, None], None, None),
        (["log2", 0.3], "sqrt", "log2"),
        (["log2", 0.3], None, "log2"),
        ([4, 8], "sqrt", 4),
        ([4, True], False, 4),
    ],
)
def test_a_value_is_moved_to_the_equal_or_nearest_choice(choices, value, nearest):
    moved = within(ParameterSpace(type="categorical", choices=choices), value)
    assert (moved, type(moved)) == (nearest, type(nearest))


@given(st.integers(0, 40), st.sampled_from([0.1, 0.3, 0.05, 0.7, 1e-3]), st.floats(-1, 9))
def test_a_value_is_moved_to_exactly_what_a_grid_enumerates(tenths, step, value):
    space = ParameterSpace(type="float", low=tenths / 10, high=tenths / 10 + 3.0, step=step)
    study = optuna.create_study(sampler=optuna.samplers.BruteForceSampler(seed=0))
    study.enqueue_trial({"a": within(space, value)})
    drawn = []
    for _ in range(5):
        trial = study.ask()
        drawn.append(suggest_declared(trial, {"a": space})["a"])
        study._storage.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [0.0])
    points, here, end = [], Decimal(str(space.low)), Decimal(str(space.high))
    while here <= end:
        points.append(float(here))
        here += Decimal(str(step))
    moved = within(space, value)
    assert moved in points
    assert abs(moved - value) == pytest.approx(min(abs(p - value) for p in points))
    assert len(set(np.round(drawn, 9))) == 5


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"type": "float", "low": 1, "hihg": 2}, r"unknown key 'hihg': did you mean 'high'\?"),
        ({"type": "float", "low": 1}, "needs low and high"),
        ({"type": "float", "low": 2, "high": 1}, "low 2 is above high 1"),
        ({"type": "float", "low": 0, "high": 1, "log": True}, "low must be above 0"),
        ({"type": "float", "low": 1, "high": 2, "log": True, "step": 1}, "log or step, not both"),
        ({"type": "float", "low": float("nan"), "high": 1}, "low Input should be a finite number"),
        ({"type": "int", "low": 1.5, "high": 2}, "low of an int must be a whole number"),
        ({"type": "int", "low": 1, "high": 2, "choices": [1]}, "has low and high, no choices"),
        ({"type": "categorical"}, "needs choices"),
        ({"type": "categorical", "choices": [1], "low": 1}, "has choices only"),
        ({"type": "real", "low": 1, "high": 2}, "'float', 'int' or 'categorical'"),
        (7, "ParameterSpace"),
    ],
)
def test_a_space_that_is_none_is_refused_by_its_parameter(space, said):
    with pytest.raises(ConfigurationError, match=f"search space of 'depth': .*{said}"):
        as_space("depth", space)


def test_an_unknown_name_is_refused_with_the_nearest_known_one():
    with pytest.raises(ConfigurationError, match=r"no parameter 'dept': did you mean 'depth'\?"):
        refuse_unknown(["dept"], ["depth", "alpha"], "estimator 'tree'")
    with pytest.raises(ConfigurationError, match=r"no parameter 'zzz': It has \['alpha'\]"):
        refuse_unknown(["zzz"], ["alpha"], "estimator 'tree'")
    refuse_unknown(["alpha"], ["alpha"], "estimator 'tree'")
