"""Candidate against champion where rows weigh more, or belong together."""

from __future__ import annotations

import numpy as np
import pytest
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.snapshots import load_frame
from prefect_mlops.metrics.losses import metric_value
from prefect_mlops.models.evaluation import losses_of
from prefect_mlops.tasks.comparison import compare
from support.candidates import crown, log_candidate, split_at

COLUMNS = {"target": "y", "timestamp": "called_at", "slices": ["job"], "ignored": ["call_id"]}


@pytest.fixture
def judged(make_project, calls):
    """A project, its split and two models of it; the rows have a weight and a customer."""
    frame = calls(900)
    rng = np.random.default_rng(0)
    frame["counts"], frame["customer"] = rng.integers(0, 5, 900), np.arange(900) // 4
    frame["few"] = np.arange(900) % 7
    roles = {**COLUMNS, "ignored": ["call_id", "counts", "customer", "few"]}
    project = make_project(frame, gates={"resamples": 300})
    project.dataset.columns = Columns(**roles)
    split = split_at(project, frame, 500)
    crown(project, log_candidate(project, split, noise=0.9, name="champion", iterations=5))
    return project, split, log_candidate(project, split, iterations=5)


def compared(project, split, candidate, **roles):
    taken = set(roles.values())
    ignored = [name for name in ("call_id", "counts", "customer", "few") if name not in taken]
    columns = Columns(**{**COLUMNS, **roles, "ignored": ignored})
    return compare.fn(split, candidate, **{**project.arguments(compare), "columns": columns})


def test_rows_count_what_they_weigh(judged):
    project, split, candidate = judged
    found = compared(*judged, weight="counts")
    holdout = load_frame(split.holdout)
    model = project.registry.load_model(candidate.evaluated_uri, "binary")
    losses = losses_of("log_loss", model, holdout, "y")
    repeated = np.repeat(losses, holdout["counts"])
    assert found.candidate_score == pytest.approx(metric_value("log_loss", repeated))
    assert found.candidate_score != pytest.approx(metric_value("log_loss", losses), rel=1e-4)
    assert found.verdict == "passed"
    by_hand = np.average(
        losses[holdout["job"] == "admin"], weights=holdout["counts"][holdout["job"] == "admin"]
    )
    (admin,) = (part for part in found.slices if part.value == "admin")
    assert admin.candidate == pytest.approx(by_hand)


def test_rows_of_one_customer_are_drawn_together(judged):
    found, plain = compared(*judged, group="customer"), compared(*judged)
    assert found.improvement == pytest.approx(plain.improvement)
    assert found.interval != plain.interval
    assert "on 400 rows of 100 groups log_loss is" in found.gates[0].reason


def test_too_few_groups_decide_nothing(judged):
    found = compared(*judged, group="few")
    assert found.gates[0].verdict == "not_run"
    assert "400 rows are of 7 groups of 'few', 20 are needed" in found.gates[0].reason
