"""New categories: their share, less what a reference of rare ones lets expect."""

from __future__ import annotations

import pandas as pd
import pytest
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.new_categories import NewCategories

METHOD = NewCategories()


def test_the_score_is_the_share_of_unknown_values_among_the_present_ones():
    window = pd.Series(["a"] * 6 + ["new"] * 2 + [None] * 2)
    pair = ColumnPair.of(pd.Series(["a", "b"] * 50), window, "category")
    assert METHOD.score(pair) == pytest.approx(0.25)


def test_categories_beyond_the_thousand_that_are_kept_are_not_new():
    reference = pd.Series([f"c{i}" for i in range(2_000)])
    pair = ColumnPair.of(reference, reference.sample(500, random_state=0), "category")
    assert METHOD.score(pair) < 0.06


def test_where_every_category_is_seen_once_all_of_them_may_be_new():
    ids = pd.Series([f"c{i}" for i in range(3_000)])
    pair = ColumnPair.of(ids[:2_000], ids[2_000:], "category")
    assert METHOD.null_threshold(pair, 0.001) >= 1.0
    known = ColumnPair.of(pd.Series(["a", "b"] * 1_000), pd.Series(["a"] * 1_000), "category")
    assert 0 < METHOD.null_threshold(known, 0.001) < 0.01


def test_the_smallest_effect_is_the_settings():
    assert METHOD.smallest_effect(DriftThresholds(new_category_share=0.07)) == 0.07
