import numpy as np
import pandas as pd
import pytest
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.core.settings import Columns
from prefect_mlops.data.training_rows import training_rows

COLUMNS = Columns(target="y", ignored=["secret"])


def frame(target):
    return pd.DataFrame({"x": range(len(target)), "secret": 1.0, "y": target})


def test_features_are_conformed_and_other_columns_stay_out():
    data = training_rows(frame([0, 1, 1]), COLUMNS, "binary")
    assert dict(data.rows.dtypes.astype(str)) == {"x": "float64"}
    assert data.feature_types == {"x": "number"}
    assert data.classes is not None
    assert data.classes.tolist() == [0, 1]


def test_given_kinds_win_over_inferred_ones():
    data = training_rows(frame([0, 1]), COLUMNS, "binary", {"x": "category"})
    assert data.rows["x"].tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("target", "task", "message"),
    [
        (["a", None, "b"], "binary", "'y' is missing in 1 of 3 rows"),
        (["a", "a"], "binary", r"1 classes \('a'\); a binary model needs exactly 2"),
        (["a", "b", "c"], "binary", "3 classes"),
        ([1, 1], "multiclass", "at least 2"),
        ([1.0, np.inf], "regression", "no finite number in 1 rows, for example 'inf'"),
        (["1", "many"], "regression", "for example 'many'"),
        (["a", 1], "binary", "mixes int, str"),
    ],
)
def test_labels_that_cannot_be_learnt_are_rejected(target, task, message):
    with pytest.raises(DataRejected, match=message) as caught:
        training_rows(frame(target), COLUMNS, task)
    assert caught.value.column == "y"


def test_a_missing_target_is_rejected():
    with pytest.raises(DataRejected, match="target 'y' is missing; columns found"):
        training_rows(frame([0, 1]).drop(columns="y"), COLUMNS, "binary")


def test_taking_rows_keeps_all_classes():
    data = training_rows(frame(["a", "b", "c"]), COLUMNS, "multiclass").take(np.array([2, 0]))
    assert data.target.tolist() == ["c", "a"]
    assert data.rows["x"].tolist() == [2.0, 0.0]
    assert data.classes is not None
    assert data.classes.tolist() == ["a", "b", "c"]


def test_rows_that_count_nothing_are_left_out():
    rows = frame(["no", "yes"] * 4).assign(w=[0.0, 0.0, 1, 2, 1, 2, 1, 0])
    found = training_rows(rows, Columns(target="y", weight="w"), "binary")
    assert found.weights.tolist() == [1, 2, 1, 2, 1]
    assert found.target.tolist() == ["no", "yes", "no", "yes", "no"]
    assert len(found.rows) == 5
