"""A window's columns are found by name and by class, and what cannot be used says why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from prefect_mlops.monitoring.window_columns import find_column, known_labels, score_columns


def test_labels_and_score_columns_find_their_class_by_value():
    window = pd.DataFrame({"score.0": [0.5], "score.1.0": [0.5], "label": [True]})
    assert score_columns(window, ["0", "1"]) == {"0": "score.0", "1": "score.1.0"}
    assert known_labels(window, ["0", "1"]).tolist() == ["1"]
    labels = pd.DataFrame({"label": [None, 1.5, "x"]})
    assert known_labels(labels, None).to_dict() == {1: 1.5}


def test_a_column_is_read_as_its_feature_type():
    window = pd.DataFrame({"a": ["1", "2.5", None]})
    found = find_column(window, "a", "number")
    assert found.problem == ""
    assert found.values.tolist() == pytest.approx([1.0, 2.5, np.nan], nan_ok=True)


def test_what_is_lost_in_reading_is_counted():
    window = pd.DataFrame({"a": [1.0, "n/a", np.inf, None]})
    found = find_column(window, "a", "number")
    assert found.values.notna().sum() == 1
    assert found.problem == "2 values cannot be read as a number: counted as missing"


@pytest.mark.parametrize(
    ("window", "problem"),
    [
        (pd.DataFrame({"b": [1]}), "missing from the window"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "there 2 times, expected once"),
    ],
)
def test_a_column_that_cannot_be_used_has_no_values_and_a_reason(window, problem):
    found = find_column(window, "a", "number")
    assert found.values is None
    assert found.problem.startswith(problem)


def test_a_label_that_is_no_class_keeps_its_text_and_its_place():
    window = pd.DataFrame({"label": [None, "yes", "maybe"]}, index=[7, 8, 9])
    assert known_labels(window, ["no", "yes"]).to_dict() == {1: "yes", 2: "maybe"}
    assert known_labels(pd.DataFrame({"x": [1]}), ["no", "yes"]).empty
