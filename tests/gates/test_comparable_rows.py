"""Rows that count nothing are no evidence: neither rows nor groups of them are enough of anything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.gates.comparable_rows import NotComparable, compared_rows, sampling_of

WEIGHTED = Columns(target="y", weight="w")
GROUPED = Columns(target="y", weight="w", group="customer")


def rows(counting: int) -> pd.DataFrame:
    """600 rows of 30 customers, of which the first ones count."""
    frame = pd.DataFrame({"y": np.arange(600.0), "customer": np.repeat(np.arange(30), 20)})
    return frame.assign(w=(frame.index < counting).astype(float))


def test_rows_that_count_nothing_are_not_compared():
    found = compared_rows(rows(100), {}, columns=WEIGHTED, minimum_holdout_rows=100)
    assert found["y"].tolist() == list(range(100))
    with pytest.raises(NotComparable, match=r"99 of 600 .* 100 are needed"):
        compared_rows(rows(99), {}, columns=WEIGHTED, minimum_holdout_rows=100)


def test_groups_that_count_nothing_are_no_groups():
    assert sampling_of(rows(400), GROUPED).clusters == 20
    with pytest.raises(NotComparable, match="of 19 groups of 'customer', 20 are needed"):
        sampling_of(rows(380), GROUPED)


def test_two_rows_that_count_tell_nothing():
    with pytest.raises(NotComparable, match="2 of 600 rows count anything by 'w', 20 are needed"):
        sampling_of(rows(2), WEIGHTED)


def test_rows_of_which_none_counts_are_refused():
    with pytest.raises(DataRejected, match="0 in all 600 rows"):
        compared_rows(rows(0), {}, columns=WEIGHTED, minimum_holdout_rows=100)
