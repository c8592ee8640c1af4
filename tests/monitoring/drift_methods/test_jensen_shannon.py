"""Categories: the distance is scipy's, and its threshold is what chance explains."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.jensen_shannon import JensenShannon, jensen_shannon
from scipy.spatial.distance import jensenshannon

METHOD = JensenShannon()


def test_chance_exceeds_the_threshold_of_categories_about_as_often_as_asked():
    rng = np.random.default_rng(0)
    names = np.array([f"c{i}" for i in range(30)])
    beyond = 0
    for _ in range(150):
        before, after = (pd.Series(rng.choice(names, rows)) for rows in (3_000, 400))
        pair = ColumnPair.of(before, after, "category")
        beyond += METHOD.score(pair) > METHOD.null_threshold(pair, 0.05)
    assert 0.01 < beyond / 150 < 0.10


def test_jensen_shannon_is_scipys():
    rng = np.random.default_rng(2)
    before, after = rng.dirichlet(np.ones(6), 2)
    after[2] = 0.0
    after /= after.sum()
    assert jensen_shannon(before, after) == pytest.approx(jensenshannon(before, after))
