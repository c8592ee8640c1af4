"""Which recipe a study hands to the fit."""

import pytest
from prefect_mlops.core.settings import TrainingSettings
from prefect_mlops.training.cross_validation import TrialScore
from prefect_mlops.training.study import PersistentStudy


@pytest.fixture
def study(tmp_path):
    return PersistentStudy(
        f"sqlite:///{tmp_path}/study.db",
        "study",
        settings=TrainingSettings(estimators=["hist_gradient_boosting"], trials=2),
        task="binary",
        feature_types={"a": "number"},
    )


def _tell(study: PersistentStudy, folds: list[float]) -> dict:
    trial, _, parameters = study.ask()
    means = [sum(folds[: i + 1]) / (i + 1) for i in range(len(folds))]
    study.tell(trial, TrialScore(means=means, pruned=False, seconds=0.1))
    return parameters


def test_defaults_stay_when_another_recipe_is_better_within_the_noise_of_the_folds(study):
    defaults = _tell(study, [0.50, 0.60, 0.70])
    _tell(study, [0.40, 0.55, 0.80])

    _, parameters, score = study.best()

    assert parameters == defaults
    assert score == pytest.approx(0.60)


def test_a_recipe_that_is_better_on_every_fold_replaces_the_defaults(study):
    _tell(study, [0.50, 0.60, 0.70])
    tuned = _tell(study, [0.45, 0.56, 0.64])

    _, parameters, score = study.best()

    assert parameters == tuned
    assert score == pytest.approx(0.55)


def test_the_defaults_themselves_are_the_best_when_nothing_beats_them(study):
    defaults = _tell(study, [0.5, 0.5, 0.5])
    _tell(study, [0.6, 0.6, 0.6])

    assert study.best()[1] == defaults
