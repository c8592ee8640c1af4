"""Spaces that narrow, widen or fix what a recipe asks for, and functions that choose."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import optuna
import pytest
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import ParameterSpace
from prefect_mlops.training.declared_recipes import choose

GIVEN = {"task": "binary", "feature_types": {"a": "number"}, "seed": 0}


def chosen(estimator, spaces, seed=0):
    sampler = optuna.samplers.RandomSampler(seed)
    return choose(optuna.create_study(sampler=sampler).ask(), estimator, spaces, **GIVEN)


def test_a_space_narrows_widens_and_fixes_and_leaves_the_others():
    spaces = {
        "hist_gradient_boosting": {
            "learning_rate": ParameterSpace(type="float", low=0.5, high=0.6),
            "max_iter": ParameterSpace(type="categorical", choices=[7]),
            "max_leaf_nodes": ParameterSpace(type="int", low=100, high=200),
        }
    }
    for seed in range(5):
        found = chosen("hist_gradient_boosting", spaces, seed)
        assert 0.5 <= found["learning_rate"] <= 0.6
        assert found["max_iter"] == 7
        assert 100 <= found["max_leaf_nodes"] <= 200
        assert 5 <= found["min_samples_leaf"] <= 200


@pytest.fixture
def space(monkeypatch):
    """A function of the user's that chooses; `space` may be replaced."""
    module = types.ModuleType("my_spaces")
    module.space = lambda trial: {"max_leaf_nodes": 2 ** trial.suggest_int("depth", 2, 4)}
    monkeypatch.setitem(sys.modules, "my_spaces", module)
    return module


def test_a_function_chooses_parameters_by_others_of_its_own(space):
    found = chosen("hist_gradient_boosting", {"hist_gradient_boosting": "my_spaces:space"})
    assert found["max_leaf_nodes"] in (4, 8, 16)
    assert "depth" not in found
    assert len(found) == 5


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([], "returned a list: expected parameters by name"),
        ({"max_iter": 2.5}, "the float 2.5: the estimator wants an int"),
        ({"max_itr": 2}, r"no parameter 'max_itr': did you mean 'max_iter'\?"),
    ],
)
def test_what_a_function_must_not_return_is_refused(space, answer, said):
    space.space = lambda trial: answer
    with pytest.raises(ConfigurationError, match=said):
        chosen("hist_gradient_boosting", {"hist_gradient_boosting": "my_spaces:space"})


def test_what_a_function_raises_is_told(space):
    def fail(trial):
        raise KeyError("depth")

    space.space = fail
    with pytest.raises(ConfigurationError, match="'my_spaces:space' failed: KeyError: 'depth'"):
        chosen("linear", {"linear": "my_spaces:space"})


def test_the_function_of_the_documentation_chooses(space):
    text = (Path(__file__).parents[2] / "docs/searching.md").read_text(encoding="utf-8")
    code = text.split('title="my_spaces.py"\n')[1].split("```")[0]
    exec(code, space.__dict__)
    spaces = {"hist_gradient_boosting": "my_spaces:balanced"}
    for seed in range(5):
        found = chosen("hist_gradient_boosting", spaces, seed)
        assert found["max_leaf_nodes"] in (4, 8, 16, 32, 64)
        assert found["learning_rate"] < 0.21
