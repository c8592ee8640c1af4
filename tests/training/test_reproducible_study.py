"""The same seed gives the same study, whatever finishes first, is killed, or runs beside it."""

from __future__ import annotations

import random
import sys
import types

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError
from prefect_mlops.core.settings import SearchSettings, TrainingSettings
from prefect_mlops.training.cross_validation import TrialScore
from prefect_mlops.training.study import PersistentStudy

SAMPLERS = ["tpe", "random", "cmaes", "nsga2"]
C = {"type": "float", "low": 0.5, "high": 2.0, "log": True}
CHOICES = {"type": "categorical", "choices": [1.0, 2.0, 3.0]}


def make(
    url=None, estimators=("hist_gradient_boosting",), trials=24, starts=list, seed=0, **search
):
    return PersistentStudy(
        url,
        "study",
        settings=TrainingSettings(
            estimators=list(estimators),
            trials=trials,
            seed=seed,
            search=SearchSettings(**search),
        ),
        task="binary",
        feature_types={"a": "number"},
        starts=starts,
    )


def score_of(parameters) -> TrialScore:
    value = abs(parameters.get("learning_rate", 0.1) - 0.07)
    value += abs(parameters.get("max_leaf_nodes", 31) - 20) / 100
    value += abs(parameters.get("C", 1.0) - 3.0) / 10
    return TrialScore([value + 0.02, value - 0.01, value], pruned=False, seconds=0.1)


def run(study, order=None, at_once=1, stop_after=None):
    """Run trials, many at once, which end in an order of this generator's; perhaps only so many."""
    running, ended, most = [], 0, 0
    while stop_after is None or ended < stop_after:
        while len(running) < at_once and study.ready and not study.ended:
            begun = study.ask()
            if begun is None:
                break
            running.append(begun)
        most = max(most, len(running))
        if not running:
            break
        trial, _, parameters = running.pop(order.randrange(len(running)) if order else 0)
        study.cutoffs(trial.number)
        study.tell(trial, score_of(parameters))
        ended += 1
    assert most == at_once
    return study


def told(study):
    return [
        (t.number, t.params, t.user_attrs["parameters"], t.state, t.values) for t in study.begun
    ]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_another_order_and_a_kill_change_nothing(sampler, tmp_path):
    alone = run(make(sampler=sampler))
    assert len({str(t.params) for t in alone.begun}) > 15
    for seed, at_once in ((1, 4), (2, 2)):
        url = f"sqlite:///{tmp_path}/{seed}.db"
        run(make(url, sampler=sampler), random.Random(seed), at_once, stop_after=9 + seed)
        resumed = run(make(url, sampler=sampler), random.Random(seed), at_once)
        assert told(resumed) == told(alone)
        assert resumed.best() == alone.best()
        assert told(make(url, sampler=sampler)) == told(alone)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 4), st.sampled_from(SAMPLERS))
def test_any_order_gives_the_same_trials(order, at_once, sampler):
    assert told(run(make(sampler=sampler, trials=12), order, at_once)) == told(
        run(make(sampler=sampler, trials=12))
    )


def test_the_sampler_learns_from_what_it_is_told():
    others = PersistentStudy(
        None,
        "study",
        settings=TrainingSettings(estimators=["hist_gradient_boosting"], trials=24),
        task="binary",
        feature_types={"a": "number"},
    )
    while not others.ended:
        trial, _, _ = others.ask()
        others.tell(trial, TrialScore([0.5, 0.5, float(trial.number)], False, 0.1))
    mine = run(make())
    first, last = ([t.params for t in s.begun] for s in (mine, others))
    # Fewer than so many are random, and the next four were chosen before they ended.
    assert first[:6] == last[:6]
    assert first[-5:] != last[-5:]


def test_a_study_ends_when_no_trial_is_clearly_better_and_alike_in_parallel():
    whole = run(make(trials=60, patience=6))
    assert 8 < len(whole.begun) < 60
    assert told(run(make(trials=60, patience=6), random.Random(0), 4)) == told(whole)


def test_a_grid_is_tried_once_each_and_then_the_study_ends():
    spaces = {"linear": {"C": CHOICES}}
    study = run(make(estimators=["linear"], sampler="grid", spaces=spaces))
    assert sorted(t.user_attrs["parameters"]["C"] for t in study.begun) == [1.0, 2.0, 3.0]
    assert study.ended


