"""A training that is killed goes on where it stopped, and ends as if it had never been killed."""

from __future__ import annotations

import random
import shutil
import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from prefect_mlops.blocks import MLProject
from prefect_mlops.core import tags
from prefect_mlops.core.results import Cause, TrainingOutcome, Window
from prefect_mlops.core.settings import TrainingSettings
from prefect_mlops.registry.promotion_log import promotion_log
from prefect_mlops.registry.versions import find_version
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks.tuning import study_url
from prefect_mlops.training.study import PersistentStudy
from support.candidates import crown, log_candidate, split_at
from support.killed import MOMENTS, STEPS, Trainer

pytestmark = [
    pytest.mark.usefixtures("prefect_api"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here"),
]
ROWS, OLD_ROWS, TRIALS = 900, 300, 3


@pytest.fixture(scope="module")
def trainer(prefect_api, tmp_path_factory):
    trainer = Trainer(tmp_path_factory.mktemp("trainer"))
    yield trainer
    trainer.close()


@pytest.fixture
def project(make_project, calls) -> MLProject:
    """A project with a poor champion, fitted on its oldest rows."""
    frame = calls(ROWS)
    project = make_project(
        frame,
        training={"estimators": ["linear"], "trials": TRIALS, "folds": 2, "refit": "all_rows"},
        gates={"deepchecks": [], "resamples": 300, "slice_tolerance": None},
    )
    split = split_at(project, frame[:OLD_ROWS], OLD_ROWS - 50)
    crown(project, log_candidate(project, split, noise=0.9, name="old"))
    return project


@pytest.fixture
def cause(project, calls) -> Cause:
    """A window of labelled predictions that asked for a retraining."""
    frame = calls(400, seed=5, start="2026-02-01")
    features = ["strong", "weak", "job"]
    with project.predictions.get_client() as store:
        store.append(
            [
                Prediction(
                    id=row["call_id"],
                    model="calls",
                    version="1",
                    at=row["called_at"].to_pydatetime(),
                    features={name: row[name] for name in features},
                    prediction="no",
                    score={"no": 0.6, "yes": 0.4},
                    label=row["y"],
                )
                for row in frame.to_dict("records")
            ]
        )
    first = frame["called_at"].iloc[0].to_pydatetime()
    return Cause(
        id="c" * 16,
        project="calls",
        champion_version="1",
        window=Window(start=first, end=first + timedelta(days=1)),
        rows=len(frame),
        reason="log_loss is worse than promised",
        signals=["performance"],
        metric="log_loss",
        decided_at=first + timedelta(days=1),
    )


def trials_of(project: MLProject, outcome: TrainingOutcome) -> int:
    key = outcome.training_key
    study = PersistentStudy(
        study_url(project.open_workspace(), key),
        key,
        settings=TrainingSettings(estimators=["linear"], trials=TRIALS),
        task="binary",
        feature_types={"strong": "number"},
    )
    return len(study.begun)


def assert_trained_once(project: MLProject, cause: Cause, outcome: TrainingOutcome | None) -> None:
    """Whatever happened in between: one version, one champion, one of everything."""
    assert outcome is not None
    assert outcome.outcome == "promoted"
    assert outcome.version is not None
    assert outcome.version.version == "2"
    client = project.registry.get_client()
    assert sorted(v.version for v in client.search_model_versions("name='calls'")) == [1, 2]
    champion = find_version(project.registry, tags.CHAMPION)
    assert champion is not None
    assert champion.version == "2"
    assert champion.tags[tags.OUTCOME] == "promoted"
    assert champion.tags[tags.REASONS] == "[]"
    assert champion.tags[tags.REPAIR] == "passed"
    assert find_version(project.registry, tags.CHALLENGER) is None
    log = promotion_log(project.stores)
    assert [(entry["previous"], entry["version"]) for entry in log] == [("1", "2")]
    with project.predictions.get_client() as store:
        assert [entry["sequence"] for entry in store.journal("activation", "calls")] == [1]
        ends = store.journal("retraining", "calls")
        assert [(end["cause_id"], end["outcome"]) for end in ends] == [(cause.id, "promoted")]
        assert [repair["version"] for repair in store.journal("repair", "calls")] == ["2"]
    assert trials_of(project, outcome) == TRIALS
    key = outcome.training_key
    experiment = client.get_experiment_by_name("calls")
    runs = client.search_runs([experiment.experiment_id], f"tags.`{tags.TRAINING_KEY}` = '{key}'")
    assert [run.info.status for run in runs] == ["FINISHED"]
    logged = {file.path for file in client.list_artifacts(runs[0].info.run_id)}
    assert {"outcome.json", "reports", "data"} <= logged
    assert not list(Path(project.workspace).glob("attempts/*"))


def assert_nothing_left_to_train(trainer: Trainer, project: MLProject, cause: Cause) -> None:
    again = trainer.train(project, cause)
    assert again.worked == [], again.log
    assert "was answered by version 2" in again.log
    assert_trained_once(project, cause, again.outcome)


@pytest.mark.slow
def test_killed_at_every_moment_in_turn_it_ends_as_if_it_never_was(trainer, project, cause):
    worked = []
    for moment in MOMENTS:
        ending = trainer.train(project, cause, kill=moment)
        assert ending.signal == signal.SIGKILL, f"{moment}: {ending.log}"
        worked += ending.worked
    final = trainer.train(project, cause)
    # A step whose result was lost is done once more, every other step once.
    assert Counter(worked + final.worked) == Counter([*STEPS, *(set(STEPS) & set(MOMENTS))])
    assert_trained_once(project, cause, final.outcome)
    assert_nothing_left_to_train(trainer, project, cause)


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_one_moment_it_does_only_what_is_left(trainer, project, cause, moment):
    killed = trainer.train(project, cause, kill=moment)
    assert killed.signal == signal.SIGKILL, killed.log
    final = trainer.train(project, cause)
    finished = [step for step in killed.worked if step != moment]
    assert [*finished, *final.worked] == STEPS, final.log
    assert_trained_once(project, cause, final.outcome)
    assert_nothing_left_to_train(trainer, project, cause)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_killed_from_outside_again_and_again_it_still_gets_there(trainer, project, cause, seed):
    rng = random.Random(seed)
    longest = 1.0
    while (ending := trainer.train(project, cause, after=rng.uniform(0.2, longest))).signal:
        # Longer and longer, or a step that takes longer than that would never be finished.
        longest *= 1.3
    assert_trained_once(project, cause, ending.outcome)
    assert_nothing_left_to_train(trainer, project, cause)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["fit", "champion moved, activation not written"])
