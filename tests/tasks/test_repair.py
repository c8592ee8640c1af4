"""A repair is judged on rows that the new model has not seen, when there are enough of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from prefect_mlops.core import tags
from prefect_mlops.core.errors import LogUnavailable, ModelUnavailable
from prefect_mlops.core.results import Cause, Window
from prefect_mlops.registry.versions import get_version
from prefect_mlops.storage.predictions import Prediction
from prefect_mlops.tasks.repair import verify_repair
from support.candidates import crown, log_candidate, split_at

ROWS = 400


@pytest.fixture
def window(calls):
    """The rows of the window that asked."""
    return calls(ROWS, seed=5, start="2026-02-01")


@pytest.fixture
def project(make_project, calls):
    project = make_project(calls(600), gates={"resamples": 300})
    project.monitoring.performance.minimum_labels = 100
    return project


@pytest.fixture
def champions(project, calls):
    """Versions 1 and 2: a poor and a good model."""
    frame = calls(600)
    split = split_at(project, frame, 500)
    poor = crown(project, log_candidate(project, split, noise=0.9, name="poor"))
    good = crown(project, log_candidate(project, split, name="good"))
    tagged = []
    for version in (poor, good):
        set_tag(project, version, tags.EVALUATED_URI, version.uri)
        tagged.append(get_version(project.registry, version.version))
    return tagged


def set_tag(project, version, name, value):
    client = project.registry.get_client()
    client.set_model_version_tag(version.name, version.version, name, value)
    return get_version(project.registry, version.version)


def log(project, frame, labelled=ROWS):
    with project.predictions.get_client() as store:
        store.append(
            [
                Prediction(
                    id=row["call_id"],
                    model="calls",
                    version="1",
                    at=row["called_at"].to_pydatetime(),
                    features={name: row[name] for name in ("strong", "weak", "job")},
                    prediction="no",
                    score={"no": 0.6, "yes": 0.4},
                    label=row["y"] if i < labelled else None,
                )
                for i, row in enumerate(frame.to_dict("records"))
            ]
        )


def cause_of(frame) -> Cause:
    first = frame["called_at"].iloc[0].to_pydatetime()
    return Cause(
        id="c1",
        project="calls",
        champion_version="1",
        window=Window(start=first, end=first + timedelta(days=1)),
        rows=len(frame),
        reason="worse than promised",
        signals=["performance"],
        metric="log_loss",
        decided_at=first,
    )


def repairs(project):
    with project.predictions.get_client() as store:
        return store.journal("repair", "calls")


def test_a_better_model_repairs_and_it_is_written_down_everywhere(project, champions, window):
    log(project, window)
    repair = verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair))
    assert repair.verdict == "passed"
    assert repair.before is not None
    assert repair.after is not None
    assert repair.after < repair.before
    assert f"{repair.before:.4g} before, {repair.after:.4g} after" in repair.reason
    assert (repair.cause_id, repair.version, repair.metric) == ("c1", "2", "log_loss")
    assert [entry["verdict"] for entry in repairs(project)] == ["passed"]
    assert get_version(project.registry, "2").tags[tags.REPAIR] == "passed"


def test_a_model_that_is_no_better_does_not(project, champions, window):
    log(project, window)
    poor, _ = champions
    repair = verify_repair.fn(cause_of(window), poor, **project.arguments(verify_repair))
    assert repair.verdict == "not_run"
    assert repair.before == repair.after
    assert "the next window does" in repair.reason
    worse = verify_repair.fn(
        cause_of(window).model_copy(update={"champion_version": "2"}),
        poor,
        **project.arguments(verify_repair),
    )
    assert worse.verdict == "failed"


def test_it_is_judged_on_the_rows_after_its_own_cutoff(project, champions, window):
    log(project, window)
    cutoff = window["called_at"].iloc[249]
    version = set_tag(project, champions[1], tags.EVALUATED_CUTOFF, cutoff.isoformat())
    repair = verify_repair.fn(cause_of(window), version, **project.arguments(verify_repair))
    assert (repair.rows, repair.fitted_on_window) == (150, 0.0)


def test_with_too_few_unseen_rows_all_are_used_and_it_says_so(project, champions, window):
    log(project, window)
    cutoff = window["called_at"].iloc[319]
    version = set_tag(project, champions[1], tags.EVALUATED_CUTOFF, cutoff.isoformat())
    repair = verify_repair.fn(cause_of(window), version, **project.arguments(verify_repair))
    assert (repair.rows, repair.fitted_on_window) == (400, 0.8)
    assert "80% of them had been fitted on" in repair.reason


def test_only_labelled_rows_count(project, champions, window):
    log(project, window, labelled=120)
    assert (
        verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair)).rows
        == 120
    )


def test_without_enough_labels_nobody_can_tell_yet(project, champions, window):
    log(project, window, labelled=99)
    repair = verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair))
    assert repair.verdict == "not_run"
    assert "too few labels" in repair.reason
    assert "the next window tells" in repair.reason


def test_a_repair_of_drift_asks_the_new_reference(project, champions, window):
    log(project, window)
    drifted = cause_of(window).model_copy(update={"signals": ["drift"]})
    # These models were logged without a reference.
    with pytest.raises(ModelUnavailable, match="profile"):
        verify_repair.fn(drifted, champions[1], **project.arguments(verify_repair))
    assert repairs(project) == []


def test_a_champion_that_is_gone_cannot_be_compared_with(project, champions, window):
    log(project, window)
    gone = cause_of(window).model_copy(update={"champion_version": "7"})
    repair = verify_repair.fn(gone, champions[1], **project.arguments(verify_repair))
    assert repair.verdict == "not_run"
    assert "has no version 7" in repair.reason


def test_verifying_again_keeps_the_first_record(project, champions, window):
    log(project, window)
    first = verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair))
    assert (
        verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair))
        == first
    )
    assert len(repairs(project)) == 1


def test_labels_other_than_the_models_classes_do_not_pass_for_right(project, champions, window):
    frame = window.assign(y=np.where(window["y"] == "yes", "maybe", "no"))
    log(project, frame)
    repair = verify_repair.fn(cause_of(window), champions[1], **project.arguments(verify_repair))
    assert repair.after is not None
    assert repair.after > 1


def test_a_log_out_of_reach_is_told(project, champions, window, tmp_path):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder should be")
    gone = project.model_copy(
        update={
            "predictions": project.predictions.model_copy(
                update={"uri": type(project.predictions.uri)(f"sqlite:///{blocked}/p.db")}
            )
        }
    )
    with pytest.raises(LogUnavailable):
        verify_repair.fn(cause_of(window), champions[1], **gone.arguments(verify_repair))
