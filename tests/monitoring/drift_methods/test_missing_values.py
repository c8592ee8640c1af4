"""Missing values: the rise of their share, beyond what the sizes explain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import DriftThresholds
from prefect_mlops.monitoring.drift_methods.base import ColumnPair
from prefect_mlops.monitoring.drift_methods.missing_values import MissingValues

METHOD = MissingValues()


def pair_with(missing_before: float, missing_after: float, rows: int = 1_000) -> ColumnPair:
    def column(share: float) -> pd.Series:
        return pd.Series(np.where(np.arange(rows) < share * rows, np.nan, 1.5))

    return ColumnPair.of(column(missing_before), column(missing_after), "number")


@pytest.mark.parametrize(("before", "after"), [(0.0, 0.3), (0.1, 0.3), (0.3, 0.1), (0.2, 0.2)])
def test_the_score_is_the_rise_of_the_share(before, after):
    assert METHOD.score(pair_with(before, after)) == pytest.approx(after - before)


def test_chance_exceeds_the_threshold_about_as_often_as_asked():
    rng, beyond = np.random.default_rng(0), 0
    for _ in range(500):
        before, after = (
            pd.Series(np.where(rng.random(rows) < 0.2, np.nan, 1.0)) for rows in (3_000, 400)
        )
        pair = ColumnPair.of(before, after, "number")
        beyond += METHOD.score(pair) > METHOD.null_threshold(pair, 0.05)
    assert 0.03 < beyond / 500 < 0.07


def test_the_smallest_effect_is_the_settings():
    assert METHOD.smallest_effect(DriftThresholds(null_rise=0.07)) == 0.07
