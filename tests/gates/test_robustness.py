"""Rows are disturbed as said, and what a model makes of them is held against its limits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import GateSettings
from prefect_mlops.data.schema import conform
from prefect_mlops.gates.disturbed_rows import (
    NEVER_SEEN,
    emptied,
    noisy,
    with_categories_never_seen,
)
from prefect_mlops.gates.disturbed_scores import Disturbed
from prefect_mlops.gates.robustness import NOISE, missing_gate, worsening_gate

TYPES = {"age": "number", "job": "category", "old": "boolean", "born": "datetime"}
SETTINGS = GateSettings(resamples=200)


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 90, 2_000),
            "job": rng.choice(["a", "b"], 2_000),
            "old": rng.random(2_000) < 0.5,
            "born": pd.date_range("1950-01-01", periods=2_000, tz="UTC"),
        }
    )
    return conform(frame, TYPES)[0]


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_noise_is_a_share_of_the_training_rows_spread_and_on_numbers_only(rows, share):
    moved = noisy(rows, rows, TYPES, share=share, seed=0)
    noise = (moved["age"] - rows["age"]).std() / rows["age"].std()
    assert noise == pytest.approx(share, rel=0.1)
    others = ["job", "old", "born"]
    pd.testing.assert_frame_equal(moved[others], rows[others])


def test_rows_without_numbers_or_categories_cannot_be_disturbed_so(rows):
    assert noisy(rows, rows, {"job": "category"}, share=0.1, seed=0) is None
    assert with_categories_never_seen(rows, {"age": "number"}) is None


def test_a_column_without_values_stays_without(rows):
    empty = rows.assign(age=np.nan)
    assert noisy(empty, empty, TYPES, share=0.1, seed=0)["age"].isna().all()


@given(st.sampled_from(sorted(TYPES)))
def test_an_emptied_column_keeps_its_type_where_it_can(name):
    frame = conform(
        pd.DataFrame(
            {"age": [1, 2], "job": ["a", "b"], "old": [True, False], "born": ["2020", "2021"]}
        ),
        TYPES,
    )[0]
    bare = emptied(frame, name, TYPES)
    assert bare[name].isna().all()
    # A model takes it as it takes any other row.
    again, _ = conform(bare, TYPES)
    assert list(again.dtypes) == list(frame.dtypes)


def test_every_category_becomes_one_that_nobody_saw(rows):
    unknown = with_categories_never_seen(rows, TYPES)
    assert set(unknown["job"]) == {NEVER_SEEN}
    assert unknown["age"].equals(rows["age"])


def worse(factor, flips=0.0):
    clean = np.random.default_rng(0).exponential(1.0, 500)
    return worsening_gate(
        NOISE,
        "noise",
        "mae",
        clean=clean,
        disturbed=Disturbed(clean * factor, flips),
        settings=SETTINGS,
        seed=0,
    )


@pytest.mark.parametrize(
    ("factor", "flips", "verdict"),
    [(1.05, 0.0, "passed"), (1.3, 0.0, "failed"), (1.0, 0.2, "failed"), (0.8, 0.1, "passed")],
)
def test_a_metric_may_get_worse_by_a_tenth_and_a_tenth_of_the_decisions_may_flip(
    factor, flips, verdict
):
    gate = worse(factor, flips)
    assert (gate.verdict, gate.blocking) == (verdict, False)


def test_a_model_that_raises_fails_with_what_it_said():
    gate = worsening_gate(
        NOISE,
        "noise",
        "mae",
        clean=np.ones(10),
        disturbed=Disturbed(None, error="ValueError: unknown category"),
        settings=SETTINGS,
        seed=0,
    )
    assert gate.verdict == "failed"
    assert "it cannot score at all: ValueError: unknown category" in gate.reason


def test_a_feature_without_which_a_guess_is_better_is_named():
    guess = np.random.default_rng(0).exponential(1.0, 300)
    without = {"age": Disturbed(guess * 2), "job": Disturbed(guess * 0.5)}
    gate = missing_gate("mae", without, guess=guess, settings=SETTINGS, seed=0)
    assert gate.verdict == "failed"
    assert "surely worse than a guess by more than 10% without 'age'" in gate.reason
    good = missing_gate("mae", {"job": without["job"]}, guess=guess, settings=SETTINGS, seed=0)
    assert good.verdict == "passed"
