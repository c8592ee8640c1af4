"""From a configured project to the arguments of one step."""

import inspect

import pytest
from prefect_mlops import tasks
from prefect_mlops.core.settings import GateSettings

# What a step takes from other steps, or from whoever calls it.
OF_OTHERS = {
    "cause_id",
    "champion",
    "expected",
    "intent",
    "new_classes",
    "alias",
    "classes",
    "cutoff",
    "overwrite",
    "importance",
    "reason",
    "replace_champion",
    "suite",
    "wait_seconds",
    "grace_seconds",
    "number",
    "estimator",
    "parameters",
    "cutoffs",
    "approval",
    "through",
    "threads",
}


def keywords(step):
    parameters = inspect.signature(step.fn).parameters.values()
    return {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("name", tasks.__all__)
def test_the_project_answers_every_keyword_that_is_configuration(name, make_project):
    step = getattr(tasks, name)
    assert keywords(step) - OF_OTHERS == set(make_project().arguments(step))


def test_settings_are_found_by_their_type_whatever_the_keyword_is_called(make_project):
    def own_step(rows: int, *, rules: "GateSettings", metric: str, colour: str = "red") -> int:
        return rows

    project = make_project(gates={"margin": 0.25})
    assert project.arguments(own_step) == {"rules": project.gates, "metric": "log_loss"}


def test_what_comes_from_another_step_is_never_filled_in(make_project):
    def own_step(metric: str) -> str:
        return metric

    assert make_project().arguments(own_step) == {}
