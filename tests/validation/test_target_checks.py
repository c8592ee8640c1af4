import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import DataRejected
from prefect_mlops.validation.target_checks import check_target, fitting_task

WHOLE = [*range(60)] * 2
FRACTIONS = [0.5, 1.25, 7.0, 9.75] * 30


def series(values):
    return pd.Series(values, name="y")


@pytest.mark.parametrize(
    ("task", "values", "complaint"),
    [
        (
            "binary",
            WHOLE,
            "has 60 classes, .* exactly two; these 60 values fit task_type 'regression'",
        ),
        (
            "binary",
            FRACTIONS,
            "fractions, such as 0.5: binary .* 4 values fit task_type 'regression'",
        ),
        ("binary", ["a", "b", "c"] * 9, "exactly two; these 3 values fit task_type 'multiclass'"),
        ("multiclass", FRACTIONS, "needs classes; these 4 values fit task_type 'regression'"),
        ("multiclass", [0.5, 1.5] * 9, "needs classes; these 2 values fit task_type 'regression'"),
        ("regression", ["yes", "no"] * 9, "needs numbers; these 2 values fit task_type 'binary'"),
        ("regression", [True, False] * 9, "needs numbers; these 2 values fit task_type 'binary'"),
        (
            "regression",
            ["a", "b", "c"] * 9,
            "needs numbers; these 3 values fit task_type 'multiclass'",
        ),
        (
            "regression",
            ["01", "02"] * 9,
            "needs numbers, and these are text: store them as numbers",
        ),
        (
            "regression",
            [f"name {n}" for n in range(9)],
            "such as 'name 0': regression needs numbers$",
        ),
        ("binary", ["a"] * 9, "binary needs exactly two$"),
        ("multiclass", [1, "a"] * 9, r"mixes \['int', 'str'\]: use one type"),
        ("regression", [1, "a"] * 9, r"mixes \['int', 'str'\]: use one type"),
    ],
)
def test_a_target_that_does_not_fit_is_refused_with_the_task_that_would(task, values, complaint):
    with pytest.raises(DataRejected, match=complaint) as caught:
        check_target(task, series(values))
    assert caught.value.column == "y"


@pytest.mark.parametrize(
    ("task", "values"),
    [
        ("binary", [0, 1] * 9),
        ("binary", [0.0, 1.0] * 9),
        ("binary", [True, False] * 9),
        ("multiclass", [0, 1] * 9),
        ("multiclass", WHOLE),
        ("regression", WHOLE),
        ("regression", FRACTIONS),
        ("regression", [0, 1] * 9),
    ],
)
def test_a_target_that_a_person_may_well_mean_is_taken(task, values):
    target = series(values)
    check_target(task, target)
    pd.testing.assert_series_equal(target, series(values))
    with pytest.raises(DataRejected, match=rf"empty in 1 of {len(values) + 1} rows"):
        check_target(task, series([*values, None]))


@given(
    st.one_of(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=40),
        st.lists(st.integers(-(2**60), 2**60), min_size=4, max_size=40),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=4, max_size=40),
        st.lists(st.booleans(), min_size=4, max_size=40),
    )
)
def test_the_task_that_is_named_takes_the_target(values):
    target = series(values)
    task = fitting_task(target)
    if task is not None:
        check_target(task, target)
    else:
        assert target.nunique() < 2 or 2 * target.nunique() > len(target)


def test_whole_numbers_beside_infinity_are_no_fractions():
    assert fitting_task(series(np.array([0.0, 1.0, np.inf]))) == "multiclass"
