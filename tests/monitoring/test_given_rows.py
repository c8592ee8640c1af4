"""Rows at hand become references and windows, with nothing lost on the way."""

from __future__ import annotations

import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns, DriftThresholds
from prefect_mlops.monitoring.drift import score_window
from prefect_mlops.monitoring.given_rows import (
    named_columns,
    profile_rows,
    rows_of_window,
    window_of_rows,
)
from prefect_mlops.monitoring.reference import SAMPLE_ROWS
from support.monitored import calls_like

ROLES = Columns(target="y", categorical=["code"])


def test_rows_are_laid_out_like_a_window_and_back():
    rows = calls_like(50)
    window = window_of_rows(rows, ["weak", "job"], "y")
    assert list(window) == ["features.weak", "features.job", "label"]
    assert rows_of_window(window, "y").equals(rows[["weak", "job", "y"]])
    assert list(rows_of_window(window, None)) == ["weak", "job"]


def test_codes_are_categories_where_they_are_declared_so():
    rows = pd.DataFrame({"code": [10, 20] * 50, "y": ["a"] * 100})
    assert profile_rows(rows, ["code"], columns=ROLES).columns["code"].shares == {
        "10": 0.5,
        "20": 0.5,
    }
    assert profile_rows(rows, ["code"]).feature_types == {"code": "number"}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([0.5, 1.5], None), (["b", "a"], ["a", "b"]), ([True, False], ["False", "True"])],
)
def test_the_target_is_profiled_as_what_it_is(labels, classes):
    rows = pd.DataFrame({"code": [1, 2] * 50, "y": labels * 50})
    known = profile_rows(rows, ["code"], columns=ROLES)
    assert known.classes == classes
    window = window_of_rows(rows, ["code"], "y")
    scored = score_window(known, window, DriftThresholds(minimum_rows=30))
    assert [(c.role, c.drifted) for c in scored] == [("feature", False), ("target", False)]


def test_the_sample_is_bounded():
    known = profile_rows(calls_like(6_000), ["weak"])
    assert len(known.sample) == SAMPLE_ROWS
    assert known.columns["weak"].rows == 6_000


def test_names_that_become_the_same_text_are_refused():
    with pytest.raises(DataRejected, match=r"\['1'\] appear more than once"):
        named_columns(pd.DataFrame({1: [1], "1": [2]}))
