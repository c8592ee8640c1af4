"""Candidate against champion, on rows that the champion was not fitted on."""

from __future__ import annotations

import shutil
import socket
from datetime import timedelta
from pathlib import Path

import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.blocks import Dataset
from prefect_mlops.core.errors import RegistryUnavailable
from prefect_mlops.core.tags import CUTOFF
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.models.evaluation import losses_of
from prefect_mlops.tasks.comparison import compare
from support.candidates import crown, log_candidate, split_at

QUICK = {"resamples": 300}


def verdicts(result) -> dict[str, str]:
    return {gate.name: gate.verdict for gate in result.gates}


@pytest.fixture
def frame(calls):
    return calls(900)


@pytest.fixture
def project(make_project, frame):
    return make_project(frame, gates=QUICK)


@pytest.fixture
def split(project, frame):
    return split_at(project, frame, 500)


def test_the_first_model_has_nobody_to_beat(project, split):
    candidate = log_candidate(project, split)
    result = compare.fn(split, candidate, **project.arguments(compare))
    assert verdicts(result) == {"superiority": "passed"}
    assert result.gates[0].reason == "first model: there is no champion"
    assert result.champion_version is None
    assert result.candidate_score == candidate.metrics["log_loss"]


def test_a_better_candidate_passes_with_scores_taken_on_the_same_rows(project, split):
    champion = log_candidate(project, split, noise=0.9, name="champion")
    version = crown(project, champion)
    candidate = log_candidate(project, split)
    result = compare.fn(split, candidate, **project.arguments(compare))
    holdout = load_frame(split.holdout)
    expected = {
        uri: metric_value(
            "log_loss",
            losses_of("log_loss", project.registry.load_model(uri, "binary"), holdout, "y"),
        )
        for uri in (version.uri, candidate.evaluated_uri)
    }
    assert result.verdict == "passed"
    assert result.champion_version == version.version
    assert result.champion_score == pytest.approx(expected[version.uri])
    assert result.candidate_score == pytest.approx(expected[candidate.evaluated_uri])
    assert result.improvement == pytest.approx(result.champion_score - result.candidate_score)
    assert 0 < result.interval[0] < result.improvement < result.interval[1]
    assert result.rows == 400
    assert {score.column for score in result.slices} == {"job"}
    assert {name for name in verdicts(result) if name.startswith("slice job=")}


def test_the_same_model_and_a_worse_one_do_not_pass(project, split):
    good = log_candidate(project, split)
    crown(project, good)
    assert (
        verdicts(compare.fn(split, good, **project.arguments(compare)))["superiority"] == "failed"
    )
    worse = log_candidate(project, split, noise=0.9, name="worse")
    result = compare.fn(split, worse, **project.arguments(compare))
    assert result.verdict == "failed"
    assert result.interval[1] < 0


def test_rows_that_the_champion_was_fitted_on_are_not_compared_on(project, frame, split):
    earlier = split_at(project, frame, 700)
    champion = log_candidate(project, earlier, noise=0.9, name="champion")
    assert champion.cutoff == frame["called_at"][699]
    crown(project, champion)
    # The candidate is fitted on rows as late as the champion's, so that it may replace it.
    candidate = log_candidate(project, split).model_copy(update={"cutoff": champion.cutoff})
    result = compare.fn(split, candidate, **project.arguments(compare))
    assert result.rows == 200
    assert verdicts(result)["recency"] == "passed"


def test_without_timestamps_rows_are_told_by_their_position(make_project, frame):
    columns = {"target": "y", "ordered": True, "ignored": ["call_id", "called_at"]}
    dataset = Dataset(source={"type": "parquet", "path": "calls.parquet"}, columns=columns)
    project = make_project(frame, dataset=dataset, gates=QUICK, training={"refit": "train"})
    split = split_at(project, frame, 500)
    champion = log_candidate(project, split_at(project, frame, 650), noise=0.9, name="champion")
    crown(project, champion)
    candidate = log_candidate(project, split)
    result = compare.fn(
        split, candidate.model_copy(update={"cutoff_row": 900}), **project.arguments(compare)
    )
    assert result.rows == 250
    assert result.verdict == "passed"
    older = compare.fn(split, candidate, **project.arguments(compare))
    assert verdicts(older) == {"superiority": "not_run", "recency": "failed"}


def test_too_few_later_rows_are_not_run(project, frame, split):
    champion = log_candidate(project, split_at(project, frame, 870), noise=0.9, name="champion")
    crown(project, champion)
    candidate = log_candidate(project, split).model_copy(update={"cutoff": champion.cutoff})
    result = compare.fn(split, candidate, **project.arguments(compare))
    assert result.verdict == "not_run"
    assert "30 of 400 holdout rows are later" in result.gates[0].reason


def test_an_older_data_cutoff_never_replaces_a_newer_one(project, frame, split):
    project.training.refit = "train"
    champion = log_candidate(project, split_at(project, frame, 600), noise=0.9, name="champion")
    crown(project, champion)
    result = compare.fn(split, log_candidate(project, split), **project.arguments(compare))
    assert result.verdict == "failed"
    assert verdicts(result)["recency"] == "failed"
    assert "an older data cutoff never replaces a newer one" in result.gates[1].reason


