"""What a foreign model answers is read as probabilities or values, and as nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import ModelUnavailable
from prefect_mlops.models.adopted_model import Adoption, probabilities, values_of

ADOPTION = Adoption(
    task_type="binary",
    feature_types={"a": "number"},
    dtypes={"a": "float64"},
    classes=["no", "yes"],
    method="predict",
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_one_number_is_the_probability_of_the_second_class(scores):
    found = probabilities(np.array(scores, dtype="float32"), ["no", "yes"], len(scores))
    assert found[:, 1] == pytest.approx(scores, abs=1e-6)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(scores)), abs=1e-12)
    column = probabilities(np.array(scores)[:, None], ["no", "yes"], len(scores))
    assert column[:, 1] == pytest.approx(scores)


def test_columns_named_like_classes_are_put_in_their_order():
    frame = pd.DataFrame({"1": [0.9], "0": [0.1]})
    assert probabilities(frame, [0, 1], 1).tolist() == [[0.1, 0.9]]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (["yes", "no"], "labels"),
        ([1, 0], "labels"),
        ([[3.0, -1.0], [0.5, 0.5]], r"1 of 2 rows .* no probability, such as \[3.0, -1.0\]"),
        ([[0.5, 0.2], [0.5, 0.5]], "no probability"),
        ([[0.2, 0.3, 0.5]] * 2, r"shape \(2, 3\); expected \(2, 2\)"),
        ([[np.nan, np.nan], [0.5, 0.5]], "no probability"),
        ([0.5], "shape"),
    ],
)
def test_anything_else_is_refused_and_told(answer, said):
    with pytest.raises(ModelUnavailable, match=said) as raised:
        probabilities(answer, ["no", "yes"], 2)
    assert "predict_proba" in str(raised.value)


@pytest.mark.parametrize("answer", [[[1.0], [2.0]], [1, 2], pd.DataFrame({"y": [1.0, 2.0]})])
def test_a_regression_gives_one_number_a_row(answer):
    assert values_of(answer, 2).tolist() == [1.0, 2.0]


@pytest.mark.parametrize("answer", [[1.0], [[1.0, 2.0]] * 2, [1.0, np.inf], ["a", "b"]])
def test_other_answers_of_a_regression_are_refused(answer):
    with pytest.raises(ModelUnavailable, match="regression needs one"):
        values_of(answer, 2)


def test_what_is_stored_is_read_back_and_damage_is_told(tmp_path):
    ADOPTION.save(tmp_path, pd.DataFrame({"a": [1.0]}))
    found, example = Adoption.load(tmp_path)
    assert found == ADOPTION
    assert example["a"].tolist() == [1.0]
    (tmp_path / "adoption.json").write_text("{")
    with pytest.raises(ModelUnavailable, match="Adopt it again"):
        Adoption.load(tmp_path)