def test_rows_that_were_deleted_after_a_kill_are_read_again_and_nothing_else_is_done_twice(
    trainer, project, cause, moment
):
    killed = trainer.train(project, cause, kill=moment)
    assert killed.signal == signal.SIGKILL, killed.log
    shutil.rmtree(Path(project.workspace) / "snapshots")
    final = trainer.train(project, cause)
    finished = [step for step in killed.worked if step != moment]
    assert [*finished, *final.worked] == STEPS, final.log
    assert "read again" in final.log
    assert_trained_once(project, cause, final.outcome)
    assert_nothing_left_to_train(trainer, project, cause)


def test_other_rows_instead_of_deleted_ones_are_trained_on_from_the_beginning(
    trainer, project, cause, calls
):
    killed = trainer.train(project, cause, kill="fit")
    assert killed.signal == signal.SIGKILL, killed.log
    shutil.rmtree(Path(project.workspace) / "snapshots")
    calls(ROWS + 100).to_parquet(project.dataset.source.path)
    final = trainer.train(project, cause)
    assert final.worked == STEPS, final.log
    assert final.outcome is not None
    assert final.outcome.version is not None
    assert final.outcome.version.version == "2"


@pytest.mark.slow
def test_a_training_that_is_killed_for_good_leaves_no_run_running(trainer, project):
    killed = trainer.train(project, kill="fit")
    assert killed.signal == signal.SIGKILL, killed.log
    client = project.registry.get_client()
    experiment = client.get_experiment_by_name("calls").experiment_id
    (run,) = client.search_runs([experiment], f"tags.`{tags.ATTEMPT}` LIKE '%'")
    assert run.info.status == "RUNNING"
    project.training.trials = 1
    final = trainer.train(project)
    assert final.outcome is not None, final.log
    found = {
        run.info.run_id: run.info.status
        for run in client.search_runs([experiment], f"tags.`{tags.ATTEMPT}` LIKE '%'")
    }
    assert found == {run.info.run_id: "KILLED", final.outcome.run_id: "FINISHED"}
    assert client.get_run(run.info.run_id).data.tags[tags.KILLED_BECAUSE]
    assert list((Path(project.workspace) / "locks").glob("*.lock")) == []
