"""The trivial models that every candidate is held against."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.training_rows import training_rows
from prefect_mlops.training.baselines import constant_guess

WEIGHTED = Columns(target="y", weight="w")
COUNTS = st.lists(st.integers(1, 5), min_size=4, max_size=4)


@given(COUNTS)
def test_the_shares_of_classes_count_what_rows_weigh(times):
    frame = pd.DataFrame({"age": [1.0, 2, 3, 4], "y": ["no", "yes", "no", "yes"], "w": times})
    said = constant_guess(training_rows(frame, WEIGHTED, "binary"), "binary", "log_loss")
    labels = np.repeat(frame["y"], times)
    assert said.predict(frame)[0] == pytest.approx([(labels == c).mean() for c in ("no", "yes")])


@given(COUNTS)
def test_the_mean_counts_what_rows_weigh(times):
    frame = pd.DataFrame({"age": [1.0, 2, 3, 4], "y": [1.0, 5.0, 7.0, 20.0], "w": times})
    data = training_rows(frame, WEIGHTED, "regression")
    assert constant_guess(data, "regression", "rmse").predict(frame)[0] == pytest.approx(
        np.repeat(frame["y"], times).mean()
    )
