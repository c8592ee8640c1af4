"""Every gate that decides has rows on which it refuses a candidate, and no other gate does."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import make_calls, turned_around
from mlflow.artifacts import download_artifacts
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.flows.evidence_gates import EVIDENCE_GATES
from prefect_mlops.gates.deepchecks_defaults import default_checks
from prefect_mlops.tasks import check_freshness, check_model, check_package, compare, run_gates
from support.candidates import crown, log_candidate, split_at
from support.own_code import write_module

pytestmark = pytest.mark.slow

# The default checks that decide; the others only inform.
DEEPCHECKS = [check.model_dump() for check in default_checks("binary") if check.blocking]
CAUSE = Cause(
    id="calls-1-abc",
    project="calls",
    champion_version="1",
    window=Window(last=100),
    rows=100,
    reason="worse than promised",
    signals=["performance"],
    metric="log_loss",
    decided_at=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def project_of(make_project):
    """A function that makes a project of rows with settings of its gates."""
    return lambda frame, **gates: make_project(
        frame, gates={"deepchecks": DEEPCHECKS, "resamples": 500, **gates}
    )


def refused_by(project, split, candidate, *, cause=None, refits=False) -> set[str]:
    """Ask every gate of a training, and return those that stand in the way."""
    gates = [
        *check_model.fn(split, candidate, **project.arguments(check_model)).gates,
        *run_gates.fn(split, candidate, **project.arguments(run_gates)).gates,
        *check_package.fn(split, candidate, **project.arguments(check_package)).gates,
        *check_freshness.fn(candidate, **project.arguments(check_freshness)).gates,
    ]
    for check in EVIDENCE_GATES:
        gates += check.fn(split, candidate, **project.arguments(check)).gates
    arguments = {**project.arguments(compare), "refits": refits}
    gates += compare.fn(split, candidate, cause, **arguments).gates
    return {gate.name.partition(":")[0] for gate in gates if gate.blocks}


def clear(frame: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with labels that the strong number tells almost surely."""
    noise = np.random.default_rng(9).normal(0, 0.15, len(frame))
    return frame.assign(y=np.where(frame["strong"] + noise > 0, "yes", "no"))


def test_a_good_candidate_is_refused_by_none(project_of):
    frame = make_calls(1_000)
    project = project_of(frame)
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == set()


@pytest.mark.parametrize(
    ("gates", "gate"),
    [
        ({"floors": {"roc_auc": 0.999}}, "roc_auc floor"),
        ({"latency_p99_ms": 1e-6}, "latency"),
        ({"package": {"maximum_megabytes": 1e-3}}, "size"),
        ({"package": {"maximum_memory_megabytes": 1.0}}, "memory"),
        ({"package": {"maximum_load_seconds": 1e-3}}, "load time"),
        ({"freshness": {"maximum_data_age_days": 1}}, "data age"),
        # The labels are drawn from a logistic model: nothing beats it.
        ({"baseline": {"linear_decides": True}}, "better than a linear model"),
    ],
)
def test_a_limit_that_the_good_candidate_breaks(project_of, gates, gate):
    frame = make_calls(1_000)
    project = project_of(frame, **gates)
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == {gate}


def test_a_holdout_of_forty_rows(project_of):
    frame = clear(make_calls(640))
    project = project_of(frame)
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == {"holdout rows"}


def test_a_holdout_with_four_rows_of_a_class(project_of):
    frame = clear(make_calls(1_000))
    late = frame[600:]
    late = pd.concat([late[late["y"] == "yes"], late[late["y"] == "no"].head(4)])
    frame = pd.concat([frame[:600], late.sort_values("called_at")], ignore_index=True)
    project = project_of(frame)
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == {"holdout classes"}


def test_a_holdout_that_repeats_training_rows(project_of):
    frame = clear(make_calls(1_000))
    content = ["strong", "weak", "job", "y"]
    frame.loc[600:899, content] = frame.loc[:299, content].to_numpy()
    project = project_of(frame)
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == {"TrainTestSamplesMix"}


def test_a_model_whose_labels_are_drawn_better(project_of):
    """Nine rows in ten say nothing and come out the other way than they did; the tenth is told well."""
    frame, rng = make_calls(2_000), np.random.default_rng(0)
    told = rng.random(2_000) < 0.1
    chance = np.where(np.arange(2_000) < 1_000, 0.47, 0.62)
    label = np.where(told, frame["strong"] > 0, rng.random(2_000) < chance)
    frame = frame.assign(
        strong=np.where(told, np.sign(frame["strong"]), 0.0),
        # The same in training, so that no model learns it, and other rows are no repeated ones.
        weak=np.where(np.arange(2_000) < 1_000, 0.0, frame["weak"]),
        job="admin",
        y=np.where(label, "yes", "no"),
    )
    project = project_of(frame)
    split = split_at(project, frame, 1_000)
    candidate = log_candidate(project, split)
    assert refused_by(project, split, candidate) == {"SimpleModelComparison"}