def test_a_candidate_that_will_be_fitted_on_all_rows_is_as_recent_as_these(make_project, frame):
    training = {"refit": "all_rows", "trials": 1}
    project = make_project(frame, gates=QUICK, training=training)
    split = split_at(project, frame, 500)
    crown(project, log_candidate(project, split_at(project, frame, 600), noise=0.9, name="old"))
    result = compare.fn(split, log_candidate(project, split), **project.arguments(compare))
    assert verdicts(result)["recency"] == "passed"
    assert result.rows == 300


def files_of(project, model_uri: str) -> Path:
    uri = project.registry.tracking_uri.get_secret_value()
    return Path(download_artifacts(artifact_uri=model_uri, tracking_uri=uri))


@pytest.mark.parametrize("gone", ["everything", "model.skops", "MLmodel"])
def test_a_champion_whose_files_are_gone_is_treated_as_absent_and_still_expected(
    project, split, gone
):
    champion = log_candidate(project, split, name="champion")
    version = crown(project, champion)
    folder = files_of(project, champion.model_uri)
    if gone == "everything":
        shutil.rmtree(folder)
    else:
        (folder / gone).unlink()
    result = compare.fn(split, log_candidate(project, split), **project.arguments(compare))
    assert verdicts(result) == {"superiority": "passed"}
    reason = result.gates[0].reason
    assert f"champion version {version.version} cannot load, its files are gone" in reason
    assert reason.endswith("treated as first model")
    assert result.champion_version == version.version
    assert result.champion_score is None


@pytest.mark.parametrize("damage", ["truncated", "foreign"])
def test_a_champion_that_is_there_but_does_not_load_names_the_one_command(project, split, damage):
    champion = log_candidate(project, split, name="champion")
    version = crown(project, champion)
    folder = files_of(project, champion.model_uri)
    if damage == "truncated":
        (folder / "model.skops").write_bytes((folder / "model.skops").read_bytes()[:100])
    else:
        described = (folder / "MLmodel").read_text()
        (folder / "MLmodel").write_text(described.replace("prefect_mlops:", "theirs:"))
    candidate = log_candidate(project, split)
    result = compare.fn(split, candidate, **project.arguments(compare))
    assert result.verdict == "not_run"
    assert f"champion version {version.version} cannot score these rows" in result.gates[0].reason
    assert result.gates[0].reason.count("train(project, replace_champion=True)") == 1
    asked = compare.fn(split, candidate, replace_champion=True, **project.arguments(compare))
    assert asked.verdict == "passed"
    assert "replaced without a comparison, as was asked" in asked.gates[0].reason
    assert asked.champion_version == version.version


def test_a_store_that_does_not_answer_is_no_reason_to_replace_a_champion(project, split):
    candidate = log_candidate(project, split)
    version = crown(project, candidate)
    client = project.registry.get_client()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        source = f"http://127.0.0.1:{probe.getsockname()[1]}/api/2.0/mlflow-artifacts/artifacts/m"
    found = client.get_model_version("calls", version.version).tags
    moved = client.create_model_version("calls", source, candidate.run_id, tags=found)
    client.set_registered_model_alias("calls", "champion", moved.version)
    with pytest.raises(RegistryUnavailable):
        compare.fn(split, candidate, **project.arguments(compare))


def test_a_champion_that_needs_a_column_which_is_gone_is_not_run(project, frame, split):
    crown(project, log_candidate(project, split, name="champion"))
    slim = split_at(project, frame.drop(columns="weak"), 500)
    result = compare.fn(slim, log_candidate(project, slim), **project.arguments(compare))
    assert result.verdict == "not_run"
    assert "column 'weak' is missing" in result.gates[0].reason


def test_a_champion_that_lacks_a_new_class_is_surely_wrong_on_it(make_project, frame):
    old = frame.copy()
    new = frame.copy()
    new.loc[new.index % 10 == 0, "y"] = "later"
    project = make_project(new, task_type="multiclass", gates=QUICK)
    crown(project, log_candidate(project, split_at(project, old, 500), name="champion"))
    split = split_at(project, new, 500)
    result = compare.fn(split, log_candidate(project, split), **project.arguments(compare))
    assert verdicts(result)["superiority"] == "passed"
    assert "does not know the class 'later'" in result.gates[0].reason


def test_a_champion_with_an_unreadable_cutoff_is_not_run(project, split):
    version = crown(project, log_candidate(project, split, name="champion"))
    client = project.registry.get_client()
    client.set_model_version_tag("calls", version.version, CUTOFF, "yesterday")
    result = compare.fn(split, log_candidate(project, split), **project.arguments(compare))
    assert result.verdict == "not_run"
    assert "cannot be read" in result.gates[0].reason


def test_a_champion_of_unknown_cutoff_is_not_run(project, split):
    champion = log_candidate(project, split, name="champion")
    crown(project, champion.model_copy(update={"cutoff": None, "cutoff_row": None}))
    candidate = log_candidate(project, split)
    late = candidate.model_copy(update={"cutoff": candidate.cutoff + timedelta(days=1)})
    result = compare.fn(split, late, **project.arguments(compare))
    assert result.verdict == "not_run"
    assert "which of them it was fitted on cannot be told" in result.gates[0].reason
    assert "train(project, replace_champion=True)" in result.gates[0].reason
    asked = compare.fn(split, late, replace_champion=True, **project.arguments(compare))
    assert (asked.verdict, asked.champion_version) == ("passed", "1")
