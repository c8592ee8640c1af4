"""Segments are exactly what their words say, and part the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.gates.segment_search import Condition, Segment, find_segments

TYPES = {"age": "number", "job": "category", "asked": "datetime", "member": "boolean"}


def rows(count=2_000, seed=0):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, count).astype(float),
            "job": rng.choice(["student", "admin", "retired"], count),
            "asked": pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 500, count), "h"),
            "member": rng.integers(0, 2, count).astype(float),
        }
    )
    for name in frame:
        frame.loc[rng.random(count) < 0.1, name] = None
    return frame


@pytest.mark.parametrize("seed", range(5))
def test_every_row_is_in_exactly_one_segment(seed):
    frame = rows(seed=seed)
    losses = np.random.default_rng(seed).exponential(size=len(frame))
    found = find_segments(frame, losses, TYPES, depth=3, minimum_rows=50, seed=seed)
    assert len(found) > 2
    inside = np.sum([segment.holds(frame) for segment in found], axis=0)
    assert (inside == 1).all()
    assert min(segment.holds(frame).sum() for segment in found) >= 50


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("age <= 30 and job == 'student'", ["age <= ", "job = student"]),
        ("age > 30 and age <= 45", [" < age <= "]),
        ("member == 1", ["member = true"]),
        ("job != 'admin'", ["job != admin"]),
        ("asked <= '2026-01-04'", ["asked <= 2026-01-0"]),
        ("age.isna()", ["age = missing"]),
    ],
)
def test_a_segment_is_said_in_words(query, words):
    frame = rows(6_000)
    losses = np.where(frame.eval(query), 5.0, 1.0)
    found = find_segments(frame, losses, TYPES, depth=2, minimum_rows=100)
    worst = max(found, key=lambda segment: losses[segment.holds(frame)].mean())
    assert all(word in str(worst) for word in words)
    assert losses[worst.holds(frame)].mean() > 3


def test_conditions_of_one_feature_are_said_together():
    conditions = (
        Condition("age", ">", 20.0, missing=True),
        Condition("age", "<=", 60.5, missing=True),
        Condition("age", "<=", 30.0, missing=True),
        Condition("job", "!=", "admin"),
        Condition("job", "=", "student"),
    )
    assert str(Segment(conditions)) == "(20 < age <= 30 or missing) and job = student"


def test_a_value_that_no_row_had_is_on_the_side_that_the_words_say():
    segment = Segment((Condition("age", "<=", 30.0), Condition("job", "!=", "admin")))
    frame = pd.DataFrame({"age": [29.0, 31.0, np.nan], "job": ["pilot", "pilot", None]})
    assert segment.holds(frame).tolist() == [True, False, False]


def test_losses_that_nothing_parts_have_no_segment():
    assert find_segments(rows(), np.ones(2_000), TYPES, depth=2, minimum_rows=100) == []
    frame = pd.DataFrame({"age": np.ones(500)})
    assert find_segments(frame, np.arange(500.0), {"age": "number"}, depth=2, minimum_rows=50) == []