def test_a_first_model_that_is_sure_and_often_wrong(project_of):
    """Its labels are better than drawn ones; its probabilities are worse than saying the same of every row."""
    frame, rng = make_calls(1_000), np.random.default_rng(1)
    label = rng.random(1_000) < 1 / (1 + np.exp(-1.2 * frame["strong"]))
    frame = frame.assign(y=np.where(label, "yes", "no"))
    project = project_of(frame)
    split = split_at(project, frame, 500)
    candidate = log_candidate(project, split, iterations=300)
    assert refused_by(project, split, candidate) == {"better than a guess"}


def test_a_candidate_that_is_no_better_than_its_champion(project_of):
    frame = make_calls(1_000)
    project = project_of(frame)
    split = split_at(project, frame, 600)
    crown(project, log_candidate(project, split, name="champion"))
    assert refused_by(project, split, log_candidate(project, split)) == {"superiority"}


def test_a_candidate_that_is_surely_worse_although_a_cause_is_confirmed(project_of):
    frame = make_calls(1_000)
    project = project_of(frame, slice_tolerance=None)
    split = split_at(project, frame, 600)
    crown(project, log_candidate(project, split, name="champion"))
    candidate = log_candidate(project, split, noise=0.4)
    found = refused_by(project, split, candidate, cause=CAUSE, refits=True)
    assert found == {"non-inferiority"}


def test_a_candidate_of_older_rows_than_its_champion(project_of):
    frame = make_calls(1_000)
    project = project_of(frame)
    crown(
        project, log_candidate(project, split_at(project, frame, 800), name="champion", noise=0.9)
    )
    split = split_at(project, frame, 500)
    assert refused_by(project, split, log_candidate(project, split)) == {"recency"}


def test_a_candidate_that_forgot_a_slice(project_of):
    """Better on two rows in three, and worse on those of students, whom the champion knew."""
    frame, rng = clear(make_calls(2_000)), np.random.default_rng(0)
    students = (frame["job"] == "student").to_numpy()

    def forgetting(rows: np.ndarray) -> pd.DataFrame:
        labels = frame["y"].to_numpy(copy=True)
        early = rows & (np.arange(2_000) < 1_000)
        labels[early] = rng.permutation(labels[early])
        return frame.assign(y=labels)

    project = project_of(frame)
    champion = log_candidate(
        project, split_at(project, forgetting(~students), 1_000), name="champion"
    )
    crown(project, champion)
    split = split_at(project, forgetting(students), 1_000)
    candidate = log_candidate(project, split, iterations=60)
    assert refused_by(project, split, candidate) == {"slice job=student"}


def guessed(frame: pd.DataFrame, where: pd.Series) -> pd.DataFrame:
    """The same rows, with labels that nothing tells in some of them."""
    drawn = np.random.default_rng(3).choice(["yes", "no"], len(frame))
    return frame.assign(y=frame["y"].where(~where, drawn))


def test_a_first_model_that_guesses_in_a_slice(project_of):
    frame = clear(make_calls(2_000))
    frame = guessed(frame, frame["job"] == "student")
    project = project_of(frame, slices={"decides": True})
    split = split_at(project, frame, 1_000)
    found = refused_by(project, split, log_candidate(project, split))
    assert found == {"slice job=student against all rows"}


def test_a_first_model_that_guesses_where_nobody_looked(project_of):
    frame = clear(make_calls(3_000))
    frame = guessed(frame, frame["weak"] > 0.3)
    project = project_of(frame, slices={"segments_decide": True})
    split = split_at(project, frame, 1_500)
    assert refused_by(project, split, log_candidate(project, split)) == {"weak segments"}


@pytest.mark.parametrize("limit", ["demographic_parity_difference", "equalized_odds_difference"])
def test_a_model_that_chooses_one_group_of_people_more_often(project_of, limit):
    frame, rng = make_calls(2_000), np.random.default_rng(0)
    frame["sex"] = np.where(frame["strong"] + rng.normal(0, 1, 2_000) > 0, "m", "f")
    project = project_of(frame, fairness={"columns": ["sex"], "limits": {limit: 0.1}})
    split = split_at(project, frame, 1_000)
    assert refused_by(project, split, log_candidate(project, split)) == {"fairness sex"}


