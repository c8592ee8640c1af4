"""Known and new rows are compared as numbers, and findings say where rows are broken."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.settings import Columns
from prefect_mlops.validation.row_comparison import Judgement, RowComparison, floats

KNOWN = pd.DataFrame({"n": [1.0, 2.0], "c": ["no", "yes"]})
ROWS = pd.DataFrame({"n": [1.0, 2.0, 5.0, 6.0], "c": ["no", "yes", "yes", "other"]})


@pytest.fixture
def comparison():
    return RowComparison(KNOWN, ROWS, np.array([2, 3]), Columns(target="c"), Judgement())


def test_numbers_are_those_of_the_known_and_of_the_new_rows(comparison):
    assert comparison.before("n").tolist() == [1.0, 2.0]
    assert comparison.after("n").tolist() == [5.0, 6.0]


def test_classes_stand_for_their_order_and_unknown_ones_for_nothing(comparison):
    old, new = comparison.coded("c")
    assert old.tolist() == [0.0, 1.0]
    assert new.tolist() == pytest.approx([1.0, np.nan], nan_ok=True)


def test_a_finding_names_rows_of_the_snapshot_and_their_share(comparison):
    comparison.broken("n: same unit", "such as 6", np.array([1]))
    comparison.advise("n: moved", "it moved")
    broken, advice = comparison.judged.findings
    assert (broken.rows, broken.share, broken.blocking) == ([3], 0.25, True)
    assert broken.reason == "n: same unit: broken in 1 of 2 new rows, such as 6"
    assert (advice.blocking, advice.reason) == (False, "it moved")


def test_moments_are_seconds_and_what_is_no_number_is_missing():
    moments = pd.Series(pd.to_datetime(["1970-01-01T00:01:00Z", None]))
    assert floats(moments).tolist() == pytest.approx([60.0, np.nan], nan_ok=True)
    assert floats(pd.Series(["1.5", "x"])).tolist() == pytest.approx([1.5, np.nan], nan_ok=True)
