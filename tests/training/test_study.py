"""Which recipe a study hands to the fit."""

import sqlite3

import pytest
from prefect_mlops.core.errors import WorkspaceUnavailable
from prefect_mlops.core.settings import TrainingSettings
from prefect_mlops.training.cross_validation import TrialScore
from prefect_mlops.training.study import PersistentStudy


def open_study(tmp_path):
    return PersistentStudy(
        f"sqlite:///{tmp_path}/study.db",
        "study",
        settings=TrainingSettings(estimators=["hist_gradient_boosting"], trials=2),
        task="binary",
        feature_types={"a": "number"},
    )


@pytest.fixture
def study(tmp_path):
    return open_study(tmp_path)


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


@pytest.mark.parametrize("content", [b"garbage" * 1_000, b"SQLite format 3\0" + bytes(4_000)])
def test_a_file_that_is_no_database_is_refused_and_once_deleted_the_study_begins_anew(
    tmp_path, content
):
    file = tmp_path / "study.db"
    file.write_bytes(content)
    with pytest.raises(WorkspaceUnavailable, match=r"study\.db: .*delete the file"):
        open_study(tmp_path)
    file.unlink()
    assert open_study(tmp_path).begun == []


def test_a_study_of_another_version_of_optuna_is_refused_by_its_file(study, tmp_path):
    study.close()
    with sqlite3.connect(tmp_path / "study.db") as database:
        database.execute("UPDATE alembic_version SET version_num = 'v99'")
        database.execute("UPDATE version_info SET library_version = '99.0.0', schema_version = 99")
    with pytest.raises(WorkspaceUnavailable, match=r"study\.db.*Delete the file"):
        open_study(tmp_path)


def test_a_database_that_is_damaged_while_the_study_runs_is_an_error_that_names_it(study, tmp_path):
    trial, _, _ = study.ask()
    with sqlite3.connect(tmp_path / "study.db") as database:
        database.execute("DROP TABLE trial_user_attributes")
    with pytest.raises(WorkspaceUnavailable, match=r"study\.db"):
        study.tell(trial, TrialScore(means=[0.5], pruned=False, seconds=0.1))
