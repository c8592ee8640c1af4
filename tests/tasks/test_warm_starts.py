"""A study begins with what the champion and earlier studies found, where it is asked to."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from prefect_mlops.tasks import tune
from prefect_mlops.tasks.warm_starts import warm_starts
from support.candidates import crown, log_candidate, split_at


@pytest.fixture
def project(make_project):
    return make_project(training={"estimators": ["linear"], "trials": 3, "folds": 2})


@pytest.fixture
def split(project, calls):
    return split_at(project, calls(300), 200)


def starts_of(project, *asked, url="sqlite:////nowhere/mine.db"):
    project.training.search.warm_start = list(asked)
    given = {"task_type": "binary", "metric": "log_loss", "settings": project.training}
    return warm_starts(project.stores, url, **given)


def test_nothing_is_started_with_unless_it_is_asked_for(project, split):
    crown(project, log_candidate(project, split, name="old"))
    assert starts_of(project) == []


def test_the_champions_parameters_are_those_of_its_run(project, split):
    assert starts_of(project, "champion") == []
    candidate = log_candidate(project, split, name="old")
    crown(project, candidate)
    client = project.registry.get_client()
    for name, value in {"estimator": "linear", "C": 0.25, "penalty": "l2"}.items():
        if name not in client.get_run(candidate.run_id).data.params:
            client.log_param(candidate.run_id, name, value)
    logged = client.get_run(candidate.run_id).data.params
    (start,) = starts_of(project, "champion")
    assert start[0] == logged["estimator"] == "linear"
    assert {name: str(value) for name, value in start[1].items()} == {
        name: value for name, value in logged.items() if name != "estimator"
    }
    project.training.estimators = ["random_forest"]
    assert starts_of(project, "champion") == []


def test_the_best_of_earlier_studies_is_tried_after_the_defaults(project, split):
    first = tune.fn(split, None, "first", **project.arguments(tune))
    best = min(
        optuna.load_study(study_name=None, storage=first.storage).trials, key=lambda t: t.value
    )
    project.training.search.warm_start = ["studies"]
    other = tune.fn(split, None, "other", **project.arguments(tune))
    trials = optuna.load_study(study_name=None, storage=other.storage).trials
    assert trials[0].params["linear.C"] == 1.0
    if best.number:
        assert trials[1].params == best.params


def test_studies_of_another_metric_or_that_are_damaged_do_not_count(project, split):
    found = tune.fn(split, None, "first", **project.arguments(tune))
    folder = Path(found.storage.removeprefix("sqlite:///")).parent
    (folder / "damaged.db").write_text("no database")
    url = f"sqlite:///{folder}/mine.db"
    assert len(starts_of(project, "studies", url=url)) == 1
    project.training.search.warm_start = ["studies"]
    given = {"task_type": "binary", "metric": "brier", "settings": project.training}
    assert warm_starts(project.stores, url, **given) == []
