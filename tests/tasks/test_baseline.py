"""A candidate must be surely better than a guess, a first one too, and is told about a linear model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.artifacts import download_artifacts
from prefect_mlops.blocks import Stores
from prefect_mlops.core.settings import Columns, GateSettings
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.metrics.losses import row_losses
from prefect_mlops.tasks import check_baseline
from support.candidates import log_candidate, split_at, with_mlflow
from support.plain_models import log_plainly

GUESS, LINEAR = "better than a guess", "better than a linear model"
PLAIN = Columns(target="y", features=["strong", "weak", "job"])


def by_name(check):
    return {gate.name: gate for gate in check.gates}


def run(make_project, frame, first=600, *, noise=0.0, **overrides):
    project = make_project(frame, **overrides)
    split = split_at(project, frame, first)
    candidate = log_candidate(project, split, noise=noise)
    check = check_baseline.fn(split, candidate, **project.arguments(check_baseline))
    return project, split, candidate, check


def test_a_model_that_learnt_something_passes_and_the_scores_are_kept(make_project, calls):
    project, split, candidate, check = run(make_project, calls(1_000))
    gate = by_name(check)[GUESS]
    assert (check.kind, check.verdict, gate.verdict, gate.blocking) == (
        "baseline",
        "passed",
        "passed",
        True,
    )
    train, holdout = load_frame(split.train), load_frame(split.holdout)
    shares = train["y"].value_counts(normalize=True)[["no", "yes"]].to_numpy()
    losses = row_losses("log_loss", holdout["y"], np.tile(shares, (400, 1)), ["no", "yes"])
    assert check.measured["baseline.dummy.log_loss"] == pytest.approx(losses.mean())
    assert check.measured["baseline.linear.log_loss"] < check.measured["baseline.dummy.log_loss"]
    logged = project.registry.get_client().get_run(candidate.run_id).data.metrics
    assert logged["baseline.dummy.log_loss"] == pytest.approx(losses.mean())
    assert {"baseline.linear.log_loss", "baseline.linear.roc_auc"} <= set(logged)
    kept = download_artifacts(
        run_id=candidate.run_id,
        artifact_path="reports/baseline.json",
        tracking_uri=project.registry.tracking_uri.get_secret_value(),
    )
    report = json.loads(Path(kept).read_text())
    assert [found["name"] for found in report["gates"]] == [GUESS, LINEAR]


def test_labels_that_no_feature_explains_refuse_the_first_model(make_project, calls):
    frame = calls(1_000)
    frame["y"] = np.random.default_rng(3).permutation(frame["y"])
    *_, check = run(make_project, frame)
    gate = by_name(check)[GUESS]
    assert (check.verdict, gate.verdict) == ("failed", "failed")
    assert "not surely better than the training rows' class shares" in gate.reason
    assert gate.value < 0 < gate.detectable


def test_a_holdout_too_small_to_tell_says_what_it_would_tell(make_project, calls):
    frame = calls(640)
    *_, check = run(make_project, frame, noise=0.8)
    gate = by_name(check)[GUESS]
    assert gate.verdict == "failed"
    assert f"40 rows tell a true improvement of {gate.detectable:.4g} four times in five" in (
        gate.reason
    )


def test_a_complex_model_that_a_linear_one_equals_is_advised_and_not_refused(make_project, calls):
    # The labels are drawn from a logistic model: nothing beats it.
    *_, check = run(make_project, calls(1_000))
    gate = by_name(check)[LINEAR]
    assert (gate.verdict, gate.blocking, check.verdict) == ("failed", False, "passed")
    assert "not surely better than a linear model" in gate.reason


def test_a_project_may_let_the_linear_model_decide(make_project, calls):
    gates = {"baseline": {"linear_decides": True}}
    *_, check = run(make_project, calls(1_000), gates=gates)
    assert [gate.name for gate in check.gates if gate.blocks] == [LINEAR]


def test_a_model_that_sees_what_no_line_can_is_better_than_a_line(make_project, calls):
    frame = calls(1_500)
    inside = (frame["strong"].abs() < 0.7) ^ (frame["weak"] > 0)
    frame["y"] = np.where(inside, "yes", "no")
    *_, check = run(make_project, frame, first=1_000)
    assert by_name(check)[LINEAR].verdict == "passed"


def test_a_candidate_that_is_linear_itself_need_not_beat_a_line(make_project, calls, tmp_path):
    project = with_mlflow(make_project())
    frame = calls(1_000)
    version, _ = log_plainly(frame[:600])
    check = check_baseline.fn(
        (frame[:600], frame[600:]),
        f"models:/calls/{version}",
        columns=PLAIN,
        task_type="binary",
        stores=Stores("calls", project.registry, workspace=str(tmp_path / "kept")),
    )
    gate = by_name(check)[LINEAR]
    assert gate.verdict == "passed", gate.reason
    assert "the candidate is a linear model itself" in gate.reason
    # Of a model that is no candidate the evidence goes to the workspace.
    assert check.report_uri.startswith(str(tmp_path / "kept"))


@pytest.mark.parametrize(("metric", "guess"), [("rmse", "mean"), ("mae", "median")])
def test_numbers_are_guessed_by_what_is_best_for_the_metric(make_project, calls, metric, guess):
    frame = calls(1_000)
    frame["y"] = np.exp(frame["strong"])
    _, split, _, check = run(
        make_project, frame, task_type="regression", training={"metric": metric}
    )
    train, holdout = load_frame(split.train)["y"], load_frame(split.holdout)["y"]
    constant = train.mean() if guess == "mean" else train.median()
    losses = row_losses(metric, holdout, np.full(400, constant))
    expected = np.sqrt(losses.mean()) if metric == "rmse" else losses.mean()
    assert check.measured[f"baseline.dummy.{metric}"] == pytest.approx(expected)
    assert f"the training rows' {guess}" in by_name(check)[GUESS].reason
    assert check.verdict == "passed"


def test_of_too_many_classes_no_linear_model_is_fitted_and_it_is_said(make_project, calls):
    frame = calls(1_000)
    frame["y"] = pd.qcut(frame["strong"], 8, labels=[f"c{i}" for i in range(8)]).astype(str)
    gates = {"baseline": {"maximum_classes": 5}}
    *_, check = run(make_project, frame, task_type="multiclass", gates=gates)
    gate = by_name(check)[LINEAR]
    assert (gate.verdict, gate.blocks) == ("not_run", False)
    assert "8 classes, more than the 5" in gate.reason
    assert by_name(check)[GUESS].verdict == "passed"


def test_the_linear_model_learns_the_latest_rows_within_its_budget(make_project, calls):
    gates = {"baseline": {"maximum_rows": 200}}
    *_, check = run(make_project, calls(1_000), gates=gates)
    assert "fitted on 200 rows" in by_name(check)[LINEAR].reason


def test_a_margin_asks_for_more_than_a_guess(make_project, calls):
    gates = {"baseline": {"margin": 10.0}}
    *_, check = run(make_project, calls(1_000), gates=gates)
    gate = by_name(check)[GUESS]
    assert (gate.verdict, gate.threshold) == ("failed", 10.0)


def test_a_version_that_saw_the_holdout_is_not_believed(make_project, calls):
    from support.candidates import crown

    project, _, candidate, _ = run(make_project, calls(1_000))
    version = crown(project, candidate)
    frame = calls(1_000)
    arguments = project.arguments(check_baseline)
    check = check_baseline.fn((frame[:300], frame[300:]), version, **arguments)
    assert [gate.name for gate in check.gates if gate.blocks] == ["unseen holdout"]


def test_a_baseline_that_is_skipped_is_said_and_nothing_is_loaded(make_project, calls):
    project = make_project(calls(10), gates={"skip": {"baseline": "a vendor's model"}})
    check = check_baseline.fn(None, None, **project.arguments(check_baseline))
    (gate,) = check.gates
    assert (gate.name, gate.reason, gate.blocks) == (
        "baseline",
        "skipped: a vendor's model",
        False,
    )
    assert check.verdict == "not_run"


def test_settings_are_those_of_the_defaults_where_none_are_given(make_project, calls):
    project = make_project()
    frame = calls(800)
    split = split_at(make_project(frame), frame, 500)
    candidate = log_candidate(project, split)
    check = check_baseline.fn(
        split,
        candidate,
        columns=project.dataset.columns,
        task_type="binary",
        settings=GateSettings(resamples=200),
        stores=Stores("calls", project.registry),
    )
    assert check.verdict == "passed"


def test_of_too_few_groups_nothing_can_be_told(make_project, calls, tmp_path):
    project = with_mlflow(make_project())
    frame = calls(1_000)
    frame["client"] = [f"client {number % 25}" for number in range(600)] + ["one", "other"] * 200
    version, _ = log_plainly(frame[:600])
    check = check_baseline.fn(
        (frame[:600], frame[600:]),
        f"models:/calls/{version}",
        columns=PLAIN.model_copy(update={"group": "client"}),
        task_type="binary",
        stores=Stores("calls", project.registry, workspace=str(tmp_path / "kept")),
    )
    assert check.verdict == "not_run"
    gate = by_name(check)[GUESS]
    assert (gate.verdict, gate.blocking) == ("not_run", True)
    assert "400 rows are of 2 groups of 'client', 20 are needed" in gate.reason
