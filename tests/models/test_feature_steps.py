"""Steps are checked whenever they run: what a row is given depends on that row alone, or the row is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect_mlops.core.errors import ConfigurationError, DataRejected
from prefect_mlops.models.feature_steps import FeatureSteps, same_values
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

TYPES = {"x": "number", "job": "category"}


def of(function, types=TYPES):
    return FeatureSteps([("shop:step", FunctionTransformer(function))], [dict(types)])


def frame(x=(1.0, 2.0, 3.0), job=("a", None, "c")):
    return pd.DataFrame({"x": np.array(x, dtype=float), "job": pd.Series([*job], dtype=object)})


def without_missing(rows):
    return rows.dropna()


def with_ratio(rows):
    return rows.assign(ratio=1 / rows["x"])


def with_new_column(rows):
    return rows.assign(**({"seldom": 1.0} if len(rows) == 1 else {}))


def secret(rows):
    if rows["job"].isna().any():
        raise ValueError(f"cannot read {rows['x'].tolist()}")
    return rows


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (without_missing, "feature step 'shop:step' returned 2 rows for 3"),
        (secret, r"feature step 'shop:step' raised ValueError \(line \d+ of"),
    ],
)
def test_rows_that_a_step_cannot_take_are_refused_without_their_values(function, message):
    steps = of(function).fit(frame(job=("a", "b", "c")))
    with pytest.raises(DataRejected, match=message) as refused:
        steps.transform(frame())
    assert "[1.0" not in str(refused.value)


def test_columns_that_were_not_there_in_training_are_refused():
    steps = of(with_new_column).fit(frame())
    with pytest.raises(DataRejected, match=r"other columns .* with \['seldom'\] beside them"):
        steps.transform(frame()[:1])


def test_fitting_on_rows_of_which_a_step_makes_other_columns_is_a_configuration_error():
    with pytest.raises(ConfigurationError, match=r"without \['ratio'\]"):
        of(without_missing, {**TYPES, "ratio": "number"}).fit(frame(job=("a", "b", "c")))


def test_a_clone_knows_the_same_types_and_is_not_fitted():
    steps = of(with_ratio, {**TYPES, "ratio": "number"}).fit(frame())
    again = clone(steps)
    assert again.output_types == steps.output_types
    assert not hasattr(again, "fitted_")


numbers = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.just(0.0))


@given(st.lists(st.tuples(numbers, st.sampled_from(["a", "b", None])), min_size=1, max_size=8))
def test_a_row_alone_is_given_what_it_is_given_among_others(rows):
    given_rows = frame(*zip(*rows, strict=True))
    steps = of(with_ratio, {**TYPES, "ratio": "number"}).fit(frame())
    whole = steps.transform(given_rows)
    assert list(whole.dtypes.astype(str)) == ["float64", "object", "float64"]
    assert not np.isinf(whole["ratio"]).any()
    for position in range(len(rows)):
        alone = steps.transform(given_rows.iloc[[position]].reset_index(drop=True))
        pd.testing.assert_frame_equal(alone, whole.iloc[[position]].reset_index(drop=True))
        assert same_values(alone, whole.iloc[[position]].reset_index(drop=True)) == []


@given(st.lists(numbers, min_size=1, max_size=6), st.integers(0, 5), st.floats(0.01, 100))
def test_a_value_that_differs_is_seen(values, position, by):
    expected = frame(values, ["a"] * len(values))
    found = expected.copy()
    row = position % len(values)
    before = found.loc[row, "x"]
    found.loc[row, "x"] = 1.0 if np.isnan(before) else before + by * (1 + abs(before))
    assert same_values(found, expected) == ["x"]
    found = expected.copy()
    found.loc[row, "job"] = None
    assert same_values(found, expected) == ["job"]