def test_a_grid_does_not_repeat_the_default_that_it_began_with():
    for low, step, points in ((0.3, 0.3, 4), (0.7, 0.1, 7), (0.1, 0.05, 25)):
        space = {"type": "float", "low": low, "high": 1.3, "step": step}
        study = run(make(estimators=["linear"], sampler="grid", spaces={"linear": {"C": space}}))
        values = [t.user_attrs["parameters"]["C"] for t in study.begun]
        assert len({round(value, 9) for value in values}) == len(values) == min(points, 24)


def test_a_choice_that_equals_the_default_is_tried_first():
    choices = {"type": "categorical", "choices": [0.001, 1, 10]}
    study = run(make(estimators=["linear"], trials=1, spaces={"linear": {"C": choices}}))
    assert study.begun[0].params["linear.C"] == 1


@pytest.mark.parametrize("seed", range(6))
def test_the_defaults_lie_in_a_space_in_which_one_parameter_depends_on_another(seed, monkeypatch):
    def balanced(trial):
        depth = trial.suggest_int("depth", 2, 6)
        rate = trial.suggest_float("learning_rate", 0.02, 0.4 / depth, log=True)
        return {"max_leaf_nodes": 2**depth, "learning_rate": rate}

    module = types.ModuleType("my_spaces")
    module.balanced = balanced  # pyright: ignore[reportAttributeAccessIssue]
    monkeypatch.setitem(sys.modules, "my_spaces", module)
    spaces = {"hist_gradient_boosting": "my_spaces:balanced"}
    starts = [("hist_gradient_boosting", {"learning_rate": 0.19})]
    study = run(make(trials=3, seed=seed, spaces=spaces, starts=lambda: starts))
    for trial in study.begun:
        for name, value in trial.params.items():
            found = trial.distributions[name]
            assert found._contains(found.to_internal_repr(value)), (trial.number, name)
    assert study.begun[0].params["hist_gradient_boosting.learning_rate"] == 0.1


def test_what_a_start_does_not_say_is_the_default():
    starts = [("hist_gradient_boosting", {"learning_rate": 0.19})]
    study = run(make(trials=2, starts=lambda: starts))
    first, second = (t.user_attrs["parameters"] for t in study.begun)
    assert second == {**first, "learning_rate": 0.19}


def test_what_is_started_with_follows_the_defaults_moved_into_the_space(tmp_path):
    url = f"sqlite:///{tmp_path}/study.db"
    given = {"estimators": ["linear"], "trials": 4, "spaces": {"linear": {"C": C}}}
    starts = [("linear", {"C": 99.0, "gone": 3}), ("linear", {"C": 1.0})]
    study = run(make(url, starts=lambda: starts, **given), stop_after=1)
    assert study.begun[0].params["linear.C"] == 1.0
    again = run(make(url, starts=lambda: [("linear", {"C": 0.7})], **given))
    # What is not new after all is left out, and what a study began with stays.
    assert again.begun[1].params["linear.C"] == 2.0
    assert again.begun[2].params["linear.C"] not in (1.0, 0.7)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sampler": "grid"}, "cannot enumerate 'learning_rate' of 'hist_gradient_boosting'"),
        ({"sampler": "gp"}, "needs torch, which is not installed: pip install torch"),
        (
            {"sampler": "cmaes", "estimators": ["linear", "random_forest"]},
            "searches the parameters of one estimator",
        ),
        (
            {"spaces": {"hist_gradient_boosting": {"learn_rate": C}}},
            r"no parameter 'learn_rate': did you mean 'learning_rate'\?",
        ),
        ({"spaces": {"hist_gradient_bosting": {}}}, "did you mean 'hist_gradient_boosting'"),
        (
            {"spaces": {"hist_gradient_boosting": {"max_iter": C}}},
            "'max_iter' of 'hist_gradient_boosting' the float 0.5: the estimator wants an int",
        ),
        (
            {"spaces": {"hist_gradient_boosting": "no_such_module:space"}},
            "search space 'no_such_module:space' cannot be loaded",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_before_any_trial(given, said, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=said):
        make(**given)