def test_a_group_of_people_too_small_to_tell(project_of):
    frame, rng = make_calls(2_000), np.random.default_rng(0)
    frame["sex"] = rng.choice(["m", "f", "x"], 2_000, p=[0.49, 0.49, 0.02])
    limits = {"demographic_parity_difference": 0.2}
    project = project_of(frame, fairness={"columns": ["sex"], "limits": limits})
    split = split_at(project, frame, 1_000)
    assert refused_by(project, split, log_candidate(project, split)) == {"fairness sex"}


def test_probabilities_that_are_too_sure(project_of):
    frame = make_calls(1_400)
    gates = {"calibration": {"decides": True, "maximum_error": 0.03}}
    project = project_of(frame, **gates)
    split = split_at(project, frame, 400)
    candidate = log_candidate(project, split, iterations=120)
    assert refused_by(project, split, candidate) == {"calibration"}


@pytest.mark.parametrize(
    ("decisions", "gate"),
    [
        ({"calibration": "sigmoid"}, "better calibrated than not"),
        (
            {"costs": {"false_positive": 1, "false_negative": 1}},
            "cheaper than the most probable class",
        ),
    ],
)
def test_what_was_learnt_of_class_shares_that_turned_around(project_of, decisions, gate):
    """Out of fold, the share of a class was said too low, and then it went the other way."""
    frame = turned_around(3_000, shifts=(-1.2, 1.2, 0.0))
    project = project_of(frame, decisions={"decides": True})
    split = split_at(project, frame, 2_000)
    candidate = log_candidate(project, split, decisions=decisions)
    assert refused_by(project, split, candidate) == {gate}


def test_a_model_that_a_little_noise_confuses(project_of):
    """The labels change with every third of a standard deviation; rows without the number are known too."""
    frame, rng = make_calls(4_000), np.random.default_rng(0)
    label = np.sin(20 * frame["strong"]) > 0
    hidden = rng.random(4_000) < 0.15
    frame = frame.assign(
        strong=frame["strong"].where(~hidden), weak=0.0, y=np.where(label, "yes", "no")
    )
    project = project_of(frame, robustness={"decides": True})
    split = split_at(project, frame, 3_000)
    candidate = log_candidate(project, split, iterations=200)
    assert refused_by(project, split, candidate) == {"robust to noise"}


def test_a_model_that_a_category_never_seen_makes_guess(project_of):
    frame, rng = make_calls(6_000), np.random.default_rng(0)
    label = (frame["job"] == "student") ^ (rng.random(6_000) < 0.1)
    frame = frame.assign(
        job=frame["job"].where(rng.random(6_000) > 0.3),
        strong=0.0,
        y=np.where(label, "yes", "no"),
    )
    project = project_of(frame, robustness={"decides": True}, slice_tolerance=None)
    split = split_at(project, frame, 4_000)
    candidate = log_candidate(project, split, iterations=8)
    assert refused_by(project, split, candidate) == {"robust to unknown categories"}


def test_a_model_that_is_lost_without_its_feature(project_of):
    frame = clear(make_calls(1_000))
    project = project_of(frame, robustness={"decides": True})
    split = split_at(project, frame, 600)
    candidate = log_candidate(project, split, iterations=100)
    assert refused_by(project, split, candidate) == {"robust to missing values"}


def test_a_gate_of_ones_own(project_of, monkeypatch, tmp_path):
    source = (
        "from prefect_mlops.core.results import Gate\n"
        "def never(context):\n"
        "    return Gate(name='never', verdict='failed', reason='no')\n"
    )
    write_module(monkeypatch, tmp_path, "strict_gates", source)
    frame = make_calls(1_000)
    project = project_of(frame, custom=["strict_gates:never"])
    split = split_at(project, frame, 600)
    assert refused_by(project, split, log_candidate(project, split)) == {"never"}


def test_files_that_load_nowhere_else(project_of):
    frame = make_calls(1_000)
    project = project_of(frame)
    split = split_at(project, frame, 600)
    candidate = log_candidate(project, split)
    uri = project.registry.tracking_uri.get_secret_value()
    folder = download_artifacts(artifact_uri=candidate.model_uri, tracking_uri=uri)
    description = Path(folder) / "MLmodel"
    text = description.read_text().replace("mlflow.sklearn\n", "nowhere.to_be_found\n", 1)
    description.write_text(text)
    # What cannot be loaded cannot be timed: those two were not run because of it.
    assert refused_by(project, split, candidate) == {"loads", "same predictions", "latency"}
